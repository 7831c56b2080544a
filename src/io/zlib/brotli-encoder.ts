/** One Brotli stream (RFC 7932). Unlike deflate's it cannot be used again. */
import { ENCODE_END, ENCODE_FLUSH, type Encoder, type EncodeStep } from '../../port/compression.ts';
import { assert } from '../../base/assert.ts';
import { addressOf } from '../native-pointers.ts';
import type { Brotli } from './library.ts';

/** BrotliEncoderParameter of brotli/encode.h. */
const QUALITY = 1;
const WINDOW = 2;
/** 256 KiB: as much as there is to look back for in most pages, and a fraction of the memory of the largest one. */
const WINDOW_BITS = 18;
const PROCESS = 0;
const FLUSH = 1;
const FINISH = 2;

/** Cells that Brotli is given the addresses of. */
const AVAILABLE_IN = 0;
const NEXT_IN = 1;
const AVAILABLE_OUT = 2;
const NEXT_OUT = 3;
/** More than 64 bytes: then they do not move. */
const CELLS = 16;

const SLICE_BYTES = 2048;

export class BrotliEncoder implements Encoder {
  readonly sliceBytes = SLICE_BYTES;
  consumed = 0;
  produced = 0;
  hasMore = false;
  private readonly brotli: Brotli;
  private readonly base: number;
  private readonly cells = new BigUint64Array(CELLS);
  private readonly at: number;
  private readonly state: number;

  /** Null: there is no memory for one. */
  static create(brotli: Brotli, base: number, level: number): BrotliEncoder | null {
    const state = brotli.create(0, 0, 0);
    if (state === 0) return null;
    brotli.set(state, QUALITY, level);
    brotli.set(state, WINDOW, WINDOW_BITS);
    return new BrotliEncoder(brotli, base, state);
  }

  private constructor(brotli: Brotli, base: number, state: number) {
    this.brotli = brotli;
    this.base = base;
    this.state = state;
    this.at = addressOf(this.cells);
  }

  encode(step: EncodeStep, input: number, length: number, output: number, room: number): void {
    const { at, brotli, cells, state } = this;
    cells[AVAILABLE_IN] = BigInt(length);
    cells[NEXT_IN] = BigInt(this.base + input);
    cells[AVAILABLE_OUT] = BigInt(room);
    cells[NEXT_OUT] = BigInt(this.base + output);
    const operation = step === ENCODE_END ? FINISH : step === ENCODE_FLUSH ? FLUSH : PROCESS;
    const isDone = brotli.compress(state, operation, at, at + 8, at + 16, at + 24, 0);
    assert(isDone !== 0, 'Brotli was called in a wrong way');
    this.consumed = length - Number(cells[AVAILABLE_IN]);
    this.produced = room - Number(cells[AVAILABLE_OUT]);
    this.hasMore = brotli.hasMoreOutput(state) !== 0;
  }

  release(): void {
    this.brotli.destroy(this.state);
  }
}
