/**
 * Every answer that the proxy gives by itself because something is wrong: a closed list. Names are stable: logs, status and
 * documentation use them, and the counters on the status board are in this order. docs/troubleshooting.md says of each what it
 * means and what to do; a test compares the two.
 */
import { assert } from '../../base/assert.ts';
import { ANSWER_KINDS_MAX } from '../../base/limits.ts';
import { HTTP_ERRORS } from '../../wire/http1/errors.ts';

export interface AnswerKind {
  readonly name: string;
  /** 0: that of the server's last response, which was passed on or is cut off. */
  readonly status: number;
  /** Why, for people: the answer's text. */
  readonly text: string;
  /** What the answer is told of: what the client sent, or the upstream. */
  readonly of: 'listener' | 'upstream';
}

function row(of: AnswerKind['of'], name: string, status: number, text: string): AnswerKind {
  return { name, status, text, of };
}

/** Why a datagram is dropped, or a session of UDP ends early: nobody is answered. */
const UDP_DROPS = [
  ['udp-denied', 'the client may not come'],
  ['udp-proxy-header', 'it does not begin with a PROXY protocol header of version 2'],
  ['udp-no-server', 'no server is up'],
  ['udp-server-limit', 'every server is at its connection limit'],
  ['udp-table-full', 'there are as many sessions as there may be, all of clients that have talked with a server'],
  ['udp-no-descriptor', 'the proxy has no file descriptor or memory left for a session'],
  ['udp-no-port', 'the proxy has no local port left for a session with the server'],
  ['udp-full', 'the system has no room to send it now'],
  ['udp-too-large', 'it is too large for the way'],
  ['udp-refused', 'the system does not send it there'],
  ['udp-own', 'it comes from the address of a UDP listener of this proxy'],
] as const;
const UDP_ENDS = [
  ['udp-displaced', 'a new client needed the place'],
  ['udp-unreachable', 'the server, or the network, says that nobody is there'],
  ['udp-unanswered', 'the server has not answered'],
] as const;

const OWN: readonly AnswerKind[] = [
  row('listener', 'no-route', 404, 'no route matches'),
  row('listener', 'bad-path', 400, 'the path climbs above its root, or has an escape that is not valid'),
  row('listener', 'doubtful-path', 400, 'servers differ in what they take this path for, and its route depends on it'),
  row('listener', 'body-too-large', 413, 'the body is larger than this listener takes'),
  row('listener', 'head-timeout', 408, 'the request did not come in time'),
  row('listener', 'body-timeout', 408, 'the body did not come in time'),
  row('listener', 'trace-content', 400, 'a TRACE request has no content'),
  row('listener', 'trace-end', 501, 'TRACE is not answered here, and Max-Forwards lets it go no further'),
  row('listener', 'body-too-slow', 408, 'the body comes too slowly'),
  row('listener', 'client-too-slow', 0, 'the client takes it too slowly'),
  row('listener', 'head-grew', 431, 'the head is too large to be rewritten'),
  row('listener', 'rewrite-cycle', 500, 'its target is rewritten again and again'),
  row('listener', 'rewrite-failed', 500, 'its target cannot be rewritten'),
  row('listener', 'out-of-memory', 503, 'the proxy is out of buffers'),
  row('listener', 'denied', 403, 'the client may not connect'),
  row('listener', 'proxy-header', 400, 'it has to begin with a PROXY protocol header, and does not'),
  row('listener', 'tls-handshake', 0, 'the TLS handshake came to nothing'),
  row('listener', 'client-certificate', 0, "the client's certificate is refused"),
  row('listener', 'no-client-certificate', 400, 'No required SSL certificate was sent'),
  row('listener', 'bad-client-certificate', 400, 'The SSL certificate error'),
  row('listener', 'misdirected', 421, 'the TLS handshake was for another host, which asks for other certificates'),
  row('listener', 'http2-invalid', 0, 'the client breaks the rules of HTTP/2'),
  row('listener', 'http2-flood', 0, 'the client asks for more than a connection of HTTP/2 may cost'),
  row('listener', 'tls-refused', 0, 'there were more TLS handshakes than the listener takes'),
  ...UDP_DROPS.map(([name, text]) => row('listener', name, 0, text)),
  ...UDP_ENDS.map(([name, text]) => row('listener', name, 0, text)),
  row('listener', 'limit-requests', 429, 'there are more requests than a limit lets in'),
  row('listener', 'limit-connections', 429, 'there are more requests at one time than a limit lets in'),
  row('listener', 'limit-dry-run', 0, 'a limit would refuse it, or let it wait, if it did more than look'),
  row('listener', 'unauthorized', 401, 'the client has not said who it is, or not what proves it'),
  row('listener', 'forbidden', 403, 'the client may not have this'),
  row('listener', 'guessing', 429, 'this client has said too many wrong passwords'),
  row('listener', 'undecided', 500, 'who is asked whether the client may have this has not answered that'),
  row(
    'listener',
    'mirror-left-out',
    0,
    'a copy of it is not sent: its body is too long, or too many copies are under way',
  ),
  row('listener', 'mirror-failed', 0, 'a copy of it had no response'),
  row('upstream', 'no-server', 503, 'no server is up'),
  row('upstream', 'no-name', 502, 'the name that the request is for has no address'),
  row('upstream', 'own-address', 508, 'the server that the request names is this proxy itself'),
  row('upstream', 'bad-name', 500, 'the request names no server'),
  row('upstream', 'queue-full', 503, 'every server is at its connection limit, and the queue is full'),
  row('upstream', 'queue-timeout', 503, 'every server is at its connection limit'),
  row('upstream', 'no-descriptor', 503, 'the proxy has no file descriptor or memory left for a connection to a server'),
  row('upstream', 'no-port', 503, 'the proxy has no local port left for a connection to the server'),
  row('upstream', 'connect-failed', 502, 'the server could not be reached'),
  row('upstream', 'connect-timeout', 504, 'the server did not accept the connection in time'),
  row('upstream', 'server-tls', 502, 'there is no TLS connection to the server'),
  row('upstream', 'server-reset', 502, 'the server closed the connection without a response'),
  row('upstream', 'server-invalid', 502, 'the server sent an invalid response'),
  row('upstream', 'http2-server', 0, 'the server breaks the rules of HTTP/2'),
  row('upstream', 'server-timeout', 504, 'the server did not respond in time'),
  row('upstream', 'exchange-timeout', 504, 'the response was not complete in time'),
  row('upstream', 'going-away', 503, 'the proxy ends, or its listener does, and there is no response yet'),
  row('upstream', 'server-status', 0, 'and no other server is left to try'),
];

const DROPS: ReadonlySet<string> = new Set(UDP_DROPS.map(([name]) => name));
const ENDS: ReadonlySet<string> = new Set(UDP_ENDS.map(([name]) => name));

/** What of UDP a kind is about: `datagrams` that were dropped, or `sessions` that have ended; null: of no UDP. */
export function udpSubject({ name }: AnswerKind): 'datagram' | 'session' | null {
  return DROPS.has(name) ? 'datagram' : ENDS.has(name) ? 'session' : null;
}

/** By kind. Behind our own stand the refusals of malformed requests, which wire/http1 has: kind FIRST_REFUSAL - code. */
export const ANSWER_KINDS: readonly AnswerKind[] = [
  ...OWN,
  ...HTTP_ERRORS.map(({ name, status, text }) => row('listener', name, status, text)),
];
export const FIRST_REFUSAL = OWN.length;
assert(ANSWER_KINDS.length <= ANSWER_KINDS_MAX, 'more kinds of answers than the status board has counters for');

/** The kind of this name. */
export function answerKind(name: string): number {
  const kind = OWN.findIndex((one) => one.name === name);
  assert(kind >= 0, `no answer is called ${name}`);
  return kind;
}
