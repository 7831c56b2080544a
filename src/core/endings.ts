/**
 * Why a request, or a session of TCP or UDP, has ended: a closed list, one of it for each. Names are stable: access logs, counters and
 * documentation use them. What the proxy answers itself because something is wrong ends as the answer is called (core/answers/kinds.ts).
 */
import { assert } from '../base/assert.ts';
import { P_ENDINGS, P_LOOP, P_SESSION_ENDINGS, PROCESS_CELLS } from '../base/traffic-cells.ts';
import { ANSWER_KINDS } from './answers/kinds.ts';

/** Who has ended it. `nobody`: it is complete. */
export type EndedBy = 'nobody' | 'client' | 'server' | 'evenkeel';

export interface Ending {
  readonly name: string;
  readonly by: EndedBy;
  /** Why, for people. */
  readonly text: string;
}

function row(by: EndedBy, name: string, text: string): Ending {
  return { name, by, text };
}

const OWN: readonly Ending[] = [
  row(
    'nobody',
    'served',
    "a server's response was handed on to its end, or both sides of a session have said all that they had to say",
  ),
  row('nobody', 'answered', 'a route answers it itself: a redirect, a fixed text'),
  row('nobody', 'switched', 'to another protocol: the connection goes on as a tunnel'),
  row('client', 'client-left', 'the client has gone, or broken the connection'),
  row('server', 'server-left', 'the server has broken off in the middle'),
  row('evenkeel', 'server-stalled', 'the server has said nothing for `timeouts.idle` in the middle of its response'),
  // of sessions alone
  row('evenkeel', 'silence', 'both sides of a session have said nothing for `timeouts.idle`'),
  row('evenkeel', 'server-down', 'the server of a session of UDP was found down'),
  row('evenkeel', 'closed', 'a route closes the connection without an answer'),
  row('evenkeel', 'shed', 'memory was short, and it stood still'),
  row(
    'evenkeel',
    'retired',
    'the configuration has its listener or its server no longer, and `drain` is over; or the proxy ends',
  ),
  row('evenkeel', 'moved', 'its address went to the other node'),
];

/** Whose doing it is where that is not evenkeel's own rule. */
const BY_SERVERS: ReadonlySet<string> = new Set([
  'connect-failed',
  'server-tls',
  'server-reset',
  'server-invalid',
  'server-status',
  'udp-unreachable',
  'udp-unanswered',
]);
const BY_CLIENTS: ReadonlySet<string> = new Set(['tls-handshake']);

function byOf(name: string): EndedBy {
  return BY_SERVERS.has(name) ? 'server' : BY_CLIENTS.has(name) ? 'client' : 'evenkeel';
}

/** By number. Behind our own stand the answers: FIRST_ANSWER + kind. */
export const ENDINGS: readonly Ending[] = [
  ...OWN,
  ...ANSWER_KINDS.map(({ name, text }) => row(byOf(name), name, text)),
];
const ROOM = Math.min(P_LOOP - P_ENDINGS, PROCESS_CELLS - P_SESSION_ENDINGS);
assert(ENDINGS.length <= ROOM, 'each ending has a cell on the board, of requests and of sessions');
const FIRST_ANSWER = OWN.length;

function ending(name: string): number {
  const number = OWN.findIndex((one) => one.name === name);
  assert(number >= 0, `no ending is called ${name}`);
  return number;
}

export const SERVED = ending('served');
export const ANSWERED = ending('answered');
export const SWITCHED = ending('switched');
export const CLIENT_LEFT = ending('client-left');
export const SERVER_LEFT = ending('server-left');
export const SERVER_STALLED = ending('server-stalled');
export const SILENCE = ending('silence');
export const SERVER_DOWN = ending('server-down');
export const CLOSED = ending('closed');
export const SHED = ending('shed');
export const RETIRED = ending('retired');
export const MOVED = ending('moved');

/** `kind`: of an answer; negative: it is no error. */
export function endedByAnswer(kind: number): number {
  return kind < 0 ? ANSWERED : FIRST_ANSWER + kind;
}

/** Of answers that are no fault of servers; in the others there is nothing but 502. */
const SESSION_STATUSES: ReadonlyMap<string, number> = new Map([
  ['denied', 403],
  ['udp-denied', 403],
  ['queue-full', 503],
  ['queue-timeout', 503],
  ['no-descriptor', 503],
  ['no-port', 503],
  ['udp-server-limit', 503],
  ['udp-table-full', 503],
  ['udp-no-descriptor', 503],
  ['udp-no-port', 503],
  ['udp-displaced', 200],
]);

/** What became of a session, as nginx says it by statuses of HTTP: 200 if it has had a server or an answer, or its client has left. */
export function sessionStatus(ending: number): number {
  return ending < FIRST_ANSWER ? 200 : (SESSION_STATUSES.get(ENDINGS[ending].name) ?? 502);
}

/** Nobody has ended it before. */
export function isComplete(ending: number): boolean {
  return ending <= SWITCHED;
}

// --- phases ---

/** What it was in when it ended, in their order. */
export const PHASES = ['request', 'queue', 'connect', 'wait', 'response', 'done'] as const;
/** Its head, or its body before a server is looked for, is not here yet. */
export const PHASE_REQUEST = 0;
/** For a server that may have one connection more. */
export const PHASE_QUEUE = 1;
/** To a server. */
export const PHASE_CONNECT = 2;
/** For the server's response; its request may still be on its way. */
export const PHASE_WAIT = 3;
/** The head of a response has come, or both sides of a session are joined. */
export const PHASE_RESPONSE = 4;
/** It is complete. */
export const PHASE_DONE = 5;
export type Phase = 0 | 1 | 2 | 3 | 4 | 5;
