/** Packs heads, which are lines as HTTP/1 has them, into the header blocks of one connection. */
import { BLOCK_GROWTH, FIELD_GROWTH, HpackEncoder } from '../../wire/http2/hpack/encoder.ts';
import type { LineCache } from '../../wire/http2/hpack/line-cache.ts';
import { HEAD_SLOT_BYTES } from '../../base/limits.ts';
import { equalsIgnoringCase } from '../../wire/http1/classes.ts';
import { ascii, emitBytes } from '../../wire/http1/emit.ts';
import { fieldId } from '../../wire/http1/fields.ts';
import {
  F_CONNECTION,
  F_HOST,
  F_HTTP2_SETTINGS,
  F_KEEP_ALIVE,
  F_PROXY_CONNECTION,
  F_TE,
  F_TRANSFER_ENCODING,
  F_UPGRADE,
} from '../../wire/http1/head.ts';
import { acceptOf } from '../../wire/http1/websocket.ts';
import { blockFramesLength, emitBlockFrames } from '../../wire/http2/frame-writer.ts';
import { FRAME_BYTES_MAX, FRAME_HEADER_BYTES } from '../../wire/http2/frame.ts';
import type { Output } from './output.ts';

const CR = 13;
const LF = 10;
const COLON = 0x3a;
const SP = 0x20;
const HTAB = 9;
/** `HTTP/1.1 ` */
const STATUS_AT = 9;
/** Of lines with their CR LF. */
const LINE_GROWTH = FIELD_GROWTH - 2;

/** ` HTTP/1.1` */
const VERSION_BYTES = 9;
const HOST_BYTES = 'host:'.length;
const METHOD = ascii(':method: ');
const PATH = ascii(':path: ');
const AUTHORITY = ascii(':authority: ');
const TE_TRAILERS = ascii('te: trailers');
const KEY_NAME = ascii('sec-websocket-key');
/** With the lengths of their names. */
const CONNECT_LINES = [
  [ascii(':method: CONNECT'), ':method'.length],
  [ascii(':protocol: websocket'), ':protocol'.length],
] as const;
const GET = ascii('GET');
const POST = ascii('POST');
/** In the static table. */
const STATIC_GET = 2;
const STATIC_POST = 3;
const STATIC_HTTP = 6;
const STATIC_HTTPS = 7;
/** What is sent besides the lines, and names of pseudo-fields. */
const REQUEST_GROWTH = 64;
/** Section 8.2.2, and what has another place. */
const OF_CONNECTIONS =
  (1 << F_HOST) |
  (1 << F_CONNECTION) |
  (1 << F_KEEP_ALIVE) |
  (1 << F_PROXY_CONNECTION) |
  (1 << F_TRANSFER_ENCODING) |
  (1 << F_UPGRADE) |
  (1 << F_HTTP2_SETTINGS) |
  (1 << F_TE);
/** A pseudo-field as a line. */
const draft = new Uint8Array(HEAD_SLOT_BYTES);

export class BlockWriter {
  readonly encoder: HpackEncoder;
  private readonly memory: Uint8Array;
  private readonly output: Output;

  constructor(memory: Uint8Array, output: Output, cache: LineCache) {
    this.encoder = new HpackEncoder(cache);
    this.memory = memory;
    this.output = output;
  }

  /**
   * Sends the head of a response: `length` bytes of lines at `at`, from its status line to its empty line. How many bytes that is; -1: no
   * slot was free, and nothing was sent.
   */
  send(at: number, length: number, streamId: number, endsStream: boolean): number {
    const { encoder, memory } = this;
    const block = this.reserve(at, length);
    if (block < 0) return -1;
    const digits = at + STATUS_AT;
    const status = (memory[digits] - 0x30) * 100 + (memory[digits + 1] - 0x30) * 10 + memory[digits + 2] - 0x30;
    let lines = digits;
    while (memory[lines] !== LF) lines++;
    const fields = encoder.emitStatus(memory, encoder.begin(memory, block), status);
    return this.finish(block, this.emitLines(fields, lines + 1, 0), streamId, endsStream);
  }

  /**
   * The same of a request: from its request line, in origin form, to its empty line. What is of a connection of HTTP/1 alone stays behind, and Host
   * is the authority. `isTls`: its scheme is https.
   */
  sendRequest(at: number, length: number, streamId: number, endsStream: boolean, isTls: boolean): number {
    const { encoder, memory } = this;
    const block = this.reserve(at, length + REQUEST_GROWTH);
    if (block < 0) return -1;
    const methodEnd = endOf(memory, at, SP);
    const lineEnd = endOf(memory, methodEnd, CR);
    let to = encoder.begin(memory, block);
    if (isWord(memory, at, methodEnd, GET)) to = encoder.emitStatic(memory, to, STATIC_GET);
    else if (isWord(memory, at, methodEnd, POST)) to = encoder.emitStatic(memory, to, STATIC_POST);
    else to = this.emitPseudo(to, METHOD, at, methodEnd);
    to = this.emitTarget(to, methodEnd, lineEnd, isTls);
    to = this.emitLines(to, lineEnd + 2, OF_CONNECTIONS);
    // trailers are passed on, and servers of gRPC want to know
    to = encoder.emitField(memory, to, TE_TRAILERS, 0, 2, 4, TE_TRAILERS.length - 4);
    return this.finish(block, to, streamId, endsStream);
  }

  /**
   * The same of a GET that asks for a WebSocket, as the CONNECT that does so (RFC 8441 section 5). `keyAt`: where its key stands, as `findKey` has
   * said.
   */
  sendConnect(at: number, length: number, streamId: number, isTls: boolean, keyAt: number): number {
    const { encoder, memory } = this;
    const block = this.reserve(at, length + REQUEST_GROWTH);
    if (block < 0) return -1;
    const methodEnd = endOf(memory, at, SP);
    const lineEnd = endOf(memory, methodEnd, CR);
    let to = encoder.begin(memory, block);
    for (const [line, nameLength] of CONNECT_LINES)
      to = encoder.emitField(memory, to, line, 0, nameLength, nameLength + 2, line.length - nameLength - 2);
    to = this.emitTarget(to, methodEnd, lineEnd, isTls);
    to = this.emitLines(to, lineEnd + 2, OF_CONNECTIONS, keyAt);
    return this.finish(block, to, streamId, false);
  }

  /** Where the line of Sec-WebSocket-Key begins in a head that begins at `at`; -1: it has none. */
  findKey(at: number): number {
    const { memory } = this;
    let from = endOf(memory, at, LF) + 1;
    while (memory[from] !== CR) {
      const colon = endOf(memory, from, COLON);
      if (equalsIgnoringCase(memory, from, colon - from, KEY_NAME)) return from;
      from = endOf(memory, colon, LF) + 1;
    }
    return -1;
  }

  /** What Sec-WebSocket-Accept has to say to the key whose line begins there. */
  acceptFor(keyAt: number): Uint8Array {
    const { memory } = this;
    const at = valueStart(memory, keyAt + KEY_NAME.length + 1);
    return acceptOf(memory, at, valueEnd(memory, at) - at);
  }

  /** Scheme, path and authority of a request whose line has its method up to `methodEnd`. */
  private emitTarget(to: number, methodEnd: number, lineEnd: number, isTls: boolean): number {
    const { memory } = this;
    to = this.encoder.emitStatic(memory, to, isTls ? STATIC_HTTPS : STATIC_HTTP);
    to = this.emitPseudo(to, PATH, methodEnd + 1, lineEnd - VERSION_BYTES);
    const host = this.findHost(lineEnd + 2);
    if (host < 0) return to;
    const valueAt = valueStart(memory, host + HOST_BYTES);
    return this.emitPseudo(to, AUTHORITY, valueAt, valueEnd(memory, valueAt));
  }

  /** A pseudo-field whose value is from `from` to `end`. */
  private emitPseudo(to: number, name: Uint8Array, from: number, end: number): number {
    const { encoder, memory } = this;
    const length = end - from;
    draft.set(name);
    emitBytes(draft, name.length, memory, from, length);
    return encoder.emitField(memory, to, draft, 0, name.length - 2, name.length, length);
  }

  /** Where the line of the Host field begins; -1: there is none. */
  private findHost(from: number): number {
    const { memory } = this;
    while (memory[from] !== CR) {
      let colon = from;
      while (memory[colon] !== COLON) colon++;
      if (fieldId(memory, from, colon - from) === F_HOST) return from;
      while (memory[colon] !== LF) colon++;
      from = colon + 1;
    }
    return -1;
  }

  /** The same of a trailer section. */
  sendTrailers(at: number, length: number, streamId: number): number {
    const block = this.reserve(at, length);
    if (block < 0) return -1;
    return this.finish(block, this.emitLines(this.encoder.begin(this.memory, block), at, 0), streamId, true);
  }

  private reserve(at: number, length: number): number {
    const { memory } = this;
    let lines = 0;
    for (let i = at; i < at + length; i++) if (memory[i] === LF) lines++;
    const bound = length + lines * LINE_GROWTH + BLOCK_GROWTH;
    const start = this.output.reserve(blockFramesLength(bound, FRAME_BYTES_MAX));
    return start < 0 ? -1 : start + FRAME_HEADER_BYTES;
  }

  private finish(block: number, end: number, streamId: number, endsStream: boolean): number {
    const start = block - FRAME_HEADER_BYTES;
    const length = end - block;
    const behind = emitBlockFrames(this.memory, start, length, streamId, endsStream, FRAME_BYTES_MAX);
    this.output.commit(behind);
    if (length <= FRAME_BYTES_MAX) this.output.noteFrame(start, streamId);
    return behind - start;
  }

  /**
   * Up to the empty line, without those whose field is flagged in `dropped` and the one that begins at `leftOut`. Spaces are as whoever has written
   * a line likes them.
   */
  private emitLines(to: number, from: number, dropped: number, leftOut = -1): number {
    const { encoder, memory } = this;
    while (memory[from] !== CR) {
      let colon = from;
      while (memory[colon] !== COLON) colon++;
      const value = valueStart(memory, colon + 1);
      const end = valueEnd(memory, value);
      const isDropped = dropped !== 0 && (dropped & (1 << fieldId(memory, from, colon - from))) !== 0;
      if (!isDropped && from !== leftOut)
        to = encoder.emitField(memory, to, memory, from, colon - from, value, end - value);
      from = end;
      while (memory[from] !== LF) from++;
      from++;
    }
    return to;
  }
}

/** Where this byte comes next. */
function endOf(memory: Uint8Array, at: number, byte: number): number {
  while (memory[at] !== byte) at++;
  return at;
}

function valueStart(memory: Uint8Array, at: number): number {
  while (memory[at] === SP || memory[at] === HTAB) at++;
  return at;
}

/** Without what is blank at its end. */
function valueEnd(memory: Uint8Array, value: number): number {
  let end = value;
  while (memory[end] !== CR) end++;
  while (end > value && (memory[end - 1] === SP || memory[end - 1] === HTAB)) end--;
  return end;
}

function isWord(memory: Uint8Array, at: number, end: number, word: Uint8Array): boolean {
  if (end - at !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (memory[at + i] !== word[i]) return false;
  return true;
}
