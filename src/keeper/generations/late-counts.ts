/**
 * What a keeper counts after its last words, of what it finishes: told to whoever is in charge as differences, so that counters miss nothing over an
 * upgrade, whoever has been in charge meanwhile.
 */
import type { TrafficMemory } from '../traffic/totals.ts';
import type { CountMemory, DatagramCounts } from './former-counts.ts';

type Listener = CountMemory['listeners'][number];
type Server = CountMemory['servers'][number];
type Answer = CountMemory['answers'][number];

export const NO_COUNTS: CountMemory = { listeners: [], servers: [], answers: [] };

export class LateCounts {
  private told: CountMemory;

  /** `told`: what is known of it. */
  constructor(told: CountMemory) {
    this.told = told;
  }

  /** What is new in `counts`, in pieces: one for each thing that has counted. They are known from now on. */
  take(counts: CountMemory): readonly CountMemory[] {
    const { told } = this;
    this.told = counts;
    const listeners = grown(told.listeners, counts.listeners, ({ listener }) => listener, listenerSince);
    const servers = grown(told.servers, counts.servers, serverKey, serverSince);
    const answers = grown(told.answers, counts.answers, ({ answer }) => answer, answerSince);
    const traffic = grown(told.traffic ?? [], counts.traffic ?? [], trafficKey, trafficSince);
    return [
      ...listeners.map((one): CountMemory => ({ listeners: [one], servers: [], answers: [] })),
      ...servers.map((one): CountMemory => ({ listeners: [], servers: [one], answers: [] })),
      ...answers.map((one): CountMemory => ({ listeners: [], servers: [], answers: [one] })),
      ...traffic.map((one): CountMemory => ({ listeners: [], servers: [], answers: [], traffic: [one] })),
    ];
  }
}

/** `since`: null if there is nothing new. */
function grown<T>(
  told: readonly T[],
  now: readonly T[],
  keyOf: (one: T) => string,
  since: (now: T, told: T | undefined) => T | null,
): readonly T[] {
  const before = new Map(told.map((one) => [keyOf(one), one]));
  return now.flatMap((one) => since(one, before.get(keyOf(one))) ?? []);
}

function listenerSince(now: Listener, told: Listener | undefined): Listener | null {
  const accepted = now.accepted - (told?.accepted ?? 0);
  const datagrams = datagramsSince(now.datagrams, told?.datagrams);
  return accepted === 0 && datagrams === null ? null : { listener: now.listener, accepted, datagrams };
}

function datagramsSince(now: Listener['datagrams'], told: Listener['datagrams']): DatagramCounts | null {
  const since = { in: (now?.in ?? 0) - (told?.in ?? 0), out: (now?.out ?? 0) - (told?.out ?? 0) };
  return since.in === 0 && since.out === 0 ? null : since;
}

function serverKey({ upstream, server, address }: Server): string {
  return `${upstream}\n${server}\n${address}`;
}

function serverSince(now: Server, told: Server | undefined): Server | null {
  const requests = now.requests - (told?.requests ?? 0);
  const failures = now.failures - (told?.failures ?? 0);
  const shortages = now.shortages - (told?.shortages ?? 0);
  return requests === 0 && failures === 0 && shortages === 0 ? null : { ...now, requests, failures, shortages };
}

function answerSince(now: Answer, told: Answer | undefined): Answer | null {
  const count = now.count - (told?.count ?? 0);
  const resets = (now.resets ?? 0) - (told?.resets ?? 0);
  return count === 0 && resets === 0 ? null : { answer: now.answer, count, resets };
}

function trafficKey({ kind, key }: TrafficMemory): string {
  return `${kind}\n${key}`;
}

function trafficSince(now: TrafficMemory, told: TrafficMemory | undefined): TrafficMemory | null {
  const cells = now.cells.map((cell, i) => cell - (told?.cells[i] ?? 0));
  return cells.every((cell) => cell === 0) ? null : { kind: now.kind, key: now.key, cells };
}
