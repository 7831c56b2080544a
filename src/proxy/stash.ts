/**
 * The beginning of a head (or of a trailer section) that came in pieces.
 *
 * The pieces are copied together into a slot of the connection's own, so that a peer that sends a byte a minute holds a
 * slot that is hardly larger than that and not a receive buffer. Only bytes up to the empty line are taken: what follows stays where it was received.
 * The search for the empty line goes on where it stopped, so a head costs time linear in its length however it is cut.
 */
import type { Arena } from '../base/arena.ts';

const CR = 13;
const LF = 10;

/** `take` ran out of slots: an operating condition, the connection has to be given up. */
export const STASH_NO_MEMORY = -1;

export class Stash {
  slot = -1;
  length = 0;
  /** The last byte taken ended the section: CR LF CR LF, or at the start of a trailer section CR LF alone. */
  isComplete = false;
  /** How much of CR LF CR LF the last bytes were. */
  private matched = 0;

  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** The bytes before this section were CR LF: an empty line at once ends it. */
  beginAfterLine(): void {
    this.matched = 2;
  }

  /** The empty line found was not the end (leading empty lines of a request): look for the next. */
  continue(): void {
    this.isComplete = false;
    this.matched = 0;
  }

  /**
   * Copies bytes of `memory[offset..end)` up to the end of the section or until `limit` bytes are held, and returns how many
   * were taken, or STASH_NO_MEMORY.
   */
  take(arena: Arena, offset: number, end: number, limit: number): number {
    if (this.slot < 0 && !this.grow(arena, Math.min(limit, end - offset))) return STASH_NO_MEMORY;
    const memory = arena.memory;
    let capacity = Math.min(limit, arena.capacity(this.slot));
    let at = arena.start(this.slot);
    let length = this.length;
    let matched = this.matched;
    let from = offset;
    while (from < end && matched < 4) {
      if (length === capacity) {
        if (capacity === limit || !this.grow(arena, Math.min(limit, length + end - from))) break;
        capacity = Math.min(limit, arena.capacity(this.slot));
        at = arena.start(this.slot);
      }
      const byte = memory[from++];
      memory[at + length++] = byte;
      if (byte === CR) matched = matched === 2 ? 3 : 1;
      else if (byte === LF && (matched === 1 || matched === 3)) matched++;
      else matched = 0;
    }
    const isOutOfMemory = length === capacity && capacity < limit && from < end && matched < 4;
    this.length = length;
    this.matched = matched;
    this.isComplete = matched === 4;
    return isOutOfMemory ? STASH_NO_MEMORY : from - offset;
  }

  /** Moves what is held, which fills its slot, to one for `bytes` bytes. */
  private grow(arena: Arena, bytes: number): boolean {
    const slot = arena.allocate(bytes);
    if (slot < 0) return false;
    if (this.slot >= 0) {
      const from = arena.start(this.slot);
      arena.memory.copyWithin(arena.start(slot), from, arena.end(this.slot));
      arena.release(this.slot);
    }
    this.slot = slot;
    return true;
  }

  /** Gives up what is held. */
  clear(arena: Arena): void {
    if (this.slot >= 0) arena.release(this.slot);
    this.slot = -1;
    this.length = 0;
    this.matched = 0;
    this.isComplete = false;
  }
}
