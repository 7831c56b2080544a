/**
 * The struct msghdr and struct iovec of a SENDMSG, one place per submission. The kernel copies them when it takes the
 * submission, so the place is free again when the submission is.
 */
import { SEND_SEGMENTS_MAX } from '../../base/limits.ts';
import { mapMemory, type Mapping } from './ffi.ts';
import { VECTOR, VECTOR_COUNT } from './msghdr.ts';

const PLACE_WORDS = 32;
const VECTORS_AT = 16;

export class Messages {
  readonly high: number;
  private readonly places: Mapping;
  private readonly words: Int32Array;
  private readonly memory: Mapping;

  /** One place for each of `count` submissions; the bytes to send are in `memory`. */
  constructor(count: number, memory: Mapping) {
    if (VECTORS_AT + SEND_SEGMENTS_MAX * 4 > PLACE_WORDS) throw new Error('SEND_SEGMENTS_MAX does not fit a place');
    this.places = mapMemory(count * PLACE_WORDS * 4);
    this.words = new Int32Array(this.places.buffer);
    this.memory = memory;
    this.high = this.places.high;
  }

  /** Part `part` of the message at `place`: `length` bytes of the memory from `offset`. */
  set(place: number, part: number, offset: number, length: number): void {
    const at = place * PLACE_WORDS + VECTORS_AT + part * 4;
    this.words[at] = this.memory.low + offset;
    this.words[at + 1] = this.memory.high;
    this.words[at + 2] = length;
  }

  /** Completes a message of `parts` parts; the low word of its address. */
  finish(place: number, parts: number): number {
    const at = place * PLACE_WORDS;
    this.words[at + VECTOR] = this.places.low + (at + VECTORS_AT) * 4;
    this.words[at + VECTOR + 1] = this.places.high;
    this.words[at + VECTOR_COUNT] = parts;
    return (this.places.low + at * 4) | 0;
  }
}
