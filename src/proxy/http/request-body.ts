/**
 * What becomes of the body of one exchange's request, where the exchange has a part in that: it stays behind the head that is kept, so that the
 * request can be sent again, it is copied for texts that say it, or nobody wants it.
 */
import type { Arena } from '../../base/arena.ts';
import { BodyCopy } from './body-copy.ts';
import { Discard } from './discard.ts';
import type { KeptRequest } from './kept-request.ts';
import type { BodySink } from './sides.ts';

const NOTHING: Uint8Array = new Uint8Array(0);

export class RequestBody {
  private readonly arena: Arena;
  private readonly request: KeptRequest;
  /** It is for nobody. */
  isDropped = false;
  /** More of it than is kept has been sent. */
  isSpent = false;
  private discard: Discard | null = null;
  /** Null: nobody reads it, or nothing of it has come. */
  private copy: BodyCopy | null = null;

  /** `request`: what it is kept behind. */
  constructor(arena: Arena, request: KeptRequest) {
    this.arena = arena;
    this.request = request;
  }

  /** That of a request that has just come. */
  clear(): void {
    this.isDropped = false;
    this.isSpent = false;
  }

  /** The request is over. */
  release(): void {
    this.copy = null;
  }

  /** One of this length can be waited for: there is a head to keep it behind. */
  fits(length: number): boolean {
    return this.isDropped || (this.request.isKept && this.request.hasRoomFor(length));
  }

  /** A part of such a one. `isRead`: texts may say it. */
  keep(offset: number, length: number, isRead: boolean): void {
    if (isRead) this.copied(false).add(this.arena.memory, offset, length);
    if (!this.isDropped) this.request.append(offset, length);
  }

  /** A part that is about to be sent is kept too. False: there is no room, or nothing to keep it behind. */
  keepSent(offset: number, length: number): boolean {
    const { request } = this;
    const isKept = !this.isDropped && !this.isSpent && request.slot >= 0 && request.hasRoomFor(length);
    if (isKept) request.append(offset, length);
    return isKept;
  }

  /** Where one goes that nobody wants. */
  get nowhere(): BodySink {
    return (this.discard ??= new Discard(this.arena));
  }

  /** Where it goes so that it is copied on its way to `sink`. `isChunked`: with its framing. */
  copiedBefore(sink: BodySink, isChunked: boolean): BodySink {
    return this.copied(isChunked).before(sink);
  }

  private copied(isChunked: boolean): BodyCopy {
    return (this.copy ??= new BodyCopy(this.arena, isChunked));
  }

  /** What was copied. */
  get text(): Uint8Array {
    return this.copy === null ? NOTHING : this.copy.bytes;
  }
}
