/**
 * A request in the form in which servers of its upstream get it, in a slot of its own: the head, and a small body. It stays there
 * until a response begins, so that a try that failed can be repeated.
 */
import type { Arena } from '../../base/arena.ts';
import { emitBytes } from '../../wire/http1/emit.ts';

export class KeptRequest {
  private readonly arena: Arena;
  /** -1: nothing is kept. */
  slot = -1;
  length = 0;
  /** Where its identifier stands; length 0: it has none of ours. */
  id = 0;
  idLength = 0;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** A slot for `bytes` bytes. False: none is free. */
  allocate(bytes: number): boolean {
    this.slot = this.arena.allocate(bytes);
    return this.slot >= 0;
  }

  get start(): number {
    return this.arena.start(this.slot);
  }

  /** A body of this length fits behind the head. */
  hasRoomFor(length: number): boolean {
    return this.start + this.length + length <= this.arena.end(this.slot);
  }

  /** Puts a part of such a body there. */
  append(offset: number, length: number): void {
    const { memory } = this.arena;
    emitBytes(memory, this.start + this.length, memory, offset, length);
    this.length += length;
  }

  get isScarce(): boolean {
    return this.slot >= 0 && this.arena.isScarce(this.slot);
  }

  release(): void {
    if (this.slot < 0) return;
    this.arena.release(this.slot);
    this.slot = -1;
    this.idLength = 0;
  }
}
