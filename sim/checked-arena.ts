/**
 * The real arena with an auditor: knows which references are the transport's, fills freed slots with poison, and sees
 * when anybody wrote to a free slot or gave away a reference that is not his.
 */
import { Arena } from '../src/base/arena.ts';
import { HEAD_SLOT_BYTES, MEDIUM_SLOT_BYTES, SMALL_SLOT_BYTES } from '../src/base/limits.ts';
import type { World } from './world.ts';

/** Sizes of slots for what waits. */
const WAITING = [SMALL_SLOT_BYTES, MEDIUM_SLOT_BYTES, HEAD_SLOT_BYTES];

const POISON = 0xdb;
const poison = Buffer.alloc(HEAD_SLOT_BYTES, POISON);

/** One block of memory serves run after run: a run leaves it as it found it, all poison. */
let memoryAtRest: Uint8Array | null = null;

export class CheckedArena extends Arena {
  private readonly world: World;
  private readonly all: Uint16Array;
  private readonly transports: Uint16Array;
  /** Most slots that drivers held at once. */
  driverSlotsMax = 0;
  private driverSlots = 0;

  constructor(world: World, largeCount: number, smallCount: number) {
    const size = Arena.bytesFor(largeCount, smallCount);
    if (memoryAtRest === null || memoryAtRest.length < size) memoryAtRest = new Uint8Array(size).fill(POISON);
    super(memoryAtRest, largeCount, smallCount);
    this.world = world;
    this.all = new Uint16Array(this.slotCount);
    this.transports = new Uint16Array(this.slotCount);
  }

  /** The memory at rest cannot be trusted: the next arena gets new one. */
  static discard(): void {
    memoryAtRest = null;
  }

  /** The run is over: what is still in use is laid to rest. After a failure the poison itself may be spoilt. */
  leave(isSpoilt: boolean): void {
    if (isSpoilt) CheckedArena.discard();
    for (let slot = 0; slot < this.all.length; slot++) {
      if (this.all[slot] > 0) this.memory.fill(POISON, this.start(slot), this.end(slot));
    }
  }

  override allocateLarge(): number {
    return this.own(super.allocateLarge());
  }

  override allocate(bytes: number): number {
    return this.own(super.allocate(bytes));
  }

  override retain(slot: number): void {
    if (this.driverReferences(slot) < 1) this.world.fail('slot not owned', `retain of slot ${slot}`);
    super.retain(slot);
    this.adjust(slot, 1, 0);
  }

  override release(slot: number): void {
    if (!(slot >= 0) || this.driverReferences(slot) < 1) {
      this.world.fail('slot not owned', `release of slot ${slot}, of which the driver holds no reference`);
    }
    this.drop(slot, 0);
  }

  /** The driver gives the transport one reference. */
  handOver(slot: number): void {
    if (!(slot >= 0) || this.driverReferences(slot) < 1) {
      this.world.fail('slot not owned', `slot ${slot} was given to send, but the driver holds no reference of it`);
    }
    this.adjust(slot, 0, 1);
  }

  /** The transport takes a large slot for itself: what it receives into. -1: none free. */
  takeForTransport(): number {
    const slot = this.allocateLarge();
    if (slot >= 0) this.adjust(slot, 0, 1);
    return slot;
  }

  /** Takes what is free, up to `count` slots of each size, for nobody: memory is short until they are released. */
  takeAway(count: number): number[] {
    const taken: number[] = [];
    for (let i = 0; i < count; i++) {
      for (const slot of [this.allocateLarge(), ...WAITING.map((bytes) => this.allocate(bytes))]) {
        if (slot < 0) continue;
        this.adjust(slot, 0, 1);
        taken.push(slot);
      }
    }
    return taken;
  }

  /** The transport gives its reference to the driver, with data. */
  giveToDriver(slot: number): void {
    this.adjust(slot, 0, -1);
  }

  /** The transport is done with one of its references. */
  releaseByTransport(slot: number): void {
    this.drop(slot, 1);
  }

  driverReferences(slot: number): number {
    return this.all[slot] - this.transports[slot];
  }

  /** Slots of which drivers hold a reference. */
  get slotsOfDriver(): number {
    return this.driverSlots;
  }

  private own(slot: number): number {
    if (slot < 0) return slot;
    const start = this.start(slot);
    const end = this.end(slot);
    if (poison.compare(this.memory, start, end, 0, end - start) !== 0) {
      this.world.fail('write to a free slot', `slot ${slot} was written to after its last release`);
    }
    this.adjust(slot, 1, 0);
    return slot;
  }

  private drop(slot: number, ofTransport: number): void {
    super.release(slot);
    this.adjust(slot, -1, -ofTransport);
    if (this.all[slot] === 0) this.memory.fill(POISON, this.start(slot), this.end(slot));
  }

  private adjust(slot: number, all: number, transports: number): void {
    const wasHeld = this.all[slot] > this.transports[slot];
    this.all[slot] += all;
    this.transports[slot] += transports;
    const isHeld = this.all[slot] > this.transports[slot];
    if (wasHeld !== isHeld) this.driverSlots += isHeld ? 1 : -1;
    this.driverSlotsMax = Math.max(this.driverSlotsMax, this.driverSlots);
  }
}
