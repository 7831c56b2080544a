/**
 * What a request's body says, for texts that have `{request-body}` in them: copied on its way to a server, or to nobody. Short ones alone:
 * of what is longer there is nothing.
 */
import type { Arena } from '../../base/arena.ts';
import { BODY_COPY_BYTES_MAX } from '../../base/limits.ts';
import { ChunkScanner } from '../../wire/http1/chunked.ts';
import type { BodySink } from './sides.ts';

const NOTHING = new Uint8Array(0);
/** Chunks that are looked at stay as they are for the server. */
const scratch = new Uint8Array(BODY_COPY_BYTES_MAX * 2);

export class BodyCopy implements BodySink {
  private readonly arena: Arena;
  /** Null: what comes has no framing. */
  private readonly scanner: ChunkScanner | null;
  private sink: BodySink | null = null;
  private readonly content = new Uint8Array(BODY_COPY_BYTES_MAX);
  private length = 0;
  private isTooLong = false;

  constructor(arena: Arena, isChunked: boolean) {
    this.arena = arena;
    this.scanner = isChunked ? new ChunkScanner() : null;
    this.scanner?.reset();
  }

  /** As far as it has come. */
  get bytes(): Uint8Array {
    return this.isTooLong ? NOTHING : this.content.subarray(0, this.length);
  }

  /** Whoever sends to this one sends to `sink`. */
  before(sink: BodySink): BodySink {
    this.sink = sink;
    return this;
  }

  /** A part of its content. */
  add(bytes: Uint8Array, offset: number, length: number): void {
    if (this.isTooLong || this.length + length > this.content.length) {
      this.isTooLong = true;
      return;
    }
    this.content.set(bytes.subarray(offset, offset + length), this.length);
    this.length += length;
  }

  private addFramed(bytes: Uint8Array, offset: number, length: number): void {
    const { scanner } = this;
    if (scanner === null || !(this.sink as BodySink).takesChunks) return this.add(bytes, offset, length);
    if (this.isTooLong || scanner.done) return;
    // chunks of one byte each are few bytes of content: they may be longer than what is looked at
    for (let at = 0; at < length && !scanner.done; at += scratch.length) {
      const count = Math.min(length - at, scratch.length);
      scratch.set(bytes.subarray(offset + at, offset + at + count));
      scanner.decode(scratch, 0, count);
      this.add(scratch, 0, scanner.dataEnd);
    }
  }

  get isFull(): boolean {
    return (this.sink as BodySink).isFull;
  }

  get takesChunks(): boolean {
    return (this.sink as BodySink).takesChunks;
  }

  send(slot: number, offset: number, length: number): boolean {
    // the receiver may change the slot: what it has is read before, and belongs to the body in any case
    if (length > 0) this.addFramed(this.arena.memory, offset, length);
    return (this.sink as BodySink).send(slot, offset, length);
  }

  sendLast(slot: number, offset: number, length: number): boolean {
    if (length > 0) this.addFramed(this.arena.memory, offset, length);
    return (this.sink as BodySink).sendLast(slot, offset, length);
  }

  flush(): boolean {
    return (this.sink as BodySink).flush();
  }

  sendTrailers(offset: number, length: number): boolean {
    return (this.sink as BodySink).sendTrailers(offset, length);
  }

  finish(): boolean {
    return (this.sink as BodySink).finish();
  }
}
