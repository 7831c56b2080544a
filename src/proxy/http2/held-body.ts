/** What of a request's body has come and no server has taken yet, in its order. */
import { LARGE_SLOT_BYTES } from '../../base/limits.ts';
import type { Arena } from '../../base/arena.ts';
import { CHUNK_ROOM } from '../http/chunks.ts';

/** A part is kept where it was received if it fills so much of its slot: a client must not hold a slot with a byte. */
const FILLING_BYTES = LARGE_SLOT_BYTES / 4;

export class HeldBody {
  private readonly arena: Arena;
  /** Slot, offset and length of each part; those before `first` have gone. */
  private readonly parts: number[] = [];
  private first = 0;
  /** Up to where the last part's slot may be filled; 0: it may not. */
  private roomEnd = 0;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  get isEmpty(): boolean {
    return this.parts.length === 0;
  }

  get slot(): number {
    return this.parts[this.first];
  }

  get offset(): number {
    return this.parts[this.first + 1];
  }

  get length(): number {
    return this.parts[this.first + 2];
  }

  /** The first part is somebody else's, with its slot's reference. */
  shift(): void {
    this.first += 3;
    if (this.first < this.parts.length) return;
    this.parts.length = this.first = this.roomEnd = 0;
  }

  /** Keeps these bytes of a slot, of which the caller keeps its reference. False: no slot is free. */
  add(slot: number, offset: number, length: number): boolean {
    const { arena, parts } = this;
    const { memory } = arena;
    const last = parts.length - 3;
    if (last >= this.first) {
      const end = parts[last + 1] + parts[last + 2];
      if (end + length <= this.roomEnd) {
        memory.copyWithin(end, offset, offset + length);
        parts[last + 2] += length;
        return true;
      }
    }
    if (length >= FILLING_BYTES) {
      arena.retain(slot);
      parts.push(slot, offset, length);
      this.roomEnd = 0;
      return true;
    }
    // what follows has room too: a window is several of them
    const into = parts.length === 0 ? arena.allocate(CHUNK_ROOM + length) : arena.allocateLarge();
    if (into < 0) return false;
    const at = arena.start(into) + CHUNK_ROOM;
    memory.copyWithin(at, offset, offset + length);
    parts.push(into, at, length);
    this.roomEnd = arena.end(into);
    return true;
  }

  get keepsScarce(): boolean {
    for (let i = this.first; i < this.parts.length; i += 3) if (this.arena.isScarce(this.parts[i])) return true;
    return false;
  }

  clear(): void {
    for (let i = this.first; i < this.parts.length; i += 3) this.arena.release(this.parts[i]);
    this.parts.length = this.first = this.roomEnd = 0;
  }
}
