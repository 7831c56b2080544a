/**
 * Whether adverts come in time while the data plane of the active node has all it can do: wrk through the virtual address on
 * every core, and the moments at which adverts arrive at the client, by tcpdump.
 *
 * On a virtual machine, and with a kernel that does not preempt itself, a core stands still for milliseconds now and then, for
 * every program on it. A witness on each core tells when, so that this is not taken for somebody's lateness, nor hidden.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { PUNCTUAL_NODE_OPTIONS } from '../../src/io/linux/segment/punctuality.ts';
import { CLIENT, type Pair, VIRTUAL_ADDRESS } from '../../src/lab/pair.ts';
import type { HostProcess } from '../../src/lab/processes.ts';

const LOAD_S = 12;
const CONNECTIONS = 128;
/** An advert may be late by this share of its interval. */
const LATE_SHARE_MAX = 0.1;
const VRRP_PROTOCOL = '112';
/** An advert leaves a little after the core goes on. */
const AFTER_STANDSTILL_MS = 0.5;

export interface Punctuality {
  readonly adverts: number;
  /** By how much longer than the interval two adverts were apart at most. */
  readonly latestMs: number;
  /** Of those that were late by more than the share. */
  readonly late: number;
  /** The same two without the time in which a core stood still. */
  readonly latestItselfMs: number;
  readonly lateItself: number;
  /** Requests per second, to see that there was load. */
  readonly requestsPerSecond: number;
}

/** From when to when, in milliseconds since 1970. */
type Standstill = readonly [fromMs: number, toMs: number];

export async function measurePunctuality(pair: Pair, intervalMs: number): Promise<Punctuality> {
  const arrivals: number[] = [];
  const standstills: Standstill[] = [];
  const witnesses = Array.from({ length: availableParallelism() }, (_, core) => startWitness(pair, core, standstills));
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
    const requestsPerSecond = Number(/Requests\/sec:\s+([0-9.]+)/.exec(wrk.output)?.[1]);
    return { ...judge(arrivals, standstills, intervalMs), requestsPerSecond };
  } finally {
    await Promise.all([capture, ...witnesses].map((each) => each.end('SIGTERM')));
  }
}

function startWitness(pair: Pair, core: number, standstills: Standstill[]): HostProcess {
  const program = fileURLToPath(new URL('./standstill-process.js', import.meta.url));
  const pinned = ['taskset', '--cpu-list', `${core}`];
  return pair.run(CLIENT, [...pinned, process.execPath, ...PUNCTUAL_NODE_OPTIONS, program], {
    onLine: (line) => {
      const [fromMs, toMs] = line.split(' ').map(Number);
      standstills.push([fromMs, toMs]);
    },
  });
}

/** `arrivals` are milliseconds since 1970. */
function judge(
  arrivals: readonly number[],
  standstills: readonly Standstill[],
  intervalMs: number,
): Omit<Punctuality, 'requestsPerSecond'> {
  const allowedMs = LATE_SHARE_MAX * intervalMs;
  const gaps = arrivals.slice(1).map((at, i) => {
    const lateMs = at - arrivals[i] - intervalMs;
    const stillMs = Math.max(0, ...standstills.map((each) => overlapMs(each, at - lateMs, at)));
    return { lateMs, itselfMs: stillMs === 0 ? lateMs : Math.max(0, lateMs - stillMs - AFTER_STANDSTILL_MS) };
  });
  return {
    adverts: arrivals.length,
    latestMs: Math.max(0, ...gaps.map(({ lateMs }) => lateMs)),
    late: gaps.filter(({ lateMs }) => lateMs > allowedMs).length,
    latestItselfMs: Math.max(0, ...gaps.map(({ itselfMs }) => itselfMs)),
    lateItself: gaps.filter(({ itselfMs }) => itselfMs > allowedMs).length,
  };
}

function overlapMs([fromMs, toMs]: Standstill, startMs: number, endMs: number): number {
  return Math.max(0, Math.min(toMs, endMs) - Math.max(fromMs, startMs));
}
