/** What a simulated server answers to one attempt: drawn when the request's head arrives. */
import { HEAD_BYTES_MAX, HEADER_COUNT_MAX } from '../src/base/limits.ts';
import type { Prng } from '../src/base/prng.ts';
import { drawSize, drawTrailerBytes, isCramped, type BodySpec, type RequestSpec } from './scenario-http.ts';
import type { Fault } from './faults.ts';

export type ResponseFault =
  | 'none'
  | 'reset-before' // instead of an answer
  | 'close-before'
  | 'reset-inside' // after some of the answer's bytes
  | 'close-inside'
  | 'stall-before' // never an answer
  | 'stall-inside'
  | 'malformed-head' // RESPONSE_HEADS_MALFORMED
  | 'malformed-body' // a broken chunk
  | 'extra'; // a second answer that nobody asked for

export interface ResponseSpec {
  readonly status: number;
  readonly version: 10 | 11;
  readonly body: BodySpec | { readonly kind: 'close'; readonly bytes: number };
  /** Sent before it. */
  readonly interim: readonly number[];
  /** Answers without waiting for the request's body. */
  readonly isEarly: boolean;
  /** Of a field that makes the head long. */
  readonly paddingBytes: number;
  /** 100 before the body, if it was asked for. */
  readonly sendsContinue: boolean;
  readonly delayUs: number;
  /** Written in pieces of up to so many bytes, with pauses. */
  readonly pieceBytes: number;
  readonly gapUs: number;
  readonly fault: ResponseFault;
  /** After so many bytes of the response, for the faults that happen inside. */
  readonly faultAtBytes: number;
  readonly variant: number;
  /** Says `Connection: close`, and does. */
  readonly closes: boolean;
  /** Closes after the response without having said so; -1: does not; else how long after. */
  readonly silentCloseUs: number;
  /** Switches protocols when asked to. */
  readonly switches: boolean;
}

export function drawResponse(prng: Prng, faults: ReadonlySet<Fault>, request: RequestSpec): ResponseSpec {
  const fault = drawFault(prng, faults);
  const status = drawStatus(prng, request);
  const version = prng.oneIn(12) ? 10 : 11;
  const isStalling = faults.has('serverStalls') && prng.oneIn(4);
  const hasBody = status !== 204 && status !== 304;
  const switches = request.tunnel !== null && (request.tunnel.isEager || !prng.oneIn(6));
  const hasRequestBody = request.body.kind !== 'none';
  const body: ResponseSpec['body'] = hasBody && !switches ? drawBody(prng, faults, version) : { kind: 'none' };
  return {
    status: switches ? 101 : status,
    version: switches ? 11 : version,
    body,
    interim: !switches && prng.oneIn(8) ? (prng.oneIn(2) ? [103] : [103, 103]) : [],
    isEarly: hasRequestBody && prng.oneIn(8),
    paddingBytes: prng.oneIn(12) && !isCramped(faults) ? prng.below(HEAD_BYTES_MAX - 1500) : 0,
    sendsContinue: !prng.oneIn(4),
    delayUs: prng.oneIn(2) ? 0 : prng.below(isStalling ? 4_000_000 : 100_000),
    pieceBytes: prng.oneIn(4) ? 1 + prng.below(200) : 1 + prng.below(60_000),
    gapUs: prng.oneIn(3) ? prng.below(isStalling ? 400_000 : 3000) : 0,
    // the end of a body that ends with the connection is its end, wherever it comes
    fault: switches ? 'none' : fault === 'close-inside' && body.kind === 'close' ? 'reset-inside' : fault,
    faultAtBytes: prng.below(prng.oneIn(2) ? 300 : 3000),
    variant: prng.below(1000),
    closes: prng.oneIn(8) || version === 10 || (body.kind === 'close' && request.method === 'HEAD'),
    silentCloseUs: faults.has('serverCloses') && prng.oneIn(2) ? (prng.oneIn(2) ? 0 : prng.below(30_000)) : -1,
    switches,
  };
}

function drawFault(prng: Prng, faults: ReadonlySet<Fault>): ResponseFault {
  const possible: ResponseFault[] = [];
  if (faults.has('serverResets')) possible.push('reset-before', 'reset-inside');
  if (faults.has('serverCloses')) possible.push('close-before', 'close-inside');
  if (faults.has('serverStalls')) possible.push('stall-before', 'stall-inside');
  if (faults.has('serverMalformed')) possible.push('malformed-head', 'malformed-body', 'extra');
  return possible.length > 0 && prng.oneIn(2) ? possible[prng.below(possible.length)] : 'none';
}

function drawStatus(prng: Prng, request: RequestSpec): number {
  const kind = prng.below(12);
  if (kind === 0) return [404, 410, 401, 429][prng.below(4)];
  if (kind === 1) return [500, 503, 502][prng.below(3)];
  if (kind === 2) return 204;
  if (kind === 3) return request.method === 'GET' || request.method === 'HEAD' ? 304 : 201;
  if (kind === 4) return [302, 206, 299][prng.below(3)];
  return 200;
}

function drawBody(prng: Prng, faults: ReadonlySet<Fault>, version: 10 | 11): ResponseSpec['body'] {
  const bytes = drawSize(prng, faults);
  const kind = prng.below(8);
  if (kind === 0) return { kind: 'close', bytes };
  if (kind <= 3 && version === 11)
    return { kind: 'chunked', bytes, trailerBytes: drawTrailerBytes(prng, faults), hasExtensions: prng.oneIn(4) };
  return { kind: 'length', bytes };
}

/** On the second of two responses to one request. */
export const FORGED_MARKER = 'forged';

/**
 * Heads that a proxy must not pass on: contradictory, or not to be read with certainty. %M is where the marker goes; the
 * bytes that follow each look like a body, or another response.
 */
export const RESPONSE_HEADS_MALFORMED: readonly string[] = [
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nContent-Length: 5, 6\r\n\r\nhello!',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nContent-Length: -1\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nContent-Length: +5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nContent-Length: 0x5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nContent-Length: 99999999999999999999\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nContent-Length:\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nContent-Length : 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\n X-Folded: yes\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\nX-Sim: %M\nContent-Length: 0\n\n',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\rX: y\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nX-\0Nul: y\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nX-Nul: a\0b\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 20 OK\r\nX-Sim: %M\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 2000 OK\r\nX-Sim: %M\r\nContent-Length: 0\r\n\r\n',
  'HTTP/2.0 200 OK\r\nX-Sim: %M\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1  200 OK\r\nX-Sim: %M\r\nContent-Length: 0\r\n\r\n',
  'http/1.1 200 OK\r\nX-Sim: %M\r\nContent-Length: 0\r\n\r\n',
  'ICY 200 OK\r\nX-Sim: %M\r\nContent-Length: 0\r\n\r\n',
  'SSH-2.0-OpenSSH_9.2\r\n',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\n: nameless\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-Sim: %M\r\nno colon here\r\nContent-Length: 0\r\n\r\n',
  // longer, or of more fields, than anybody takes
  `HTTP/1.1 200 OK\r\nX-Sim: %M\r\nX-Huge: ${'h'.repeat(HEAD_BYTES_MAX)}\r\nContent-Length: 0\r\n\r\n`,
  `HTTP/1.1 200 OK\r\nX-Sim: %M\r\n${'A: b\r\n'.repeat(HEADER_COUNT_MAX)}Content-Length: 0\r\n\r\n`,
];

/** A switch that nobody asked for. */
export const SWITCH_UNASKED =
  'HTTP/1.1 101 Switching Protocols\r\nX-Sim: %M\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\nother bytes';

/** Chunk framings that are no chunks. */
export const CHUNKS_MALFORMED: readonly string[] = [
  'zz\r\nhello\r\n0\r\n\r\n',
  '5\nhello\n0\n\n',
  '5\r\nhelloXX0\r\n\r\n',
  '-5\r\nhello\r\n0\r\n\r\n',
  '0x5\r\nhello\r\n0\r\n\r\n',
  '5 \r\nhello\r\n0\r\n\r\n',
  '5;\0\r\nhello\r\n0\r\n\r\n',
  '5;a\nb\r\nhello\r\n0\r\n\r\n',
  'ffffffffffffffffff\r\nhello\r\n0\r\n\r\n',
  '\r\nhello\r\n0\r\n\r\n',
  '5\r\nhello\r\n0\r\nContent-Length: 3\r\n bad: folded\r\n\r\n',
  '5\r\nhello\r\n0\r\nX : y\r\n\r\n',
  '5\r\nhello\r\n0\r\nX: \0\r\n\r\n',
];
