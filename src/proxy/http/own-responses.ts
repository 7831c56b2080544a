/** What the proxy answers by itself. */
import { ANSWER_KINDS, answerKind, FIRST_REFUSAL } from '../../core/answers/kinds.ts';
import { ascii } from '../../wire/http1/emit.ts';

export interface OwnResponse {
  /** Index in ANSWER_KINDS, or NO_KIND. */
  readonly kind: number;
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
  508: 'Loop Detected',
};

export const TEXT_PLAIN = ascii('text/plain; charset=utf-8');
export const NOTHING: Uint8Array = new Uint8Array(0);

const REASON_BYTES = new Map(Object.entries(REASONS).map(([status, reason]) => [Number(status), ascii(reason)]));

/** The reason phrase, which nobody reads but everybody sends; empty for a status without a common one. */
export function reasonOf(status: number): Uint8Array {
  return REASON_BYTES.get(status) ?? NOTHING;
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

/** What a route says, not an error of the proxy's. */
export const NO_KIND = -1;

const RESPONSES: readonly OwnResponse[] = ANSWER_KINDS.map(({ status, text }, kind) =>
  errorResponse(status, text, kind),
);

/** An error with a line of text that says why, for people who try with curl. */
function errorResponse(status: number, why: string, kind: number): OwnResponse {
  const reason = REASONS[status] ?? 'Error';
  return { kind, status, reason: ascii(reason), body: ascii(`${status} ${reason}: ${why}\n`) };
}

/** The answer to a request that is refused for this ERR_ code. */
export function refusal(code: number): OwnResponse {
  return RESPONSES[FIRST_REFUSAL - 1 - code];
}

const SERVER_STATUS = answerKind('server-status');

/** A server has answered with this status, and the route wanted another server tried. */
export function serverStatus(status: number): OwnResponse {
  return errorResponse(status, ANSWER_KINDS[SERVER_STATUS].text, SERVER_STATUS);
}

const LIMITED = { requests: answerKind('limit-requests'), connections: answerKind('limit-connections') };
/** By status: whoever comes too often is answered often. */
const limitAnswers: Record<keyof typeof LIMITED, OwnResponse[]> = { requests: [], connections: [] };

/** A limit of this kind lets nobody in; the answer has this status. */
export function limited(by: keyof typeof LIMITED, status: number): OwnResponse {
  return (limitAnswers[by][status] ??= errorResponse(status, ANSWER_KINDS[LIMITED[by]].text, LIMITED[by]));
}

const NOT_ENTERED: Readonly<Record<number, OwnResponse>> = {
  401: own('unauthorized'),
  403: own('forbidden'),
  429: own('guessing'),
};

/** Who was asked refuses the request with this status, or, with another one, has not decided. */
export function notEntered(status: number): OwnResponse {
  return NOT_ENTERED[status] ?? UNDECIDED;
}

/** Nobody is answered so. */
export const DRY_LIMIT = answerKind('limit-dry-run');

function own(name: string): OwnResponse {
  return RESPONSES[answerKind(name)];
}

export const UNDECIDED = own('undecided');
export const NO_ROUTE = own('no-route');
export const BAD_PATH = own('bad-path');
export const DOUBTFUL_PATH = own('doubtful-path');
export const TRACE_CONTENT = own('trace-content');
export const TRACE_END = own('trace-end');
/** To an OPTIONS request that Max-Forwards lets go no further. */
export const OPTIONS_END: OwnResponse = { kind: NO_KIND, status: 200, reason: reasonOf(200), body: NOTHING };
export const BODY_TOO_LARGE = own('body-too-large');
export const MISDIRECTED = own('misdirected');
export const NO_CLIENT_CERTIFICATE = own('no-client-certificate');
export const BAD_CLIENT_CERTIFICATE = own('bad-client-certificate');
export const HEAD_TIMEOUT = own('head-timeout');
export const BODY_TIMEOUT = own('body-timeout');
export const BODY_TOO_SLOW = own('body-too-slow');
export const NO_SERVER = own('no-server');
export const NO_NAME = own('no-name');
export const OWN_ADDRESS = own('own-address');
export const BAD_NAME = own('bad-name');
export const QUEUE_FULL = own('queue-full');
export const QUEUE_TIMEOUT = own('queue-timeout');
export const HEAD_GREW_TOO_LARGE = own('head-grew');
export const REWRITE_FAILED = own('rewrite-failed');
export const REWRITE_CYCLE = own('rewrite-cycle');
export const OUT_OF_MEMORY = own('out-of-memory');
export const NO_DESCRIPTOR = own('no-descriptor');
export const NO_PORT = own('no-port');
export const CONNECT_FAILED = own('connect-failed');
export const CONNECT_TIMEOUT = own('connect-timeout');
export const SERVER_TLS = own('server-tls');
export const SERVER_RESET = own('server-reset');
export const SERVER_INVALID = own('server-invalid');
export const SERVER_TIMEOUT = own('server-timeout');
export const EXCHANGE_TIMEOUT = own('exchange-timeout');
/** Its time is over. */
export const GOING_AWAY = own('going-away');
