/**
 * Whether adverts come in time while the data plane of the active node has all it can do: wrk through the virtual address on
 * every core, and the moments at which adverts arrive at the client, by tcpdump.
 */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLIENT, type Pair, VIRTUAL_ADDRESS } from '../../src/lab/pair.ts';

const LOAD_S = 8;
const CONNECTIONS = 128;
/** An advert may be late by this share of its interval. */
export const LATE_SHARE_MAX = 0.1;
const VRRP_PROTOCOL = '112';

export interface Punctuality {
  readonly adverts: number;
  /** By how much longer than the interval two adverts were apart at most. */
  readonly latestMs: number;
  /** Of those that were late by more than the share. */
  readonly late: number;
  /** Requests per second, to see that there was load. */
  readonly requestsPerSecond: number;
}

export async function measurePunctuality(pair: Pair, intervalMs: number): Promise<Punctuality> {
  const arrivals: number[] = [];
  const capture = pair.run(CLIENT, ['tcpdump', '-l', '-n', '-tt', '-i', 'eth0', 'ip', 'proto', VRRP_PROTOCOL], {
    onLine: (line) => {
      const seconds = Number.parseFloat(line);
      if (!Number.isNaN(seconds)) arrivals.push(seconds * 1000);
    },
  });
  try {
    const load = ['-t', `${availableParallelism()}`, '-c', `${CONNECTIONS}`, '-d', `${LOAD_S}s`];
    const wrk = pair.run(CLIENT, ['wrk', ...load, `http://${VIRTUAL_ADDRESS}/`]);
    await wrk.exit;
    // What was captured last comes out of tcpdump with the next advert.
    await sleep(2 * intervalMs + 100);
    const gaps = arrivals.slice(1).map((at, i) => at - arrivals[i] - intervalMs);
    return {
      adverts: arrivals.length,
      latestMs: Math.max(0, ...gaps),
      late: gaps.filter((late) => late > LATE_SHARE_MAX * intervalMs).length,
      requestsPerSecond: Number(/Requests\/sec:\s+([0-9.]+)/.exec(wrk.output)?.[1]),
    };
  } finally {
    await capture.end('SIGTERM');
  }
}
