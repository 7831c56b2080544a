/**
 * What both sides of the engine's fuzzer know of a connection, computed from its number alone: how many bytes go each way,
 * which bytes, and who ends it how. So each side checks what it receives without asking the other.
 */
import { HEAD_SLOT_BYTES } from '../../base/limits.ts';
import { Prng } from '../../base/prng.ts';
import type { UringOptions } from './transport.ts';

export const TO_PEER = 0;
export const TO_ENGINE = 1;
type Direction = 0 | 1;

/** How a connection ends before its bytes are through. */
export type Abort = 'none' | 'peer-reset' | 'peer-destroy' | 'engine-reset' | 'engine-close';
const ABORTS: readonly Abort[] = ['peer-reset', 'peer-destroy', 'engine-reset', 'engine-close'];

export interface Plan {
  readonly id: number;
  /** Bytes by direction, the four bytes of the number at the start of a connection made by the peer not counted. */
  readonly bytes: readonly [number, number];
  readonly abort: Abort;
  /** The aborting side does it when it has received this many bytes. */
  readonly abortAt: number;
  /** For the choices of one side. */
  prng(side: Direction): Prng;
}

export function planOf(seed: number, id: number): Plan {
  const prng = new Prng(seed * 1_000_003 + id);
  const size = (): number => {
    switch (prng.below(6)) {
      case 0:
        return 0;
      case 1:
        return 1 + prng.below(100);
      case 2:
      case 3:
        return 1 + prng.below(5000);
      case 4:
        return 1 + prng.below(100_000);
      default:
        return 1 + prng.below(1_500_000);
    }
  };
  const bytes: [number, number] = [size(), size()];
  const abort = prng.oneIn(4) ? ABORTS[prng.below(ABORTS.length)] : 'none';
  const atPeer = abort === 'peer-reset' || abort === 'peer-destroy';
  const abortAt = prng.below(bytes[atPeer ? TO_PEER : TO_ENGINE] + 1);
  return { id, bytes, abort, abortAt, prng: (side) => new Prng(seed * 7919 + id * 2 + side) };
}

/** A prime, so that streams of different connections and directions do not repeat in step with any buffer. */
const CYCLE = 65_521;
const PIECE_MAX = HEAD_SLOT_BYTES;
const pattern = new Uint8Array(CYCLE + PIECE_MAX);
{
  const prng = new Prng(20260101);
  for (let i = 0; i < CYCLE; i++) pattern[i] = prng.nextU32();
  for (let i = CYCLE; i < pattern.length; i++) pattern[i] = pattern[i - CYCLE];
}

/** `length` bytes (up to 64 KiB) of the stream from byte `at`. Borrowed. */
export function streamBytes(id: number, direction: Direction, at: number, length: number): Uint8Array {
  const start = (at + id * 7919 + direction * 32_003) % CYCLE;
  return pattern.subarray(start, start + length);
}

/** Whether these bytes are the stream's from byte `at`. */
export function isStream(id: number, direction: Direction, at: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i += PIECE_MAX) {
    const piece = bytes.subarray(i, i + PIECE_MAX);
    if (Buffer.compare(piece, streamBytes(id, direction, at + i, piece.length)) !== 0) return false;
  }
  return true;
}

export interface Round extends UringOptions {
  readonly seed: number;
  /** Connections 0 to connections - 1: the even ones are made by the peer, the odd ones by the engine. */
  readonly connections: number;
  /** Connections open at once, of each kind. */
  readonly width: number;
  /** Descriptors that the engine may open. */
  readonly descriptors?: number;
  /** The engine's process is stopped and goes on, again and again. */
  readonly isInterrupted?: boolean;
}
