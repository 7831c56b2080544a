/** What the proxy answers by itself. */
import { ascii } from '../../wire/http1/emit.ts';

export interface OwnResponse {
  readonly status: number;
  readonly reason: Uint8Array;
  readonly body: Uint8Array;
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  410: 'Gone',
  413: 'Content Too Large',
  414: 'URI Too Long',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  451: 'Unavailable For Legal Reasons',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

export const TEXT_PLAIN = ascii('text/plain; charset=utf-8');
export const NOTHING: Uint8Array = new Uint8Array(0);

/** The reason phrase, which nobody reads but everybody sends; empty for a status without a common one. */
export function reasonOf(status: number): Uint8Array {
  return ascii(REASONS[status] ?? '');
}

/** A Location line. */
export function locationLine(location: Uint8Array): Uint8Array {
  const name = ascii('Location: ');
  const line = new Uint8Array(name.length + location.length + 2);
  line.set(name);
  line.set(location, name.length);
  line.set([13, 10], name.length + location.length);
  return line;
}

/** An error with a line of text that says why, for whoever tries with curl. */
export function errorResponse(status: number, why: string): OwnResponse {
  const reason = REASONS[status] ?? 'Error';
  return { status, reason: ascii(reason), body: ascii(`${status} ${reason}: ${why}\n`) };
}

export const NO_ROUTE = errorResponse(404, 'no route matches');
export const BAD_PATH = errorResponse(400, 'the path climbs above its root, or has a % without two hexadecimal digits');
export const BODY_TOO_LARGE = errorResponse(413, 'the body is larger than this listener takes');
export const HEAD_TIMEOUT = errorResponse(408, 'the request did not come in time');
export const BODY_TIMEOUT = errorResponse(408, 'the body did not come in time');
export const NO_SERVER = errorResponse(503, 'no server is up');
export const QUEUE_FULL = errorResponse(503, 'every server is at its connection limit, and the queue is full');
export const QUEUE_TIMEOUT = errorResponse(503, 'every server is at its connection limit');
export const HEAD_GREW_TOO_LARGE = errorResponse(431, 'the head is too large to be rewritten');
export const OUT_OF_MEMORY = errorResponse(503, 'the proxy is out of buffers');
export const CONNECT_FAILED = errorResponse(502, 'the server could not be reached');
export const CONNECT_TIMEOUT = errorResponse(504, 'the server did not accept the connection in time');
export const SERVER_RESET = errorResponse(502, 'the server closed the connection without a response');
export const SERVER_INVALID = errorResponse(502, 'the server sent an invalid response');
export const SERVER_TIMEOUT = errorResponse(504, 'the server did not respond in time');
export const EXCHANGE_TIMEOUT = errorResponse(504, 'the response was not complete in time');
