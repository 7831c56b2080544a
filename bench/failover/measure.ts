/** One event on one contender. */
import { FIRST, makeReady, measure, type Measured, type NodePair } from '../../src/lab/measure.ts';
import type { Pair } from '../../src/lab/pair.ts';
import type { Contender } from './contender.ts';
import type { FailoverEvent } from './events.ts';

export async function measureEvent(
  contender: Contender,
  pair: Pair,
  event: FailoverEvent,
  intervalMs: number,
): Promise<Measured> {
  await makeReadyFor(contender, pair, intervalMs);
  return measure(pair, intervalMs, () => event.happen(contender, pair, FIRST));
}

export async function makeReadyFor(contender: Contender, pair: Pair, intervalMs: number): Promise<void> {
  const parts = ['owner', 'owner and supervisor', 'proxy'] as const;
  const nodes: NodePair = {
    start: (host) => contender.start(pair, host, intervalMs),
    isWhole: (host) => parts.every((part) => contender.pids(pair, host, part).length > 0),
  };
  await makeReady(pair, nodes);
}
