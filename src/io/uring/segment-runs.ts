/**
 * Datagrams of one length that go the same way in one turn leave as a run: one sendmsg, which passes the kernel's network once
 * (UDP_SEGMENT, udp(7)), and comes out at the other end as the datagrams that it is made of. The last one may be shorter.
 *
 * A run begins as the submission of one datagram, and is made of it while the kernel has not taken that: nothing waits for another
 * datagram. Where the kernel refuses a run (no way to segment there, or a datagram does not fit the way's MTU) its datagrams are sent one by
 * one, and that peer has no runs any more.
 */
import * as abi from './abi.ts';
import * as ffi from './ffi.ts';
import { CONTROL, CONTROL_LENGTH, NAME, NAME_LENGTH, VECTOR, VECTOR_COUNT } from './msghdr.ts';
import type { Ring } from './ring.ts';

const RUNS = 512;
/** The kernel has bounds of its own: 64 datagrams, and 65,507 bytes. */
const PARTS_MAX = 16;
const BYTES_MAX = 60_000;
/** What a longer one would be cut into are fragments, not datagrams. */
const SEGMENT_BYTES_MAX = 1472;

// A place: struct msghdr, the vectors, the control messages. In words.
const VECTORS_AT = 16;
const CONTROL_AT = VECTORS_AT + PARTS_MAX * 4;
const PLACE_WORDS = 128;

/** CMSG_SPACE and CMSG_LEN of two bytes. */
const SEGMENT_CONTROL_BYTES = 24;
const SEGMENT_CONTROL_LENGTH = 18;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;

/** Number 0 is none, so that a completion can say so. */
export const NO_RUN = 0;

export class SegmentRuns {
  private readonly memory: ffi.Mapping;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly free: number[] = [];
  /** Begun in the turn before, and in this one. */
  private former: number[] = [];
  private current: number[] = [];

  constructor() {
    this.memory = ffi.mapMemory((RUNS + 1) * PLACE_WORDS * 4);
    this.words = new Int32Array(this.memory.buffer);
    this.bytes = new Uint8Array(this.memory.buffer);
    for (let run = RUNS; run > NO_RUN; run--) this.free.push(run);
  }

  /** Without a name and without control messages but its own. NO_RUN: there are too many. */
  begin(segmentBytes: number): number {
    const run = this.free.pop();
    if (run === undefined) return NO_RUN;
    this.current.push(run);
    const at = run * PLACE_WORDS;
    const { words, memory } = this;
    words[at + NAME] = words[at + NAME + 1] = words[at + NAME_LENGTH] = 0;
    words[at + VECTOR] = this.low(at + VECTORS_AT);
    words[at + VECTOR + 1] = memory.high;
    words[at + VECTOR_COUNT] = 0;
    words[at + CONTROL] = this.low(at + CONTROL_AT);
    words[at + CONTROL + 1] = memory.high;
    words[at + CONTROL_LENGTH] = SEGMENT_CONTROL_BYTES;
    const control = at + CONTROL_AT;
    words[control] = SEGMENT_CONTROL_LENGTH;
    words[control + 1] = 0;
    words[control + 2] = SOL_UDP;
    words[control + 3] = UDP_SEGMENT;
    words[control + 4] = segmentBytes;
    words[control + 5] = 0;
    return run;
  }

  /** To whom it goes, and another control message: `length` bytes of `from`. */
  address(
    run: number,
    nameLow: number,
    nameHigh: number,
    nameBytes: number,
    from: Uint8Array,
    at: number,
    length: number,
  ): void {
    const { words, bytes } = this;
    const place = run * PLACE_WORDS;
    words[place + NAME] = nameLow;
    words[place + NAME + 1] = nameHigh;
    words[place + NAME_LENGTH] = nameBytes;
    if (length === 0) return;
    const into = (place + CONTROL_AT) * 4 + SEGMENT_CONTROL_BYTES;
    for (let i = 0; i < length; i++) bytes[into + i] = from[at + i];
    words[place + CONTROL_LENGTH] = SEGMENT_CONTROL_BYTES + length;
  }

  /** False: it has as many pieces as there may be. */
  append(run: number, low: number, high: number, length: number): boolean {
    const { words } = this;
    const place = run * PLACE_WORDS;
    const count = words[place + VECTOR_COUNT];
    if (count === PARTS_MAX) return false;
    const at = place + VECTORS_AT + count * 4;
    words[at] = low;
    words[at + 1] = high;
    words[at + 2] = length;
    words[place + VECTOR_COUNT] = count + 1;
    return true;
  }

  partCount(run: number): number {
    return this.words[run * PLACE_WORDS + VECTOR_COUNT];
  }

  partLow(run: number, part: number): number {
    return this.words[run * PLACE_WORDS + VECTORS_AT + part * 4];
  }

  partBytes(run: number, part: number): number {
    return this.words[run * PLACE_WORDS + VECTORS_AT + part * 4 + 2];
  }

  get high(): number {
    return this.memory.high;
  }

  messageLow(run: number): number {
    return this.low(run * PLACE_WORDS);
  }

  /** The end of a turn. `tookAll`: the kernel has taken what was to be sent in the turn before. */
  endTurn(tookAll: boolean): void {
    if (!tookAll) return;
    for (const run of this.former) this.free.push(run);
    this.former.length = 0;
    const { former } = this;
    this.former = this.current;
    this.current = former;
  }

  private low(word: number): number {
    return (this.memory.low + word * 4) | 0;
  }
}

/** The kernel can do nothing with it as a run: its datagrams may well go one by one. */
export function isAboutRun(errno: number): boolean {
  return errno === ffi.EINVAL || errno === ffi.EIO || errno === ffi.EMSGSIZE || errno === ffi.EOPNOTSUPP;
}

/** What was last sent one way, and may become a run. */
export class LastSend {
  /** Of its submission, as Ring counts them. */
  private number = 0;
  /** Where that stands. */
  private submission = -1;
  private run = NO_RUN;
  /** 0: nothing can follow. */
  private segmentBytes = 0;
  private totalBytes = 0;
  private firstLow = 0;

  /** A datagram of `length` bytes has just been pushed, as `submission`. */
  note(ring: Ring, submission: number, low: number, length: number): void {
    this.number = ring.lastNumber;
    this.submission = submission;
    this.run = NO_RUN;
    this.segmentBytes = length <= SEGMENT_BYTES_MAX ? length : 0;
    this.totalBytes = length;
    this.firstLow = low;
  }

  /** Nothing follows. */
  forget(): void {
    this.segmentBytes = 0;
  }

  /** Whether a datagram of so many bytes may follow. */
  admits(ring: Ring, length: number): boolean {
    return (
      length <= this.segmentBytes &&
      length > 0 &&
      this.totalBytes + length <= BYTES_MAX &&
      this.submission >= 0 &&
      ring.isPending(this.number)
    );
  }

  /**
   * Adds what `admits` has admitted. `operation`: of its user data, for a run that begins with this. The number of a run that has begun, and wants
   * `address` perhaps; NO_RUN: it goes with the one that there is; -1: it cannot.
   */
  append(runs: SegmentRuns, ring: Ring, low: number, high: number, length: number, operation: number): number {
    let begun = NO_RUN;
    if (this.run === NO_RUN) {
      begun = runs.begin(this.segmentBytes);
      if (begun === NO_RUN) return -1;
      this.run = begun;
      runs.append(begun, this.firstLow, high, this.totalBytes);
      const { submissions } = ring;
      const at = this.submission;
      submissions[at] = abi.OP_SENDMSG | abi.SQE_CQE_SKIP_SUCCESS;
      submissions[at + 4] = runs.messageLow(begun);
      submissions[at + 5] = runs.high;
      submissions[at + 6] = 1;
      submissions[at + 8] = operation | begun;
    }
    if (!runs.append(this.run, low, high, length)) return -1;
    this.totalBytes += length;
    if (length < this.segmentBytes) this.segmentBytes = 0;
    return begun;
  }
}
