/** The head of a request as it came: kept where the request may have to go on elsewhere, and begins anew with it. */
import type { Arena } from '../../base/arena.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { METHOD_ROOM } from './turned-request.ts';

export class OriginalHead {
  private readonly arena: Arena;
  private slot = -1;
  /** Where it stands. In front of it there is room for a longer method. */
  at = 0;
  end = 0;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  get isKept(): boolean {
    return this.slot >= 0;
  }

  /** The one in the view, which is so long; unless there is one already, or no slot is free. */
  keep({ bytes, head }: RequestView, length: number): void {
    const { arena } = this;
    if (this.slot >= 0) return;
    this.slot = arena.allocate(METHOD_ROOM + length);
    if (this.slot < 0) return;
    this.at = arena.start(this.slot) + METHOD_ROOM;
    this.end = this.at + length;
    bytes.copyWithin(this.at, head.start, head.start + length);
  }

  release(): void {
    if (this.slot >= 0) this.arena.release(this.slot);
    this.slot = -1;
  }
}
