/** One event, from before it to when all that happens by itself has happened: what the client and the kernels saw of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sumUpHolders } from './address-watch.ts';
import { monotonicMs } from './clock.ts';
import { downIntervalMs } from './evenkeel-node.ts';
import type { Outcome } from './outages.ts';
import { BALANCERS, type Balancer, type Pair } from './pair.ts';
import { signalAll } from './processes.ts';
import { LabError } from './system.ts';

/** A new connection with a request each. */
const REQUEST_INTERVAL_MS = 1;
/** As long requests must be answered before the event. */
const CALM_MS = 300;

export interface Measured {
  /** Time in which the client's requests failed, all outages together. */
  readonly gapMs: number;
  /** The longest of these outages. */
  readonly longestMs: number;
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

/** The one with the higher priority: has the address before every event. */
export const FIRST: Balancer = 'lb01';
const READY_MS_MAX = 30_000;

/** What runs on the two nodes. */
export interface NodePair {
  start(host: Balancer): Promise<void>;
  /** All its processes are there. */
  isWhole(host: Balancer): boolean;
}

/** Both nodes run, the first alone has the address, and the network is whole. What was struck starts from nothing. */
export async function makeReady(pair: Pair, nodes: NodePair): Promise<void> {
  const { network, watch } = pair;
  await network.heal();
  for (const host of BALANCERS) {
    if (host !== FIRST && nodes.isWhole(host)) continue;
    // Also what is frozen, or survived the event, goes.
    signalAll(pair.processes(host), 'SIGKILL');
    while (pair.processes(host).length > 0) await sleep(10);
    await nodes.start(host);
  }
  const deadlineMs = monotonicMs() + READY_MS_MAX;
  while (watch.holders().join() !== FIRST || !BALANCERS.every((host) => nodes.isWhole(host))) {
    if (monotonicMs() > deadlineMs) {
      throw new LabError(`${FIRST} does not become active alone; it said:\n${pair.lastWords(FIRST)}`);
    }
    await sleep(20);
  }
}

/** `lookMs`: how long it is looked at. `requestMs`: from one request to the next. */
export async function measure(
  pair: Pair,
  intervalMs: number,
  happen: () => Promise<void>,
  lookMs = windowMs(intervalMs),
  requestMs = REQUEST_INTERVAL_MS,
): Promise<Measured> {
  const client = pair.startClient(requestMs);
  try {
    await client.served(CALM_MS);
    client.restart();
    await sleep(CALM_MS);
    const fromMs = monotonicMs();
    await happen();
    await sleep(lookMs);
    await client.settled();
    const toMs = monotonicMs();
    const { outages } = client;
    const holders = sumUpHolders(pair.watch.changes, fromMs, toMs);
    return {
      gapMs: outages.totalMs(toMs),
      longestMs: outages.longestMs(toMs),
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
