/** One event on one contender. */
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../../src/lab/clock.ts';
import { measure, type Measured } from '../../src/lab/measure.ts';
import { BALANCERS, type Balancer, type Pair } from '../../src/lab/pair.ts';
import { signalAll } from '../../src/lab/processes.ts';
import type { Contender } from './contender.ts';
import type { FailoverEvent } from './events.ts';

const ACTIVE: Balancer = 'lb01';
const READY_MS_MAX = 30_000;

export async function measureEvent(
  contender: Contender,
  pair: Pair,
  event: FailoverEvent,
  intervalMs: number,
): Promise<Measured> {
  await makeReady(contender, pair, intervalMs);
  return measure(pair, intervalMs, () => event.happen(contender, pair, ACTIVE));
}

/** Both nodes run, lb01 alone has the address, and the network is whole. */
async function makeReady(contender: Contender, pair: Pair, intervalMs: number): Promise<void> {
  const { network, watch } = pair;
  await network.heal();
  const isWhole = (host: Balancer): boolean =>
    (['owner', 'owner and supervisor', 'proxy'] as const).every((part) => contender.pids(pair, host, part).length > 0);
  for (const host of BALANCERS) {
    if (host !== ACTIVE && isWhole(host)) continue;
    // The struck node starts from nothing: also what is frozen, or survived the event, goes.
    signalAll(pair.processes(host), 'SIGKILL');
    while (pair.processes(host).length > 0) await sleep(10);
    await contender.start(pair, host, intervalMs);
  }
  const deadlineMs = monotonicMs() + READY_MS_MAX;
  while (watch.holders().join() !== ACTIVE || !BALANCERS.every(isWhole)) {
    if (monotonicMs() > deadlineMs) throw new Error(`${contender.name}: ${ACTIVE} does not become active alone`);
    await sleep(20);
  }
}
