/** One event on one contender: what the client and the kernels saw of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sumUpHolders } from '../../src/lab/address-watch.ts';
import { monotonicMs } from '../../src/lab/clock.ts';
import type { Outcome } from '../../src/lab/outages.ts';
import { BALANCERS, type Balancer, type Pair } from '../../src/lab/pair.ts';
import { signalAll } from '../../src/lab/processes.ts';
import { type Contender, downIntervalMs } from './contender.ts';
import type { FailoverEvent } from './events.ts';

/** A new connection with a request each. */
const REQUEST_INTERVAL_MS = 1;
const ACTIVE: Balancer = 'lb01';
const CALM_MS = 300;
const READY_MS_MAX = 30_000;

export interface Sample {
  /** Time in which the client's requests failed, all outages together. */
  readonly gapMs: number;
  readonly failed: number;
  readonly outcomes: Partial<Record<Outcome, number>>;
  readonly twoHoldersMs: number;
  /** Two hold it still when the lab stops looking. */
  readonly isSplit: boolean;
  /** How often a node took the address. */
  readonly moves: number;
  /** The client saw no outage that is shorter. */
  readonly blindMs: number;
}

/** How long an event is looked at: what has not ended then does not end by itself. */
export function windowMs(intervalMs: number): number {
  return Math.max(5000, 2 * downIntervalMs(intervalMs) + 1500);
}

export async function measure(
  contender: Contender,
  pair: Pair,
  event: FailoverEvent,
  intervalMs: number,
): Promise<Sample> {
  await makeReady(contender, pair, intervalMs);
  const client = pair.startClient(REQUEST_INTERVAL_MS);
  try {
    await client.served(CALM_MS);
    client.restart();
    await sleep(CALM_MS);
    const fromMs = monotonicMs();
    await event.happen(contender, pair, ACTIVE);
    await sleep(windowMs(intervalMs));
    await client.settled();
    const toMs = monotonicMs();
    const { outages } = client;
    const holders = sumUpHolders(pair.watch.changes, fromMs, toMs);
    return {
      gapMs: outages.totalMs(toMs),
      failed: outages.failed,
      outcomes: outages.outcomes(),
      twoHoldersMs: holders.twoHoldersMs,
      isSplit: pair.watch.holders().length > 1,
      moves: holders.moves,
      blindMs: outages.blindMs,
    };
  } finally {
    await client.stop();
  }
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
