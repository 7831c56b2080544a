/**
 * Whether a try that failed may be made again: RFC 9110 section 9.2.2 and RFC 9112 section 9.3.1. Pure and per failure;
 * who is tried next is the balancer's choice, and how long all tries may take the exchange's.
 *
 * A request must not be carried out twice unless that is harmless or the operator says so:
 * - nothing of it was sent, or the server says that it has not worked on it: always safe;
 * - the server answers a call with a status of gRPC that the rule names: safe, for the rule says so;
 * - it was sent, and its method is idempotent or the route allows the others too: as the route's rule says;
 * - it was sent on a connection of HTTP/2 that the server is giving up in order, and it has not worked on it: as with a reused connection, which comes next;
 * - it was sent on a reused connection, which ended without a byte: the server closed an idle connection while the
 *   request was on its way. The same as above, but without asking the rule and without counting as a try: pooling must
 *   not cost an operator who wants no retries an error that a new connection would not have had;
 * - a part of its body was sent and not kept: never.
 */
import type { RetryPlan } from '../config/plan/route.ts';
import {
  METHOD_DELETE,
  METHOD_GET,
  METHOD_HEAD,
  METHOD_OPTIONS,
  METHOD_PUT,
  METHOD_TRACE,
} from '../wire/http1/head.ts';

/** How a try failed, before any byte of the response went to the client. */
/** No connection: refused or unreachable. */
export const FAILED_CONNECT = 1;
export const FAILED_CONNECT_TIMEOUT = 2;
/** The connection ended before the first byte of a response. */
export const FAILED_RESET = 3;
/** The response did not begin in time. */
export const FAILED_RESPONSE_TIMEOUT = 4;
/** What came is not a response, or ended within its head. Never tried again: the server did receive the request. */
export const FAILED_BAD_RESPONSE = 5;
/** A response came, with a status that may be in the rule. */
export const FAILED_STATUS = 6;
/** No connection: the TLS handshake failed, or the server is not who it has to be. */
export const FAILED_TLS = 7;
/** No connection: this machine has no descriptor or memory for one. */
export const FAILED_NO_RESOURCE = 8;
/** No connection: this machine has no local port left for that address. */
export const FAILED_NO_PORT = 9;
/** A response came, and this proxy had no buffer for its head. Never tried again: the server did receive the request. */
export const FAILED_NO_BUFFER = 10;
/** No connection: while it waited for room in the server's queue the server was taken out, by its health or by hand. */
export const FAILED_WITHDRAWN = 11;

/** The server says that it has not worked on the request: over HTTP/2 by REFUSED_STREAM, or by a GOAWAY that names an earlier one. */
export const FAILED_REFUSED = 12;

/** While the request waited, the server did not answer a PING of HTTP/2. */
export const FAILED_SILENT = 13;
/** A call of gRPC was answered with a status of gRPC that is in the rule, and nothing else. */
export const FAILED_GRPC_STATUS = 14;

/** By number, as metrics call them. */
export const FAILURE_NAMES = [
  '',
  'connect',
  'connect-timeout',
  'reset',
  'response-timeout',
  'bad-response',
  'status',
  'tls',
  'no-resource',
  'no-port',
  'no-buffer',
  'withdrawn',
  'refused',
  'silent',
  'grpc-status',
] as const;

/** How a connection cannot be made. */
export type ConnectFailure =
  | typeof FAILED_CONNECT
  | typeof FAILED_CONNECT_TIMEOUT
  | typeof FAILED_TLS
  | typeof FAILED_NO_RESOURCE
  | typeof FAILED_NO_PORT
  | typeof FAILED_WITHDRAWN;
export type LocalFailure =
  | typeof FAILED_NO_RESOURCE
  | typeof FAILED_NO_PORT
  | typeof FAILED_NO_BUFFER
  | typeof FAILED_WITHDRAWN;
export type ServerFailure =
  | typeof FAILED_CONNECT
  | typeof FAILED_CONNECT_TIMEOUT
  | typeof FAILED_GRPC_STATUS
  | typeof FAILED_REFUSED
  | typeof FAILED_RESET
  | typeof FAILED_RESPONSE_TIMEOUT
  | typeof FAILED_BAD_RESPONSE
  | typeof FAILED_SILENT
  | typeof FAILED_STATUS
  | typeof FAILED_TLS;
/** How a try failed. */
export type Failure = LocalFailure | ServerFailure;

/** A shortage of this machine's, or its own decision: the server is not to blame. */
export function isLocalFailure(how: Failure): how is LocalFailure {
  return how >= FAILED_NO_RESOURCE && how <= FAILED_WITHDRAWN;
}

/** What the server may have seen of the request. */
export const SENT_NOTHING = 0;
/** Some or all of it, and all of it is still here. */
export const SENT_EVERYTHING_KEPT = 1;
/** Some or all of it, and some of that is gone. */
export const SENT_UNREPEATABLE = 2;

const IDEMPOTENT_METHODS =
  (1 << METHOD_GET) |
  (1 << METHOD_HEAD) |
  (1 << METHOD_PUT) |
  (1 << METHOD_DELETE) |
  (1 << METHOD_OPTIONS) |
  (1 << METHOD_TRACE);

/** By METHOD_ number. A method the proxy does not know is not: a route can say so for PROPFIND. */
export function isIdempotent(method: number): boolean {
  return (IDEMPOTENT_METHODS & (1 << method)) !== 0;
}

/**
 * `sent`: SENT_...; `how`: FAILED_..., with FAILED_STATUS and FAILED_GRPC_STATUS `status` is the response's, else it is ignored. `isStale`:
 * the connection was a reused one and ended without a byte, and this has not already been the reason to repeat this
 * request; such a try does not count. `tries`: those that count, this one included, >= 1.
 */
export function mayRetry(
  rule: RetryPlan,
  isIdempotent: boolean,
  sent: number,
  how: Failure,
  status: number,
  isStale: boolean,
  tries: number,
): boolean {
  if (sent === SENT_UNREPEATABLE) return false;
  if (isStale && how === FAILED_REFUSED) return true;
  // who lists a status of gRPC speaks of calls, and none of those is idempotent
  const isHarmless = sent === SENT_NOTHING || how === FAILED_REFUSED || how === FAILED_GRPC_STATUS;
  if (!isHarmless && !isIdempotent && !rule.nonIdempotent) return false;
  if (isStale && how === FAILED_RESET) return true;
  if (tries >= rule.attempts) return false;
  switch (how) {
    case FAILED_CONNECT:
    case FAILED_CONNECT_TIMEOUT:
    case FAILED_TLS:
    case FAILED_NO_RESOURCE:
    case FAILED_NO_PORT:
    case FAILED_WITHDRAWN:
    case FAILED_REFUSED:
      return rule.connect;
    case FAILED_RESET:
      return rule.reset;
    case FAILED_RESPONSE_TIMEOUT:
    case FAILED_SILENT:
      return rule.timeout;
    case FAILED_STATUS:
      return rule.statuses.includes(status);
    case FAILED_GRPC_STATUS:
      return rule.grpcStatuses?.includes(status) === true;
    case FAILED_BAD_RESPONSE:
    case FAILED_NO_BUFFER:
      return false;
  }
}
