/** The report of the trials. */
import { cpus, release } from 'node:os';
import type { TrialResult } from './trial.ts';

export function renderKernelPage(results: readonly TrialResult[]): string {
  const machine = `${cpus().length} cores, Linux ${release().split('.', 2).join('.')}, Node ${process.version}`;
  const rows = results.map(({ event, change, sessions, ended, lost }) => {
    const server = change === null ? '' : `${change.what}, ${change.when}`;
    return `| ${event} | ${server} | ${sessions} | ${ended} | ${lost.length === 0 ? '0' : `**${lost.length}**`} |`;
  });
  return `# What a pair in kernel mode survives

${machine}. \`npm run campaign:kernel -- --write\` makes this page; a short form of it is among the tests. What is behind it: [kernel mode](../kernel-mode.md).

Three servers with OpenSSH, MariaDB and one that echoes, behind a pair in network namespaces, with adverts every 300 ms. Sessions are opened; the event happens to the
balancer that carries them; each of them has to go on within 30 s; the balancer comes back and takes its addresses; each has to go on once more. Some wait for their client, some for
their server, who speaks first then; others download or upload all the time. Where a server changes, sessions are opened before and after that: *before* the event, or *between* it and the
balancer's return. A server that *dies* takes its sessions with it; one that *refuses* takes nobody new, keeps whom it has, and its checks fail; one that *comes* was down before.

| event | a server | sessions | of a server that died | lost |
|---|---|---:|---:|---:|
${rows.join('\n')}
`;
}
