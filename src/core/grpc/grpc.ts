/** What a proxy has to know of gRPC over HTTP/2 (gRPC's doc/PROTOCOL-HTTP2.md): which requests are calls, how long they may take, and how they are refused. */
import { ascii, LOWER } from '../../wire/http1/classes.ts';
import type { FieldTable } from '../../wire/http1/head.ts';
import { findField } from '../value/lookup.ts';
import { Span } from '../value/span.ts';

const CONTENT_TYPE = ascii('content-type');
const APPLICATION_GRPC = ascii('application/grpc');
const GRPC_TIMEOUT = ascii('grpc-timeout');
const GRPC_STATUS = ascii('grpc-status');
const PLUS = 0x2b;
const SEMICOLON = 0x3b;
const NANOS_PER_MS = 1_000_000;
/** Of a timeout. */
const DIGITS_MAX = 8;
const UNIT_NANOS: Readonly<Record<string, number>> = {
  H: 3_600_000 * NANOS_PER_MS,
  M: 60_000 * NANOS_PER_MS,
  S: 1000 * NANOS_PER_MS,
  m: NANOS_PER_MS,
  u: 1000,
  n: 1,
};

const INTERNAL = 13;
const UNAVAILABLE = 14;
const UNKNOWN = 2;
const DEADLINE_EXCEEDED = 4;
/** As clients take statuses of HTTP (gRPC's doc/http-grpc-status-mapping.md), and what says more where we know more. */
const STATUSES: Readonly<Record<number, number>> = {
  400: INTERNAL,
  401: 16, // UNAUTHENTICATED
  403: 7, // PERMISSION_DENIED
  404: 12, // UNIMPLEMENTED
  408: DEADLINE_EXCEEDED,
  413: 8, // RESOURCE_EXHAUSTED
  429: UNAVAILABLE,
  431: INTERNAL,
  502: UNAVAILABLE,
  503: UNAVAILABLE,
  504: DEADLINE_EXCEEDED,
};

const span = new Span();

/** Whether a request with these fields is a call: `application/grpc`, with a message format behind it or not; not `application/grpc-web`. */
export function isCall(bytes: Uint8Array, table: FieldTable): boolean {
  if (!findField(bytes, table, CONTENT_TYPE, 0, span)) return false;
  if (!isOfGrpc(bytes, span.at, span.length)) return false;
  const { length: least } = APPLICATION_GRPC;
  const next = bytes[span.at + least];
  return span.length === least || next === PLUS || next === SEMICOLON;
}

/** Whether this value of Content-Type is one of gRPC's, or of gRPC-Web's. */
export function isOfGrpc(bytes: Uint8Array, at: number, length: number): boolean {
  if (length < APPLICATION_GRPC.length) return false;
  for (let i = 0; i < APPLICATION_GRPC.length; i++) if (LOWER[bytes[at + i]] !== APPLICATION_GRPC[i]) return false;
  return true;
}

/** How long the client waits, in ms, rounded up; 0: it does not say, or not as it should. */
export function timeoutMsOf(bytes: Uint8Array, table: FieldTable): number {
  if (!findField(bytes, table, GRPC_TIMEOUT, 0, span)) return 0;
  const { at: start, length } = span;
  const nanos = UNIT_NANOS[String.fromCharCode(bytes[start + length - 1])];
  if (nanos === undefined || length < 2 || length > DIGITS_MAX + 1) return 0;
  let value = 0;
  for (let i = start; i < start + length - 1; i++) {
    const digit = bytes[i] - 0x30;
    if (digit < 0 || digit > 9) return 0;
    value = value * 10 + digit;
  }
  return Math.max(1, Math.ceil((value * nanos) / NANOS_PER_MS));
}

/** What these fields of a response say in `grpc-status`; -1: nothing, or nothing that is a status. */
export function statusIn(bytes: Uint8Array, table: FieldTable): number {
  if (!findField(bytes, table, GRPC_STATUS, 0, span) || span.length === 0 || span.length > 2) return -1;
  let status = 0;
  for (let i = span.at; i < span.at + span.length; i++) {
    const digit = bytes[i] - 0x30;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  return status;
}

/** The code of an answer that has this status of HTTP. */
export function grpcStatusOf(status: number): number {
  return STATUSES[status] ?? UNKNOWN;
}

// --- grpc.health.v1, in protocol buffers ---

/** Of a message: not compressed, and its length. */
const PREFIX_BYTES = 5;
const FIELD_SERVICE = 0x0a;
const FIELD_STATUS = 0x08;
const HEALTH_STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const SERVING = HEALTH_STATUSES[1];
const UNEXPECTED = 'not the expected answer';

/** The body of a HealthCheckRequest. `service`: ASCII, below 16 KiB; empty: the server as a whole. */
export function questionFor(service: string): Uint8Array {
  const name = ascii(service);
  const { length } = name;
  const size = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
  const message = length === 0 ? [] : [FIELD_SERVICE, ...size, ...name];
  return Uint8Array.from([0, 0, 0, message.length >> 8, message.length & 0xff, ...message]);
}

/** What a HealthCheckResponse says, in one of HEALTH_STATUSES, or why there is none. `grpcStatus`: of the trailers. */
export function answerOf(body: Uint8Array, grpcStatus: string | undefined): string {
  if (grpcStatus === undefined) return 'no grpc-status';
  // It is what the server has written, and goes to the log.
  if (!/^[0-9]{1,2}$/.test(grpcStatus)) return UNEXPECTED;
  if (grpcStatus !== '0') return `grpc-status ${grpcStatus}`;
  const isWhole = body.length >= PREFIX_BYTES && body[0] === 0 && body[4] === body.length - PREFIX_BYTES;
  if (!isWhole) return UNEXPECTED;
  // a status of 0 is not sent
  if (body.length === PREFIX_BYTES) return HEALTH_STATUSES[0];
  return body[5] === FIELD_STATUS ? (HEALTH_STATUSES[body[6]] ?? UNEXPECTED) : UNEXPECTED;
}

export function isServing(answer: string): boolean {
  return answer === SERVING;
}
