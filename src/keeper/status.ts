/**
 * How the whole of this evenkeel stands: the document that the status socket answers with. Numbers of the data plane are
 * read from the status board while it is made; a proxy that does not beat is told by the age of its last beat.
 */
import {
  type Board,
  SERVER_DOWN,
  SERVER_EJECTED,
  SERVER_EMPTY,
  type ServerSlot,
  WORKER_DRAINING,
  WORKER_SERVING,
} from '../base/board.ts';
import { formatIP } from '../base/address.ts';
import type { Plan } from '../config/plan.ts';
import type { HaStatus } from './ha/ha-status.ts';
import { bindText } from './listeners.ts';

export interface StatusDocument {
  readonly version: string;
  readonly pid: number;
  readonly uptimeMs: number;
  /** When this was made, ISO 8601. */
  readonly at: string;
  /** Null: the configuration has no `ha`. */
  readonly ha: HaStatus | null;
  readonly proxies: readonly ProxyView[];
  readonly listeners: readonly ListenerView[];
  readonly upstreams: readonly UpstreamView[];
}

export interface ProxyView {
  readonly state: 'starting' | 'serving' | 'draining';
  readonly pid: number;
  /** How long it has given no sign of life; the precision is that of the looks. */
  readonly silentMs: number;
  readonly requests: number;
  readonly sockets: number;
}

export interface ListenerView {
  readonly name: string;
  readonly protocol: 'http' | 'tcp';
  readonly binds: readonly string[];
  /** None of its addresses could be opened. */
  readonly isClosed: boolean;
  readonly connections: number;
  readonly accepted: number;
}

export interface UpstreamView {
  readonly name: string;
  readonly servers: readonly ServerView[];
}

export interface ServerView {
  /** As configured; with its address where a name has one. */
  readonly name: string;
  readonly state: 'up' | 'down' | 'ejected' | 'unresolved';
  readonly connections: number;
  readonly requests: number;
  readonly failures: number;
}

/** How often a proxy's sign of life is looked at. */
export const BEAT_LOOK_MS = 250;

/** Remembers when each proxy's heartbeat last moved. */
export class BeatAges {
  private readonly board: Board;
  private readonly beats: { beat: number; atMs: number }[];

  constructor(board: Board, nowMs: number) {
    this.board = board;
    this.beats = Array.from({ length: board.shape.workers }, () => ({ beat: -1, atMs: nowMs }));
  }

  look(nowMs: number): void {
    this.beats.forEach((known, index) => {
      const beat = this.board.worker(index).heartbeat;
      if (beat === known.beat) return;
      known.beat = beat;
      known.atMs = nowMs;
    });
  }

  silentMs(index: number, nowMs: number): number {
    return nowMs - this.beats[index].atMs;
  }
}

export function proxyViews(board: Board, ages: BeatAges, nowMs: number): readonly ProxyView[] {
  ages.look(nowMs);
  return Array.from({ length: board.shape.workers }, (_, index) => {
    const { pid, state, requests, sockets } = board.worker(index);
    const word = state === WORKER_SERVING ? 'serving' : state === WORKER_DRAINING ? 'draining' : 'starting';
    return { state: word, pid, silentMs: ages.silentMs(index, nowMs), requests, sockets };
  });
}

export function listenerViews(plan: Plan, board: Board, closed: readonly string[]): readonly ListenerView[] {
  return plan.listeners.map(({ name, protocol, binds }, index) => {
    let connections = 0;
    let accepted = 0;
    for (let i = 0; i < board.shape.workers; i++) {
      connections += board.worker(i).listenerConnections(index);
      accepted += board.worker(i).listenerAccepted(index);
    }
    return { name, protocol, binds: binds.map(bindText), isClosed: closed.includes(name), connections, accepted };
  });
}

export function upstreamViews(plan: Plan, board: Board): readonly UpstreamView[] {
  const slot: ServerSlot = { state: 0, weight: 0, family: 0, port: 0, address: new Uint8Array(16) };
  return plan.upstreams.map(({ name, servers }) => ({
    name,
    servers: servers.flatMap((server) => {
      const views: ServerView[] = [];
      for (let at = server.firstSlot; at < server.firstSlot + server.slotCount; at++) {
        board.readServer(at, slot);
        if (slot.state !== SERVER_EMPTY) views.push(serverView(server.name, server.slotCount > 1, slot, board, at));
      }
      if (views.length > 0) return views;
      return [{ name: server.name, state: 'unresolved' as const, connections: 0, requests: 0, failures: 0 }];
    }),
  }));
}

function serverView(name: string, isName: boolean, slot: ServerSlot, board: Board, at: number): ServerView {
  let requests = 0;
  let failures = 0;
  for (let i = 0; i < board.shape.workers; i++) {
    requests += board.worker(i).serverRequests(at);
    failures += board.worker(i).serverFailures(at);
  }
  const hasAddress = isName && slot.family !== 0;
  const address = hasAddress ? ` (${formatIP(slot.address.subarray(0, slot.family === 4 ? 4 : 16))})` : '';
  return { name: name + address, state: stateOf(slot), connections: board.serverConnections(at), requests, failures };
}

function stateOf({ state }: ServerSlot): ServerView['state'] {
  if (state === SERVER_DOWN) return 'down';
  return state === SERVER_EJECTED ? 'ejected' : 'up';
}
