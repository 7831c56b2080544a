/**
 * Compression in the simulator, the same on every machine: gzip's format (RFC 1952) around the bytes as they are, in stored blocks (RFC 1951
 * section 3.2.4). As a real encoder does, it keeps back what it need not say yet, and has more to say now and then than there is room.
 * And it is strict about how it is used.
 */
import { crc32 } from 'node:zlib';
import type { Prng } from '../src/base/prng.ts';
import {
  ENCODE_END,
  ENCODE_FLUSH,
  ENCODE_MORE,
  type Compression,
  type Encoder,
  type EncodeStep,
} from '../src/port/compression.ts';
import type { World } from './world.ts';

/** Deflate, no name, no time, an unknown system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const STORED_BYTES_MAX = 0xffff;
const NOTHING = Buffer.alloc(0);

export class SimCompression implements Compression {
  /** Of all bodies, and those that are being compressed. */
  bodies = 0;
  openBodies = 0;
  private readonly world: World;
  private readonly memory: Uint8Array;
  private readonly prng: Prng;
  /** Now and then there is no memory for one more. */
  private readonly isShort: boolean;

  constructor(world: World, memory: Uint8Array, prng: Prng, isShort: boolean) {
    this.world = world;
    this.memory = memory;
    this.prng = prng;
    this.isShort = isShort;
  }

  has(coding: 'gzip' | 'br'): boolean {
    return coding === 'gzip';
  }

  begin(coding: 'gzip' | 'br'): Encoder | null {
    if (!this.has(coding)) this.world.fail('compression', `${coding} was begun`);
    if (this.isShort && this.prng.oneIn(10)) return null;
    this.bodies++;
    this.openBodies++;
    return new StoredGzip(this.world, this.memory, this.prng, () => this.openBodies--);
  }
}

class StoredGzip implements Encoder {
  readonly sliceBytes: number;
  consumed = 0;
  produced = 0;
  hasMore = false;
  private readonly world: World;
  private readonly memory: Uint8Array;
  /** So much it keeps back. */
  private readonly heldMax: number;
  private readonly handleRelease: () => void;
  private held: Uint8Array = NOTHING;
  /** To be said as soon as there is room. */
  private said: Uint8Array = HEADER;
  private step: EncodeStep = ENCODE_MORE;
  private sum = 0;
  private bytes = 0;
  private isReleased = false;

  constructor(world: World, memory: Uint8Array, prng: Prng, handleRelease: () => void) {
    this.world = world;
    this.memory = memory;
    this.handleRelease = handleRelease;
    this.sliceBytes = 200 + prng.below(prng.oneIn(2) ? 2000 : 70_000);
    this.heldMax = prng.below(prng.oneIn(2) ? 1000 : 100_000);
  }

  encode(step: EncodeStep, input: number, length: number, output: number, room: number): void {
    this.check(step, length);
    const isGoingOn = this.hasMore && this.step === step && length === 0;
    this.step = step;
    this.consumed = this.said.length > room ? 0 : length;
    if (this.consumed > 0) this.take(this.memory.slice(input, input + length));
    if (!isGoingOn && this.consumed === length) this.say(step);
    this.produced = Math.min(room, this.said.length);
    this.memory.set(this.said.subarray(0, this.produced), output);
    this.said = this.said.subarray(this.produced);
    this.hasMore = this.said.length > 0 || this.consumed < length;
  }

  release(): void {
    if (this.isReleased) this.world.fail('compression', 'an encoder was released twice');
    this.isReleased = true;
    this.handleRelease();
  }

  private check(step: EncodeStep, length: number): void {
    const fail = (detail: string): never => this.world.fail('compression', detail);
    if (this.isReleased) fail('an encoder was used after its release');
    if (length > this.sliceBytes) fail(`${length} bytes in a slice of ${this.sliceBytes}`);
    if (this.step === ENCODE_END && !this.hasMore) fail('there is more after the end');
    if (this.step !== ENCODE_MORE && this.hasMore && step !== this.step) fail(`step ${step} within step ${this.step}`);
  }

  private take(bytes: Uint8Array): void {
    this.held = Buffer.concat([this.held, bytes]);
    this.sum = crc32(bytes, this.sum);
    this.bytes += bytes.length;
  }

  /** What is due now. */
  private say(step: EncodeStep): void {
    const isEnd = step === ENCODE_END;
    if (step === ENCODE_MORE && this.held.length <= this.heldMax) return;
    const parts: Uint8Array[] = [this.said];
    while (this.held.length > 0) {
      const block = this.held.subarray(0, STORED_BYTES_MAX);
      this.held = this.held.subarray(block.length);
      parts.push(stored(block, false));
    }
    if (isEnd || step === ENCODE_FLUSH) parts.push(stored(NOTHING, isEnd));
    if (isEnd) parts.push(words(this.sum, this.bytes));
    this.said = Buffer.concat(parts);
  }
}

function stored(bytes: Uint8Array, isLast: boolean): Uint8Array {
  const head = Buffer.alloc(5);
  head[0] = isLast ? 1 : 0;
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(bytes.length ^ 0xffff, 3);
  return Buffer.concat([head, bytes]);
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32LE(value, 4 * i));
  return bytes;
}
