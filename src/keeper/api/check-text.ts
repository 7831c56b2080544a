/** How a server is checked, for people: `http /healthz on port 8080`. */
import type { HealthPlan } from '../../config/plan/health.ts';

export function checkText({ also = [], ...first }: HealthPlan): string {
  const parts = also.map(({ isClear, ...part }) => partText({ ...part, tls: isClear ? null : first.tls }));
  return [partText(first), ...parts].join(', ');
}

function partText({ address, probe, port, tls }: Pick<HealthPlan, 'address' | 'probe' | 'port' | 'tls'>): string {
  const over = tls === null || probe.kind === 'run' ? '' : ' over TLS';
  const at = address === undefined ? '' : ` at ${address.host}`;
  return `${probeText(probe)}${over}${at}${port === null ? '' : ` on port ${port}`}`;
}

function probeText(probe: HealthPlan['probe']): string {
  if (probe.kind === 'http') return `http ${probe.path}`;
  if (probe.kind === 'run') return `run ${probe.command.join(' ')}`;
  if (probe.kind === 'dns') return `dns ${probe.name}`;
  return probe.kind === 'expect' ? `expect ${probe.expect}` : probe.kind;
}
