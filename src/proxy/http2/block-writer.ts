/** Packs heads, which are lines as HTTP/1 has them, into the header blocks of one connection. */
import { BLOCK_GROWTH, FIELD_GROWTH, HpackEncoder } from '../../wire/http2/hpack/encoder.ts';
import type { LineCache } from '../../wire/http2/hpack/line-cache.ts';
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
    return this.finish(block, this.emitLines(fields, lines + 1), streamId, endsStream);
  }

  /** The same of a trailer section. */
  sendTrailers(at: number, length: number, streamId: number): number {
    const block = this.reserve(at, length);
    if (block < 0) return -1;
    return this.finish(block, this.emitLines(this.encoder.begin(this.memory, block), at), streamId, true);
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

  /** Up to the empty line. Spaces are as whoever has written a line likes them. */
  private emitLines(to: number, from: number): number {
    const { encoder, memory } = this;
    while (memory[from] !== CR) {
      let colon = from;
      while (memory[colon] !== COLON) colon++;
      let value = colon + 1;
      while (memory[value] === SP || memory[value] === HTAB) value++;
      let lineEnd = value;
      while (memory[lineEnd] !== CR) lineEnd++;
      let end = lineEnd;
      while (end > value && (memory[end - 1] === SP || memory[end - 1] === HTAB)) end--;
      to = encoder.emitField(memory, to, memory, from, colon - from, value, end - value);
      from = lineEnd + 2;
    }
    return to;
  }
}
