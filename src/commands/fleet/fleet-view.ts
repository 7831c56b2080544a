/** Which version each node has, for people. */
import type { NodeReport, RolloutRecord } from '../../core/rollout/record.ts';

export function fleetView(record: RolloutRecord | null, reports: readonly NodeReport[]): string {
  const width = Math.max(0, ...reports.map(({ node }) => node.length));
  const lines = reports.map(({ node, state, version, why }) => {
    const has = version === null ? 'none yet' : `version ${version}`;
    return `${node.padEnd(width)}  ${has}, ${state}${why === '' ? '' : `: ${why}`}\n`;
  });
  const silent = (record?.nodes ?? []).filter((name) => reports.every(({ node }) => node !== name));
  const rest = silent.map(
    (name) => `${name.padEnd(width)}  does not say anything: does \`evenkeel fleet follow\` run there?\n`,
  );
  return `${recordText(record)}\n${lines.length === 0 ? 'no node follows\n' : lines.join('')}${rest.join('')}`;
}

function recordText(record: RolloutRecord | null): string {
  if (record === null) return 'nothing is published';
  const { by, former, nodes, stopped, version } = record;
  const before = former === null ? 'what they had' : `version ${former.version}`;
  if (stopped !== null) return `version ${version} by ${by} is stopped (${stopped.why}): all nodes have ${before}`;
  return nodes === null
    ? `version ${version} by ${by}, for all nodes`
    : `version ${version} by ${by}, for ${nodes.join(', ')}; the others have ${before}`;
}
