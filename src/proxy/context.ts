/** What every driver of one proxy process shares. Made once by `proxy.ts`; nothing in it is made per connection. */
import type { Failure } from '../core/retry.ts';
import type { Arena } from '../base/arena.ts';
import type { Board, WorkerRow } from '../base/board.ts';
import type { Chain, Listed } from '../base/chain.ts';
import type { Prng } from '../base/prng.ts';
import type { Timers } from '../base/timers.ts';
import type { LearnedTable } from '../base/learned-table.ts';
import type { LimitCounting } from '../core/limit/route-limits.ts';
import type { RequestView } from '../core/value/request-view.ts';
import type { ResponseValues } from '../core/value/response-values.ts';
import type { Variables } from '../core/value/variables.ts';
import type { ProxyEvent } from '../port/control.ts';
import type { Transport } from '../port/transport.ts';
import type { RequestHead, ResponseHead } from '../wire/http1/head.ts';
import type { AnswerLog } from './answer-log.ts';
import type { Later } from './later.ts';
import type { AccessLogs } from './log/access-logs.ts';
import type { FailedPlace } from './failure-log.ts';
import type { OwnListeners } from './own-listeners.ts';
import type { Compressors } from './http/compressors.ts';
import type { RequestReader } from './http/request-record.ts';
import type { SessionCounter } from './session-counter.ts';

export type { ProxyEvent } from '../port/control.ts';
import type { Sessions } from './sessions.ts';

/** Unused connections to one server. */
export interface Pool {
  readonly count: number;
  /** Since when the one has been unused that has been so for longest; Infinity: there is none. */
  readonly idleSince: number;
  /** Closes that one. */
  closeOldest(): void;
  closeAll(): void;
}

/** Of a session that has not ended (session-record.ts). */
export interface OpenRecord extends Listed<OpenRecord> {
  /** As of core/endings.ts. */
  end(ending: number): void;
}

export interface Context {
  readonly transport: Transport;
  readonly later: Later;
  readonly arena: Arena;
  /** `arena.memory`. */
  readonly memory: Uint8Array;
  readonly board: Board;
  readonly row: WorkerRow;
  readonly timers: Timers;
  readonly prng: Prng;
  /** Heads are parsed into these and used up before the next one is parsed. */
  readonly requestHead: RequestHead;
  readonly responseHead: ResponseHead;
  /** A slot of our own for the largest head, where a head is rebuilt before it is known how long it gets. */
  readonly scratchSlot: number;
  /** A slot of our own for a request's target that is not the one that was sent. */
  readonly targetSlot: number;
  /** Of the request that is looked at. */
  readonly variables: Variables<RequestView>;
  readonly responseValues: ResponseValues;
  /** Milliseconds since 1970. */
  readonly wallClockMs: () => number;
  /** The name of this machine. */
  readonly hostname: Uint8Array;
  /** The value of a Date field, renewed each second. */
  readonly date: Uint8Array;
  readonly report: (event: ProxyEvent) => void;
  /** A try on the server in this place failed: how (FAILED_... of core/retry), or with which status. For passive health. */
  readonly noteFailure: (place: FailedPlace, how: Failure, status: number) => void;
  /** Sockets that there may be until the descriptors that are left are kept for servers. */
  readonly socketsMax: number;
  /** Clients that can all be served at the same time, each with a connection to a server. */
  clientsMax: number;
  /** Closes an unused connection to a server, else the client that has been idle for longest; without one, stops accepting until there are fewer sockets. */
  readonly makeRoom: () => void;
  /** Closes an unused connection to a server, of any server. False: there is none. */
  readonly evictIdle: () => boolean;
  readonly ownListeners: OwnListeners;
  /** Are told of every HTTP request that has ended. */
  readonly requestReaders: readonly RequestReader[];
  /** Of TCP and UDP. */
  readonly sessionCounter: SessionCounter;
  /** Answers of the proxy's own, and why TCP clients get no server. */
  readonly answers: AnswerLog;
  readonly accessLogs: AccessLogs;
  /** What limits count with; null: no plan has needed it yet. */
  readonly limitCounting: () => LimitCounting | null;
  /** Where sessions of applications are; null: no plan has needed it yet. */
  readonly learnedTable: () => LearnedTable | null;
  /** From the transport's time to that which all processes share, in milliseconds: added. */
  readonly sharedClockMs: number;
  readonly compressors: Compressors;
  /** No other proxy serves by the plan. */
  isAlone: boolean;
  /** After `drain()`: no connection is kept alive. */
  isDraining: boolean;
  /** Client connections and relays that still live; at zero a draining proxy is done. */
  liveSessions: number;
  /** Of these, sessions of UDP. */
  udpSessions: number;
  /** Copies of requests that are under way. */
  copies: number;
  /** Clients that were accepted and wait to be served. */
  waitingClients: number;
  /** Those that may have connections. */
  readonly pools: Set<Pool>;
  /** Clients' connections and relays. */
  readonly sessions: Sessions;
  /** Of the sessions of TCP and UDP that are in an access log. */
  readonly sessionRecords: Chain<OpenRecord>;
  /**
   * A socket with this many segments pending gets no more: one is in flight and one is ready behind it. When memory is tight,
   * one.
   */
  segmentsEnough: number;
}
