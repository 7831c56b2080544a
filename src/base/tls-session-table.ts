/**
 * A table of TLS sessions by their identifiers, in memory that the proxies of a node share; all of them write it, and nobody waits for anybody. It is
 * of a fixed size: where there is no room for a session, the oldest of its bucket goes.
 *
 * Nothing in it is believed. Two may write to a slot at the same time, and one of them may be hostile: what is read is copied first, and then
 * the copy is looked at, by its sum too. Whoever uses it has to expect any bytes all the same.
 *
 *   slot    sum of all that follows (4 bytes), time (4), length of the identifier (2), length of the session (2), identifier (32), session
 *
 * Numbers are big-endian. A slot with time 0 is empty.
 */
import { assert } from './assert.ts';
import { crc32 } from './crc32.ts';

const SLOT_BYTES = 2048;
const BUCKET_SLOTS = 8;
const BUCKETS = 1024;

const SUM = 0;
const TIME = 4;
const ID_LENGTH = 8;
const LENGTH = 10;
const ID = 12;
const ID_BYTES_MAX = 32;
const DATA = ID + ID_BYTES_MAX;

/** A longer one is not kept. */
export const SESSION_BYTES_MAX = SLOT_BYTES - DATA;

export class TlsSessionTable {
  /** Of the memory, for who gets it from another version. */
  static readonly layout = `${BUCKETS} x ${BUCKET_SLOTS} x ${SLOT_BYTES}`;
  static readonly bytes = BUCKETS * BUCKET_SLOTS * SLOT_BYTES;
  /** How many it has room for. */
  static readonly slots = BUCKETS * BUCKET_SLOTS;

  private readonly memory: Uint8Array;
  private readonly view: DataView;
  private readonly copy = new Uint8Array(SLOT_BYTES);
  private readonly copyView = new DataView(this.copy.buffer);

  /** Zeroed memory of `TlsSessionTable.bytes`, or that of another table. */
  constructor(buffer: ArrayBufferLike) {
    assert(buffer.byteLength >= TlsSessionTable.bytes, 'too little memory for a table of sessions');
    this.memory = new Uint8Array(buffer, 0, TlsSessionTable.bytes);
    this.view = new DataView(buffer, 0, TlsSessionTable.bytes);
  }

  /** Keeps a session, in the place of one with the same identifier. `timeS`: now, above 0. One that is too long is not kept. */
  put(id: Uint8Array, session: Uint8Array, timeS: number): void {
    assert(timeS > 0, 'a session of no time');
    if (id.length === 0 || id.length > ID_BYTES_MAX || session.length > SESSION_BYTES_MAX) return;
    const at = this.placeFor(id);
    const { copy, copyView } = this;
    copy.fill(0);
    copyView.setUint32(TIME, timeS);
    copyView.setUint16(ID_LENGTH, id.length);
    copyView.setUint16(LENGTH, session.length);
    copy.set(id, ID);
    copy.set(session, DATA);
    copyView.setInt32(SUM, crc32(copy, TIME, SLOT_BYTES - TIME));
    this.memory.set(copy, at);
  }

  /** Holds until the next call. Null: there is none. */
  find(id: Uint8Array): Uint8Array | null {
    const { copy, copyView } = this;
    const first = bucketOf(id);
    for (let slot = first; slot < first + BUCKET_SLOTS; slot++) {
      if (!this.has(slot * SLOT_BYTES, id)) continue;
      copy.set(this.memory.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES));
      const length = copyView.getUint16(LENGTH);
      const isWhole =
        copyView.getUint16(ID_LENGTH) === id.length &&
        length <= SESSION_BYTES_MAX &&
        id.every((byte, i) => copy[ID + i] === byte) &&
        copyView.getInt32(SUM) === crc32(copy, TIME, SLOT_BYTES - TIME);
      if (isWhole) return copy.subarray(DATA, DATA + length);
    }
    return null;
  }

  /** Overwrites it. */
  remove(id: Uint8Array): void {
    const first = bucketOf(id);
    for (let slot = first; slot < first + BUCKET_SLOTS; slot++) {
      const at = slot * SLOT_BYTES;
      if (this.has(at, id)) this.memory.fill(0, at, at + SLOT_BYTES);
    }
  }

  /** The slot that has it, else an empty one, else the oldest. */
  private placeFor(id: Uint8Array): number {
    const first = bucketOf(id);
    let oldest = first * SLOT_BYTES;
    let oldestS = Infinity;
    for (let slot = first; slot < first + BUCKET_SLOTS; slot++) {
      const at = slot * SLOT_BYTES;
      if (this.has(at, id)) return at;
      const timeS = this.view.getUint32(at + TIME);
      if (timeS >= oldestS) continue;
      oldest = at;
      oldestS = timeS;
    }
    return oldest;
  }

  private has(at: number, id: Uint8Array): boolean {
    const { memory, view } = this;
    if (view.getUint32(at + TIME) === 0 || view.getUint16(at + ID_LENGTH) !== id.length) return false;
    let i = 0;
    while (i < id.length && memory[at + ID + i] === id[i]) i++;
    return i === id.length;
  }
}

/** The first slot that an identifier may be in. Identifiers are random. */
function bucketOf(id: Uint8Array): number {
  return ((crc32(id, 0, id.length) >>> 0) % BUCKETS) * BUCKET_SLOTS;
}
