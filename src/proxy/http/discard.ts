/** Where the bytes of a body go that nobody wants. */
import type { Arena } from '../../base/arena.ts';
import type { BodySink } from './sides.ts';

export class Discard implements BodySink {
  readonly isFull = false;
  readonly takesChunks = true;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  send(slot: number): boolean {
    this.arena.release(slot);
    return true;
  }

  sendLast(slot: number): boolean {
    return this.send(slot);
  }

  flush(): boolean {
    return true;
  }

  sendTrailers(): boolean {
    return true;
  }

  finish(): boolean {
    return true;
  }
}
