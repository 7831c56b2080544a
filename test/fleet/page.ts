/** The report of the trials. */
import { cpus, release } from 'node:os';
import type { FlowsResult } from './flows.ts';
import type { By, EventName, TrialResult } from './trial.ts';

const CONTENDERS = {
  static: 'static route',
  bird: 'BIRD alone, with BFD',
  evenkeel: 'evenkeel, by BIRD with BFD',
} satisfies Record<By, string>;

const FORWARDERS = {
  proxies: 'proxies',
  dsr: '[kernel mode](../kernel-mode.md), `forward: dsr`',
} satisfies Record<FlowsResult['way'], string>;

export function renderFleetPage(results: readonly TrialResult[], flows: readonly FlowsResult[]): string {
  const machine = `${cpus().length} cores, Linux ${release().split('.', 2).join('.')}, Node ${process.version}, BIRD 2.0.12`;
  const events = [...new Set(results.map(({ event }) => event))];
  const rows = events.map((event) => {
    const cells = (Object.keys(CONTENDERS) as By[]).map((by) => cellOf(by, event, results));
    return `| ${event} | ${cells.join(' | ')} |`;
  });
  return `# A fleet: figures

${machine}. Other programs were busy on the machine. Each event once. \`npm run bench:fleet -- --write\`, as root, makes this page. What is behind it: [a fleet](../fleet.md).

Three balancers with evenkeel, a router with Linux's ECMP, and a client that makes a new connection every 5 ms, as network namespaces on one switch. The event happens to the first balancer; for 8 s it is counted how many of about 1,600
requests fail (no answer within 500 ms, refused, reset, another status than 200), and how long it is from the first that fails to the last. A third of them goes to each balancer.

| event | ${Object.values(CONTENDERS).join(' | ')} |
|---|${Object.keys(CONTENDERS)
    .map(() => '---|')
    .join('')}
${rows.join('\n')}

- **Static route**: the router sends to all three, whatever they are. **BIRD alone**: each announces the address while BIRD and the machine live; BFD each 200 ms, lost after 4. **evenkeel**: announced while it is well, \`life: 3s\`,
  \`graceful: { for: 3s }\`, the other two as above.
- *Its server*: each balancer has one of its own beside it, which is checked each 500 ms. Whoever is not withdrawn answers 502.
- *Killed* and *frozen* end with the life of the address in the kernel, and with nobody's help.

## Connections that stay open

${flows[0]?.opened ?? 0} connections over TCP to two servers behind the three balancers. The first balancer is drained, and then evenkeel on the second one is killed; on each connection a word is said before, between and after, and has to come
back within 3 s.

| forwarded by | lost by the drain | lost by the kill |
|---|---:|---:|
${flows.map(({ way, lostByDrain, lostByKill }) => `| ${FORWARDERS[way]} | ${lostByDrain} | ${lostByKill} |`).join('\n')}

With \`dsr\` each node chooses the same server for a flow, and it does not matter by which of them it comes. Through proxies the connections of the one that leaves are lost, and those that the router's new spread sends elsewhere.
`;
}

function cellOf(by: By, event: EventName, results: readonly TrialResult[]): string {
  const result = results.find((one) => one.by === by && one.event === event);
  if (result === undefined) return '';
  const { failed, failingMs, hasNoEnd, requests } = result;
  if (failed === 0) return '0';
  return `${failed} of ${requests}, ${hasNoEnd ? '**without an end**' : `for ${(failingMs / 1_000).toFixed(1)} s`}`;
}
