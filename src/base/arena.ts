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
 */
import { assert } from './assert.ts';
import { HEADROOM, LARGE_SLOT_BYTES, SMALL_SLOT_BYTES, TAILROOM } from './limits.ts';

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
    for (let i = 0; i < largeCount; i++) this.freeLarge[i] = largeCount - 1 - i;
    for (let i = 0; i < smallCount; i++) this.freeSmall[i] = largeCount + smallCount - 1 - i;
  }

  static bytesFor(largeCount: number, smallCount: number): number {
    return largeCount * LARGE_SLOT_BYTES + smallCount * SMALL_SLOT_BYTES;
  }

  /** A large slot with one reference, or -1: out of memory, an operating condition the caller must handle. */
  allocateLarge(): number {
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

  /** Slots with a reference; zero when nothing leaks. */
  get usedSlots(): number {
    return this.largeCount + this.smallCount - this.freeLargeCount - this.freeSmallCount;
  }
}
