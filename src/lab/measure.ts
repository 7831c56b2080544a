/** One event, from before it to when all that happens by itself has happened: what the client and the kernels saw of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sumUpHolders } from './address-watch.ts';
import { monotonicMs } from './clock.ts';
import { downIntervalMs } from './evenkeel-node.ts';
import type { Outcome } from './outages.ts';
import type { Pair } from './pair.ts';

/** A new connection with a request each. */
const REQUEST_INTERVAL_MS = 1;
/** As long requests must be answered before the event. */
const CALM_MS = 300;

export interface Measured {
  /** Time in which the client's requests failed, all outages together. */
  readonly gapMs: number;
  readonly requests: number;
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

export async function measure(pair: Pair, intervalMs: number, happen: () => Promise<void>): Promise<Measured> {
  const client = pair.startClient(REQUEST_INTERVAL_MS);
  try {
    await client.served(CALM_MS);
    client.restart();
    await sleep(CALM_MS);
    const fromMs = monotonicMs();
    await happen();
    await sleep(windowMs(intervalMs));
    await client.settled();
    const toMs = monotonicMs();
    const { outages } = client;
    const holders = sumUpHolders(pair.watch.changes, fromMs, toMs);
    return {
      gapMs: outages.totalMs(toMs),
      requests: outages.answered + outages.failed,
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
