import type { Arena } from '../base/arena.ts';

/**
 * Copies `count` bytes at `offset` behind the `length` bytes that `slot` begins with; -1: there is none yet. Returns the slot that has all of them now,
 * which takes the place of the other one; -1: no slot is free for them, and the other one stays as it is. At most HEAD_SLOT_BYTES in all.
 */
export function keepBehind(arena: Arena, slot: number, length: number, offset: number, count: number): number {
  const { memory } = arena;
  let into = slot;
  if (slot < 0 || length + count > arena.capacity(slot)) {
    into = arena.allocate(length + count);
    if (into < 0) return -1;
    if (slot >= 0) {
      const start = arena.start(slot);
      memory.copyWithin(arena.start(into), start, start + length);
      arena.release(slot);
    }
  }
  memory.copyWithin(arena.start(into) + length, offset, offset + count);
  return into;
}
