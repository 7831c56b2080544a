/**
 * The ring of provided buffers: the arena slots that the kernel may fill, for all sockets together. A buffer's number is
 * its slot, so a completion names the slot it filled.
 *
 * Slots are posted from the arena's free list, which hands out the last released slot first: under light load the same few
 * go round. The kernel takes buffers in the order they were posted.
 */
import { assert } from '../../base/assert.ts';
import { Arena } from '../../base/arena.ts';
import { mapMemory, type Mapping } from './ffi.ts';
import type { Ring } from './ring.ts';

/** struct io_uring_buf: address (8 bytes), length (4), buffer (2), and 2 bytes that in entry 0 are the ring's tail. */
const ENTRY_BYTES = 16;
const TAIL_AT = 14 >> 1;

export class ReceiveBuffers {
  /** Slots that the kernel holds. Each has one reference, which passes on with the completion. */
  posted = 0;
  private readonly arena: Arena;
  private readonly memory: Mapping;
  private readonly target: number;
  private readonly words: Int32Array;
  private readonly halves: Uint16Array;
  private readonly mask: number;
  private tail = 0;

  /** Keeps up to `target` of the slots of `arena` posted, whose memory is `memory`. */
  constructor(ring: Ring, arena: Arena, memory: Mapping, target: number) {
    assert(arena.large.count <= 1 << 16, 'a buffer number has 16 bits');
    let entries = 1;
    while (entries < target) entries *= 2;
    this.arena = arena;
    this.memory = memory;
    this.target = target;
    this.mask = entries - 1;
    const mapping = mapMemory(Math.max(4096, entries * ENTRY_BYTES));
    this.words = new Int32Array(mapping.buffer);
    this.halves = new Uint16Array(mapping.buffer);
    ring.registerBuffers(mapping.address, entries);
  }

  /** Posts free slots up to the target, as far as there are any. The kernel sees them with the next enter. */
  topUp(): void {
    if (this.posted === this.target) return;
    const { arena, memory, words, halves, mask } = this;
    let tail = this.tail;
    let posted = this.posted;
    while (posted < this.target) {
      const slot = arena.allocateLarge();
      if (slot < 0) break;
      const at = (tail & mask) << 2;
      words[at] = memory.low + arena.receiveStart(slot);
      words[at + 1] = memory.high;
      words[at + 2] = Arena.receiveBytes;
      // Only the half word of the number: the other half of entry 0 is the tail.
      halves[(at << 1) + 6] = slot;
      tail = (tail + 1) & 0xffff;
      posted++;
    }
    this.tail = tail;
    this.posted = posted;
    halves[TAIL_AT] = tail;
  }

  /** Takes all posted slots back into the arena. Only when the ring is closed. */
  withdraw(): void {
    for (; this.posted > 0; this.posted--) {
      const at = ((this.tail - this.posted) & this.mask) << 2;
      this.arena.release(this.halves[(at << 1) + 6]);
    }
  }
}
