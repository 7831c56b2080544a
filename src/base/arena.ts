/**
 * One block of memory for everything that a peer sends or is sent, cut into slots of two sizes.
 *
 * A slot is an index with a reference count. Whoever holds a reference may read the slot's bytes; whoever holds the only
 * one may write them. Free slots are kept last-in first-out, so that under light load the same few, cache-warm slots go
 * round; pages that were never used are never resident.
 *
 * Large slots receive. Their first HEADROOM bytes and last TAILROOM bytes are never given to the kernel to fill: a rebuilt
 * head is put in front of the body, and a chunk's frame around it, without moving the body. Small slots hold what one slow
 * peer may keep for long: part of a head, a request that waits for its answer.
 *
 * How much is free decides how much a peer may make the proxy hold (docs/decisions/memory-reserve.md):
 *
 *   PLENTY  more than half is free        nothing is held back
 *   TIGHT   less than half of one size    whoever cannot be sent more is no longer received for
 *   SHORT   the reserve is touched        who has stood still for longest is shed, and nobody but receivers gets large slots
 *
 * Each ends a little above where it began, so that it does not flicker.
 */
import { assert } from './assert.ts';
import { HEADROOM, LARGE_SLOT_BYTES, SMALL_SLOT_BYTES, TAILROOM } from './limits.ts';

export const PLENTY = 0;
export const TIGHT = 1;
export const SHORT = 2;
export type Pressure = 0 | 1 | 2;

export class Arena {
  /** The memory; every offset that the transport and the drivers exchange counts from its first byte. */
  readonly memory: Uint8Array;
  readonly largeCount: number;
  readonly smallCount: number;
  private readonly references: Uint16Array;
  private readonly freeLarge: Int32Array;
  private readonly freeSmall: Int32Array;
  private freeLargeCount: number;
  private freeSmallCount: number;
  /** As judged last: the worse of both sizes. */
  pressure: Pressure = PLENTY;
  private largePressure: Pressure = PLENTY;
  private smallPressure: Pressure = PLENTY;
  /** Large slots that wait to be received into, as judged last. */
  private posted = 0;
  private leastFreeLarge: number;
  private leastFreeSmall: number;

  /** `memory` holds largeCount large slots, then smallCount small ones: `Arena.bytesFor()` bytes. */
  constructor(memory: Uint8Array, largeCount: number, smallCount: number) {
    assert(memory.length >= Arena.bytesFor(largeCount, smallCount), 'arena memory is too small');
    this.memory = memory;
    this.largeCount = largeCount;
    this.smallCount = smallCount;
    this.references = new Uint16Array(largeCount + smallCount);
    this.freeLarge = new Int32Array(largeCount);
    this.freeSmall = new Int32Array(smallCount);
    this.freeLargeCount = largeCount;
    this.freeSmallCount = smallCount;
    this.leastFreeLarge = largeCount;
    this.leastFreeSmall = smallCount;
    for (let i = 0; i < largeCount; i++) this.freeLarge[i] = largeCount - 1 - i;
    for (let i = 0; i < smallCount; i++) this.freeSmall[i] = largeCount + smallCount - 1 - i;
  }

  static bytesFor(largeCount: number, smallCount: number): number {
    return largeCount * LARGE_SLOT_BYTES + smallCount * SMALL_SLOT_BYTES;
  }

  /**
   * A large slot with one reference, to keep something in, or -1: out of memory, an operating condition the caller must
   * handle. The last half of the reserve is for receivers only.
   */
  allocateLarge(): number {
    return this.freeLargeCount * 2 < reserveOf(this.largeCount) ? -1 : this.allocateForReceiver();
  }

  /** A large slot with one reference, to receive into, or -1. */
  allocateForReceiver(): number {
    if (this.freeLargeCount === 0) return -1;
    const slot = this.freeLarge[--this.freeLargeCount];
    this.references[slot] = 1;
    return slot;
  }

  /** A small slot with one reference, or -1. */
  allocateSmall(): number {
    if (this.freeSmallCount === 0) return -1;
    const slot = this.freeSmall[--this.freeSmallCount];
    this.references[slot] = 1;
    return slot;
  }

  retain(slot: number): void {
    assert(this.references[slot] > 0, 'retain of a free slot');
    this.references[slot]++;
  }

  release(slot: number): void {
    const left = this.references[slot] - 1;
    assert(left >= 0, 'release of a free slot');
    this.references[slot] = left;
    if (left > 0) return;
    if (slot < this.largeCount) this.freeLarge[this.freeLargeCount++] = slot;
    else this.freeSmall[this.freeSmallCount++] = slot;
  }

  /** Once a turn, by the transport: finds the pressure anew. `posted`: large slots that wait to be received into. */
  judge(posted: number): void {
    const freeLarge = this.freeLargeCount + posted;
    const freeSmall = this.freeSmallCount;
    this.posted = posted;
    if (freeLarge < this.leastFreeLarge) this.leastFreeLarge = freeLarge;
    if (freeSmall < this.leastFreeSmall) this.leastFreeSmall = freeSmall;
    const large = pressureOf(freeLarge, this.largeCount, this.largePressure);
    const small = pressureOf(freeSmall, this.smallCount, this.smallPressure);
    this.largePressure = large;
    this.smallPressure = small;
    this.pressure = large > small ? large : small;
  }

  /** Whether there is less than plenty of the slot's size. */
  isScarce(slot: number): boolean {
    return (slot < this.largeCount ? this.largePressure : this.smallPressure) !== PLENTY;
  }

  /** How many slots have to come back before nothing is short any more. */
  get missingSlots(): number {
    const large = this.largePressure === SHORT ? 2 * reserveOf(this.largeCount) - this.freeLargeCount - this.posted : 0;
    const small = this.smallPressure === SHORT ? 2 * reserveOf(this.smallCount) - this.freeSmallCount : 0;
    return Math.max(large, small);
  }

  /** One of the sizes is used up: sockets wait, or requests are refused. */
  get isExhausted(): boolean {
    return this.freeLargeCount + this.posted === 0 || this.freeSmallCount === 0;
  }

  isLarge(slot: number): boolean {
    return slot < this.largeCount;
  }

  isShared(slot: number): boolean {
    return this.references[slot] > 1;
  }

  /** The offset of the slot's first byte. */
  start(slot: number): number {
    return slot < this.largeCount
      ? slot * LARGE_SLOT_BYTES
      : this.largeCount * LARGE_SLOT_BYTES + (slot - this.largeCount) * SMALL_SLOT_BYTES;
  }

  /** The offset after the slot's last byte. */
  end(slot: number): number {
    return this.start(slot) + (slot < this.largeCount ? LARGE_SLOT_BYTES : SMALL_SLOT_BYTES);
  }

  /** Where received bytes begin in a large slot. */
  receiveStart(slot: number): number {
    return slot * LARGE_SLOT_BYTES + HEADROOM;
  }

  /** How many bytes may be received into a large slot. */
  static readonly receiveBytes = LARGE_SLOT_BYTES - HEADROOM - TAILROOM;

  get freeLargeSlots(): number {
    return this.freeLargeCount;
  }

  get freeSmallSlots(): number {
    return this.freeSmallCount;
  }

  /** Large slots in use, but for those that wait to be received into. */
  get usedLargeSlots(): number {
    return this.largeCount - this.freeLargeCount - this.posted;
  }

  get usedSmallSlots(): number {
    return this.smallCount - this.freeSmallCount;
  }

  /** Most in use at the start of any turn. */
  get usedLargeMax(): number {
    return this.largeCount - this.leastFreeLarge;
  }

  get usedSmallMax(): number {
    return this.smallCount - this.leastFreeSmall;
  }

  /** Slots with a reference; zero when nothing leaks. */
  get usedSlots(): number {
    return this.largeCount + this.smallCount - this.freeLargeCount - this.freeSmallCount;
  }
}

function reserveOf(count: number): number {
  return count >> 4;
}

/** `before`: what it was, for it ends later than it began. */
function pressureOf(free: number, count: number, before: Pressure): Pressure {
  const reserve = reserveOf(count);
  if (free < (before === SHORT ? 2 * reserve : reserve)) return SHORT;
  return free < (before === PLENTY ? count >> 1 : (count >> 1) + 2 * reserve) ? TIGHT : PLENTY;
}
