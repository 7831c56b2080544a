/**
 * `npm run campaign:kernel`: what a pair in kernel mode survives, with real OpenSSH and MariaDB and a thousand connections, and a report of it.
 *
 *   -- --connections N   plain ones, opened at each time (500)
 *   -- --real N          of each kind of OpenSSH and MariaDB (3)
 *   -- --only TEXT       of the trials
 *   -- --forward dsr     instead of nat
 *   -- --write           docs/benchmarks/kernel-mode.md
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { renderKernelPage } from './page.ts';
import { CHANGES, EVENTS, type ServerChange, type TrialEvent, type TrialResult, Trials } from './trial.ts';

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '500' },
    real: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    forward: { type: 'string', default: 'nat' },
    write: { type: 'boolean', default: false },
  },
});

const PAGE = fileURLToPath(new URL('../../../docs/benchmarks/kernel-mode.md', import.meta.url));

const changes: readonly (ServerChange | null)[] = [
  null,
  ...CHANGES.flatMap((what) => (['before', 'between'] as const).map((when) => ({ what, when }))),
];
const wanted = EVENTS.flatMap((event) => changes.map((change) => [event, change] as const)).filter(([event, change]) =>
  nameOf(event, change).includes(values.only),
);
const results: TrialResult[] = [];
// Who has died is not started again: such trials have a place of their own.
for (const isFinal of [false, true]) {
  const some = wanted.filter(([, change]) => (change?.what === 'dies') === isFinal);
  for (const part of isFinal ? some.map((one) => [one]) : [some]) {
    if (part.length > 0) await runAll(part);
  }
}
if (values.write) writeFileSync(PAGE, renderKernelPage(results));
process.exit(results.every(({ lost }) => lost.length === 0) ? 0 : 1);

async function runAll(trials: readonly (readonly [TrialEvent, ServerChange | null])[]): Promise<void> {
  const hooks: (() => unknown)[] = [];
  try {
    const place = await Trials.create(
      { after: (hook) => void hooks.push(hook as () => unknown) },
      {
        connections: Number(values.connections),
        real: Number(values.real),
        patienceMs: 30_000,
        advertiseMs: 300,
        forward: values.forward === 'dsr' ? 'dsr' : 'nat',
      },
    );
    for (const [event, change] of trials) {
      const result = await place.run(event, change);
      results.push(result);
      const { sessions, ended, lost } = result;
      console.log(
        `${nameOf(event, change)}: ${sessions} sessions, ${ended} of a server that died, ${lost.length} lost`,
      );
      for (const one of lost.slice(0, 5)) console.log(`  ${one}`);
    }
  } finally {
    for (const hook of hooks.toReversed()) await hook();
  }
}

function nameOf(event: TrialEvent, change: ServerChange | null): string {
  return change === null ? `${event}, no server changes` : `${event}, a server ${change.what} ${change.when}`;
}
