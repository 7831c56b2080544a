/**
 * Field lines that one process sends again and again, with their encoded form: a response of a server has the same lines as the one
 * before it, whichever connection it goes to. What a connection's encoder keeps of a line is then one number.
 *
 * A line has to be seen twice to be worth an entry in anybody's dynamic table: what differs in every response (identifiers, dates of
 * files) would only push out what does not. Lines that must not be indexed (RFC 7541 section 7.1.3) are never in here.
 */
import { hashBytes } from '../../../base/hash.ts';
import { emitBytes } from '../../http1/emit.ts';

const SETS = 512;
const WAYS = 2;
export const LINE_SLOTS = SETS * WAYS;
/** Longer lines are not kept. */
export const LINE_BYTES_MAX = 256;
/** A literal is at most so much longer than its line: an index or two lengths. */
export const LITERAL_BYTES_MAX = LINE_BYTES_MAX + 8;
const USES_MAX = 255;
/** Identities are positive 31-bit integers. */
const ID_MAX = 0x7fff_fff0;

export class LineCache {
  /** Counts up when identities begin anew: none from before means anything then. */
  epoch = 0;
  /** By slot. */
  readonly id = new Int32Array(LINE_SLOTS);
  /** The field's strings and 32. */
  readonly size = new Uint16Array(LINE_SLOTS);
  readonly literalLength = new Uint16Array(LINE_SLOTS);
  /** Literals with incremental indexing, LITERAL_BYTES_MAX apart. */
  readonly literals = new Uint8Array(LINE_SLOTS * LITERAL_BYTES_MAX);

  private readonly lines = new Uint8Array(LINE_SLOTS * LINE_BYTES_MAX);
  private readonly lineLength = new Uint16Array(LINE_SLOTS);
  private readonly hash = new Int32Array(LINE_SLOTS);
  private readonly uses = new Uint8Array(LINE_SLOTS);
  /** The slot that `find` has found behind this one the last time. */
  private readonly follower = new Int16Array(LINE_SLOTS).fill(-1);
  private lastSlot = 0;
  private lastId = 0;
  private lastHash = 0;

  /**
   * The slot of the line bytes[at..at + length), or -1. Lines come in the same order as before: what came behind the last one found is
   * looked at first. `length`: at most LINE_BYTES_MAX.
   */
  find(bytes: Uint8Array, at: number, length: number): number {
    const likely = this.follower[this.lastSlot];
    if (likely >= 0 && this.isAt(likely, bytes, at, length)) return this.found(likely);
    const hash = hashBytes(bytes, at, length, 0);
    const first = (hash & (SETS - 1)) * WAYS;
    for (let slot = first; slot < first + WAYS; slot++) {
      if (this.hash[slot] !== hash || !this.isAt(slot, bytes, at, length)) continue;
      this.follower[this.lastSlot] = slot;
      return this.found(slot);
    }
    this.lastHash = hash;
    return -1;
  }

  /** A slot for the line that `find` has just not found, for its literal to be written; or -1: its like are used more. */
  take(bytes: Uint8Array, at: number, length: number): number {
    const hash = this.lastHash;
    const first = (hash & (SETS - 1)) * WAYS;
    let slot = first;
    for (let other = first + 1; other < first + WAYS; other++) if (this.uses[other] < this.uses[slot]) slot = other;
    if (this.uses[slot] > 0) {
      this.uses[slot]--;
      return -1;
    }
    if (this.lastId >= ID_MAX) this.beginAnew();
    this.id[slot] = ++this.lastId;
    this.hash[slot] = hash;
    this.uses[slot] = 1;
    this.follower[slot] = -1;
    this.lineLength[slot] = length;
    emitBytes(this.lines, slot * LINE_BYTES_MAX, bytes, at, length);
    return slot;
  }

  private found(slot: number): number {
    if (this.uses[slot] < USES_MAX) this.uses[slot]++;
    this.lastSlot = slot;
    return slot;
  }

  private beginAnew(): void {
    this.epoch++;
    this.lastId = 0;
    this.id.fill(0);
    this.uses.fill(0);
    this.lineLength.fill(0);
  }

  private isAt(slot: number, bytes: Uint8Array, at: number, length: number): boolean {
    if (this.lineLength[slot] !== length) return false;
    const { lines } = this;
    const from = slot * LINE_BYTES_MAX;
    // where lines differ, it is mostly at their end
    for (let i = length - 1; i >= 0; i--) if (lines[from + i] !== bytes[at + i]) return false;
    return true;
  }
}
