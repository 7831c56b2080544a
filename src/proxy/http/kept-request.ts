/**
 * A request in the form in which servers of its upstream get it, in a slot of its own: the head, and a small body. It stays there
 * until a response begins, so that a try that failed can be repeated.
 */
import type { Arena } from '../../base/arena.ts';
import { HEAD_SLOT_BYTES } from '../../base/limits.ts';
import { ascii, emitBytes } from '../../wire/http1/emit.ts';

const GET = ascii('GET');
const NOTHING: Uint8Array = new Uint8Array(0);

export class KeptRequest {
  private readonly arena: Arena;
  /** -1: nothing is kept. */
  slot = -1;
  length = 0;
  /** Of the head; behind it stands what is here of a small body. */
  headLength = 0;
  /** What has to have room behind a head that is written anew, and is put there. */
  private body: Uint8Array = NOTHING;
  /** Where its identifier stands; length 0: it has none of ours. */
  id = 0;
  idLength = 0;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** A slot for `bytes` bytes. False: none is free. */
  allocate(bytes: number): boolean {
    if (bytes + this.body.length > HEAD_SLOT_BYTES) return false;
    this.slot = this.arena.allocate(bytes + this.body.length);
    return this.slot >= 0;
  }

  /** The head is written, `bytes` long. */
  begin(bytes: number): void {
    this.length = this.headLength = bytes;
    const { body } = this;
    this.body = NOTHING;
    if (body.length === 0) return;
    this.arena.memory.set(body, this.start + this.length);
    this.length += body.length;
  }

  /** The head that was written, whose method is so long, is one of GET. There is room for two bytes more. */
  becomeGet(methodLength: number): void {
    const { memory } = this.arena;
    const { length, start } = this;
    const more = GET.length - methodLength;
    memory.copyWithin(start + GET.length, start + methodLength, start + length);
    memory.set(GET, start);
    this.length += more;
    this.headLength += more;
    this.id += more;
  }

  /** Gives the slot up; the body stays for the head that is written next. */
  releaseHead(): void {
    if (this.slot < 0) return;
    const { memory } = this.arena;
    const body = memory.slice(this.start + this.headLength, this.start + this.length);
    this.release();
    this.body = body;
  }

  get isKept(): boolean {
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
    this.body = NOTHING;
    if (this.slot < 0) return;
    this.arena.release(this.slot);
    this.slot = -1;
    this.idLength = 0;
  }
}
