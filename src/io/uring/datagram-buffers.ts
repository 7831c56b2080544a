/**
 * The memory that datagrams are received into and sent from: buffers for the largest one that there may be, of which only the pages
 * that are used are resident. They are a group of provided buffers of their own, for all sockets together.
 *
 * A buffer that was received into in one turn is sent from in the same turn or not at all, and the kernel has taken what is to be
 * sent when the next io_uring_enter returns (sends do not wait). So it is free again at the end of the next turn, without any
 * count of its users. Free ones are kept last-in first-out, so that the same few go round.
 */
import { assert } from '../../base/assert.ts';
import { DATAGRAM_BUFFER_BYTES, DATAGRAM_BUFFERS, DATAGRAMS_POSTED } from '../../base/limits.ts';
import { mapMemory, type Mapping } from './ffi.ts';
import type { Ring } from './ring.ts';

export const DATAGRAM_GROUP = 1;

/** struct io_uring_buf: address (8 bytes), length (4), buffer (2), and 2 bytes that in entry 0 are the ring's tail. */
const ENTRY_BYTES = 16;
const TAIL_AT = 14 >> 1;

export class DatagramBuffers {
  readonly memory: Mapping;
  readonly bytes: Uint8Array;
  private readonly words: Int32Array;
  private readonly halves: Uint16Array;
  private readonly mask: number;
  private readonly free = new Uint16Array(DATAGRAM_BUFFERS);
  private freeCount = DATAGRAM_BUFFERS;
  /** Received into in the turn before, and in this one. */
  private former = new Uint16Array(DATAGRAM_BUFFERS);
  private formerCount = 0;
  private current = new Uint16Array(DATAGRAM_BUFFERS);
  private currentCount = 0;
  private posted = 0;
  private tail = 0;

  constructor(ring: Ring) {
    assert((DATAGRAMS_POSTED & (DATAGRAMS_POSTED - 1)) === 0, 'a ring has a power of two entries');
    this.memory = mapMemory(DATAGRAM_BUFFERS * DATAGRAM_BUFFER_BYTES);
    this.bytes = new Uint8Array(this.memory.buffer);
    const entries = mapMemory(Math.max(4096, DATAGRAMS_POSTED * ENTRY_BYTES));
    this.words = new Int32Array(entries.buffer);
    this.halves = new Uint16Array(entries.buffer);
    this.mask = DATAGRAMS_POSTED - 1;
    for (let i = 0; i < DATAGRAM_BUFFERS; i++) this.free[i] = DATAGRAM_BUFFERS - 1 - i;
    ring.registerBuffers(entries.address, DATAGRAMS_POSTED, DATAGRAM_GROUP);
    this.topUp();
  }

  /** The kernel has filled this one. Where it begins. */
  take(buffer: number): number {
    this.posted--;
    this.current[this.currentCount++] = buffer;
    return buffer * DATAGRAM_BUFFER_BYTES;
  }

  /** The end of a turn. `tookAll`: the kernel has taken what was to be sent in the turn before. */
  endTurn(tookAll: boolean): void {
    if (this.currentCount === 0 && this.formerCount === 0) return;
    if (!tookAll) return;
    for (let i = 0; i < this.formerCount; i++) this.free[this.freeCount++] = this.former[i];
    const { former } = this;
    this.former = this.current;
    this.formerCount = this.currentCount;
    this.current = former;
    this.currentCount = 0;
    this.topUp();
  }

  private topUp(): void {
    const { memory, words, halves, mask } = this;
    while (this.posted < DATAGRAMS_POSTED && this.freeCount > 0) {
      const buffer = this.free[--this.freeCount];
      const at = (this.tail & mask) << 2;
      words[at] = (memory.low + buffer * DATAGRAM_BUFFER_BYTES) | 0;
      words[at + 1] = memory.high;
      words[at + 2] = DATAGRAM_BUFFER_BYTES;
      // Only the half word of the number: the other half of entry 0 is the tail.
      halves[(at << 1) + 6] = buffer;
      this.tail = (this.tail + 1) & 0xffff;
      this.posted++;
    }
    halves[TAIL_AT] = this.tail;
  }
}
