/** One deflate stream in gzip's format (RFC 1952), which is used for one body after the other. */
import { ENCODE_END, ENCODE_FLUSH, type Encoder, type EncodeStep } from '../../port/compression.ts';
import { assert } from '../../base/assert.ts';
import { addressOf, writePointer } from '../native-pointers.ts';
import type { Zlib } from './library.ts';

const DEFLATED = 8;
/** The largest window, and 16 for gzip's header and trailer. */
const WINDOW_BITS = 15 + 16;
/** zlib's own choice: 128 KiB of symbols and hash chains beside the window. */
const MEMORY_LEVEL = 8;
const DEFAULT_STRATEGY = 0;
const NO_FLUSH = 0;
const SYNC_FLUSH = 2;
const FINISH = 4;
const STREAM_END = 1;
const OK = 0;
const BUFFER_ERROR = -5;

/** z_stream of zlib.h on a machine of 64 bits, in words of 32. */
const NEXT_IN = 0;
const AVAILABLE_IN = 2;
const NEXT_OUT = 6;
const AVAILABLE_OUT = 8;
const STREAM_WORDS = 28;

/** By level, of prose: 40 to 80 microseconds. */
const SLICE_BYTES = [0, 16384, 8192, 8192, 4096, 4096, 4096, 2048, 2048, 2048];

export class GzipEncoder implements Encoder {
  readonly sliceBytes: number;
  readonly level: number;
  consumed = 0;
  produced = 0;
  hasMore = false;
  private readonly zlib: Zlib;
  /** Address of the arena's first byte. */
  private readonly base: number;
  private readonly words = new Uint32Array(STREAM_WORDS);
  private readonly stream: number;
  private readonly giveBack: (encoder: GzipEncoder) => void;

  /** Null: there is no memory for one. */
  static create(zlib: Zlib, base: number, level: number, giveBack: (encoder: GzipEncoder) => void): GzipEncoder | null {
    const encoder = new GzipEncoder(zlib, base, level, giveBack);
    const size = STREAM_WORDS * Uint32Array.BYTES_PER_ELEMENT;
    const { words } = encoder;
    const version = zlib.zlibVersion();
    const result = zlib.deflateInit2(
      words,
      level,
      DEFLATED,
      WINDOW_BITS,
      MEMORY_LEVEL,
      DEFAULT_STRATEGY,
      version,
      size,
    );
    return result === OK ? encoder : null;
  }

  private constructor(zlib: Zlib, base: number, level: number, giveBack: (encoder: GzipEncoder) => void) {
    this.zlib = zlib;
    this.base = base;
    this.level = level;
    this.giveBack = giveBack;
    this.sliceBytes = SLICE_BYTES[level];
    this.stream = addressOf(this.words);
  }

  encode(step: EncodeStep, input: number, length: number, output: number, room: number): void {
    const { words } = this;
    writePointer(words, NEXT_IN, this.base + input);
    words[AVAILABLE_IN] = length;
    writePointer(words, NEXT_OUT, this.base + output);
    words[AVAILABLE_OUT] = room;
    const result = this.zlib.deflate(
      this.stream,
      step === ENCODE_END ? FINISH : step === ENCODE_FLUSH ? SYNC_FLUSH : NO_FLUSH,
    );
    assert(result === OK || result === STREAM_END || result === BUFFER_ERROR, 'deflate was called in a wrong way');
    this.consumed = length - words[AVAILABLE_IN];
    this.produced = room - words[AVAILABLE_OUT];
    this.hasMore = words[AVAILABLE_OUT] === 0 && result !== STREAM_END;
  }

  release(): void {
    this.giveBack(this);
  }

  /** Its memory goes. */
  end(): void {
    this.zlib.deflateEnd(this.stream);
  }

  /** For another body. */
  reset(): void {
    this.zlib.deflateReset(this.stream);
  }
}
