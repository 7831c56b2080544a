/**
 * One block of memory for everything that a peer sends or is sent, cut into slots of a few sizes.
 *
 * A slot is an index with a reference count. Whoever holds a reference may read the slot's bytes; whoever holds the only
 * one may write them. Free slots are kept last-in first-out, so that under light load the same few, cache-warm slots go
 * round; pages that were never used are never resident.
 *
 * Large slots receive. Their first HEADROOM bytes and last TAILROOM bytes are never given to the kernel to fill: a rebuilt
 * head is put in front of the body, and a chunk's frame around it, without moving the body. The other sizes keep what may wait
 * for long, and so never takes what others want to receive into: part of a head, a request that waits for its answer. Small
 * ones for most, medium ones for heads with cookies and tokens, and few that hold the largest head that there may be. A size
 * that is used up borrows of a larger one of which more than half is free, so that whoever fills one size denies nobody.
 *
 * How much is free decides how much a peer may make the proxy hold (docs/decisions/memory-reserve.md):
 *
 *   PLENTY  more than half is free        nothing is held back
 *   TIGHT   less than half                of large ones: whoever cannot be sent more is no longer received for
 *   SHORT   the reserve is touched        of any size: who has stood still with one for longest is shed
 *
 * Each ends a little above where it began, so that it does not flicker.
 *
 * What others keep for peers, OpenSSL for half a record or half a handshake, is no slot, but is counted like one, and is as short: `foreign`.
 */
import { assert } from './assert.ts';
import {
  HEAD_SLOT_BYTES,
  HEADROOM,
  LARGE_SLOT_BYTES,
  MEDIUM_SLOT_BYTES,
  FOREIGN_BYTES,
  FOREIGN_COUNT,
  SMALL_SLOT_BYTES,
  TAILROOM,
} from './limits.ts';
import { PLENTY, type Pressure, Slots, Stock } from './slots.ts';

export { PLENTY, type Pressure, SHORT, TIGHT } from './slots.ts';

export class Arena {
  /** The memory; every offset that the transport and the drivers exchange counts from its first byte. */
  readonly memory: Uint8Array;
  readonly large: Slots;
  readonly small: Slots;
  readonly medium: Slots;
  /** Of the largest heads. */
  readonly head: Slots;
  /** What others keep for peers. Nobody is refused a piece of it. */
  readonly foreign: Stock;
  readonly sizes: readonly Stock[];
  /** The same by what they hold, the smallest first. */
  private readonly bySize: readonly Slots[];
  private readonly firstSmall: number;
  private readonly firstMedium: number;
  private readonly smallStart: number;
  private readonly references: Uint16Array;
  /** As judged last: of the large slots, by which drivers and transports go, and the worst of all. */
  pressure: Pressure = PLENTY;
  worstPressure: Pressure = PLENTY;

  /**
   * `memory` holds largeCount large slots, then smallCount small ones, and of the other sizes what `mediumCount` and `headCount`
   * make of that: `Arena.bytesFor()` bytes.
   */
  constructor(memory: Uint8Array, largeCount: number, smallCount: number, foreignCount = FOREIGN_COUNT) {
    assert(memory.length >= Arena.bytesFor(largeCount, smallCount), 'arena memory is too small');
    this.memory = memory;
    this.large = new Slots(0, 0, largeCount, LARGE_SLOT_BYTES);
    this.small = behind(this.large, smallCount, SMALL_SLOT_BYTES);
    this.medium = behind(this.small, mediumCount(smallCount), MEDIUM_SLOT_BYTES);
    this.head = behind(this.medium, headCount(smallCount), HEAD_SLOT_BYTES);
    this.foreign = new Stock(foreignCount, FOREIGN_BYTES);
    this.sizes = [this.large, this.small, this.medium, this.head, this.foreign];
    this.bySize = [this.small, this.medium, this.large, this.head];
    this.firstSmall = this.small.first;
    this.firstMedium = this.medium.first;
    this.smallStart = this.small.start;
    this.references = new Uint16Array(this.slotCount);
  }

  static bytesFor(largeCount: number, smallCount: number): number {
    return (
      largeCount * LARGE_SLOT_BYTES +
      smallCount * SMALL_SLOT_BYTES +
      mediumCount(smallCount) * MEDIUM_SLOT_BYTES +
      headCount(smallCount) * HEAD_SLOT_BYTES
    );
  }

  /** Of all sizes. */
  get slotCount(): number {
    return this.head.first + this.head.count;
  }

  /** A large slot with one reference, to receive into, or -1: out of memory, an operating condition the caller must handle. */
  allocateLarge(): number {
    return this.begin(this.large.take());
  }

  /** A slot for `bytes` bytes that may wait for long, with one reference, or -1. At most HEAD_SLOT_BYTES. */
  allocate(bytes: number): number {
    const size = bytes <= SMALL_SLOT_BYTES ? this.small : bytes <= MEDIUM_SLOT_BYTES ? this.medium : this.head;
    const slot = size.take();
    return slot >= 0 ? this.begin(slot) : this.borrow(bytes);
  }

  private borrow(bytes: number): number {
    for (const size of this.bySize) {
      if (size.bytes >= bytes && size.canLend) return this.begin(size.take());
    }
    return -1;
  }

  private begin(slot: number): number {
    if (slot >= 0) this.references[slot] = 1;
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
    if (slot < this.firstSmall) this.large.putBack(slot);
    else if (slot < this.firstMedium) this.small.putBack(slot);
    else this.sizeOf(slot).putBack(slot);
  }

  private sizeOf(slot: number): Slots {
    if (slot < this.firstSmall) return this.large;
    if (slot < this.firstMedium) return this.small;
    return slot < this.head.first ? this.medium : this.head;
  }

  /** Once a turn, by the transport: finds the pressure anew. `posted`: large slots that wait to be received into. */
  judge(posted: number): void {
    const { large, small, medium, head, foreign } = this;
    large.judge(posted);
    small.judge(0);
    medium.judge(0);
    head.judge(0);
    foreign.judge(0);
    this.pressure = large.pressure;
    const own = Math.max(large.pressure, small.pressure, medium.pressure, head.pressure);
    this.worstPressure = Math.max(own, foreign.pressure) as Pressure;
  }

  /** Whether the slot is of a size that is scarcer than others. */
  isScarce(slot: number): boolean {
    return this.worstPressure !== PLENTY && this.sizeOf(slot).pressure === this.worstPressure;
  }

  /** Whether what others keep is scarcer than slots are. */
  get isForeignScarce(): boolean {
    return this.worstPressure !== PLENTY && this.foreign.pressure === this.worstPressure;
  }

  /** How many slots have to come back before nothing is short any more. */
  get missingSlots(): number {
    return Math.max(...this.sizes.map(({ missing }) => missing));
  }

  /** A size is used up that nobody can do without: sockets wait, or requests are refused. */
  get isExhausted(): boolean {
    return this.large.isExhausted || this.small.isExhausted;
  }

  isLarge(slot: number): boolean {
    return slot < this.firstSmall;
  }

  isShared(slot: number): boolean {
    return this.references[slot] > 1;
  }

  /** The offset of the slot's first byte. */
  start(slot: number): number {
    if (slot < this.firstSmall) return slot * LARGE_SLOT_BYTES;
    if (slot < this.firstMedium) return this.smallStart + (slot - this.firstSmall) * SMALL_SLOT_BYTES;
    const size = this.sizeOf(slot);
    return size.start + (slot - size.first) * size.bytes;
  }

  /** The offset after the slot's last byte. */
  end(slot: number): number {
    return this.start(slot) + this.capacity(slot);
  }

  /** How many bytes the slot has. */
  capacity(slot: number): number {
    return this.sizeOf(slot).bytes;
  }

  /** Where received bytes begin in a large slot. */
  receiveStart(slot: number): number {
    return slot * LARGE_SLOT_BYTES + HEADROOM;
  }

  /** How many bytes may be received into a large slot. */
  static readonly receiveBytes = LARGE_SLOT_BYTES - HEADROOM - TAILROOM;

  /** Slots with a reference; zero when nothing leaks. */
  get usedSlots(): number {
    return this.slotCount - this.bySize.reduce((free, { freeCount }) => free + freeCount, 0);
  }
}

function behind(before: Slots, count: number, bytes: number): Slots {
  return new Slots(before.first + before.count, before.start + before.count * before.bytes, count, bytes);
}

function mediumCount(smallCount: number): number {
  return (smallCount >> 1) + 1;
}

/** Two of them are the scratch slot and that of targets. */
function headCount(smallCount: number): number {
  return (smallCount >> 4) + 3;
}
