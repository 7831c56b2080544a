/** Compression by the libraries that Node has inside (docs/decisions/compression.md), for the memory of one arena. */
import type { Compression, Encoder } from '../../port/compression.ts';
import { BrotliEncoder } from './brotli-encoder.ts';
import { GzipEncoder } from './gzip-encoder.ts';
import { addressOf } from '../native-pointers.ts';
import { type Brotli, loadBrotli, loadZlib, type Zlib } from './library.ts';

/** Streams of one level that are kept for the next body. */
const SPARES_MAX = 16;

export class NativeCompression implements Compression {
  private readonly zlib: Zlib | null = loadZlib();
  private readonly brotli: Brotli | null = loadBrotli();
  private readonly base: number;
  /** By level. */
  private readonly spares = new Map<number, GzipEncoder[]>();

  constructor(memory: Uint8Array) {
    this.base = addressOf(memory);
  }

  has(coding: 'gzip' | 'br'): boolean {
    return (coding === 'gzip' ? this.zlib : this.brotli) !== null;
  }

  begin(coding: 'gzip' | 'br', level: number): Encoder | null {
    if (coding === 'br') return this.brotli === null ? null : BrotliEncoder.create(this.brotli, this.base, level);
    if (this.zlib === null) return null;
    const spare = this.spares.get(level)?.pop();
    return spare ?? GzipEncoder.create(this.zlib, this.base, level, (one) => this.keep(one));
  }

  private keep(encoder: GzipEncoder): void {
    const spares = this.spares.get(encoder.level) ?? [];
    this.spares.set(encoder.level, spares);
    if (spares.length >= SPARES_MAX) return encoder.end();
    encoder.reset();
    spares.push(encoder);
  }
}
