/** Names to numbers, looked up by bytes without regard to case, as RFC 4343 compares them: open addressing. */
import { hashBytesLower } from '../../base/hash.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { LOWER } from '../../wire/http1/classes.ts';

/** Any constant; names are the operator's, so nobody can choose them to collide. */
const SEED = 0x686f7374;

/** They are done in a fraction of a millisecond, also by code that has not run before. */
const NAMES_PER_STEP = 64;

export class NameTable {
  /** Offsets in `names` + 1, by hash; 0 is free. At most half full. */
  private readonly slots: Int32Array;
  private readonly hashes: Int32Array;
  private readonly names: Uint8Array[] = [];
  private readonly numbers: Int32Array;
  /** Of the longest name. 0: there is none. */
  labels = 0;

  private constructor(size: number) {
    let capacity = 4;
    while (capacity < size * 2) capacity *= 2;
    this.slots = new Int32Array(capacity);
    this.hashes = new Int32Array(size);
    this.numbers = new Int32Array(size);
  }

  /** Names are lower-case. */
  static of(entries: ReadonlyMap<string, number>): NameTable {
    const table = new NameTable(entries.size);
    for (const [name, number] of entries) table.put(name, number);
    return table;
  }

  /** The same. Between two steps somebody else may have the turn. */
  static *prepare(entries: ReadonlyMap<string, number>): Generator<undefined, NameTable> {
    const table = new NameTable(entries.size);
    for (const [name, number] of entries) {
      table.put(name, number);
      if (table.names.length % NAMES_PER_STEP === 0) yield;
    }
    return table;
  }

  /** The number of the name in the `length` bytes at `at`, or -1. */
  find(bytes: Uint8Array, at: number, length: number): number {
    const hash = hashBytesLower(bytes, at, length, SEED);
    const mask = this.slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = this.slots[slot] - 1;
      if (number < 0) return -1;
      if (this.hashes[number] === hash && isSameName(bytes, at, length, this.names[number]))
        return this.numbers[number];
    }
  }

  private put(text: string, number: number): void {
    const name = encodeUtf8(text);
    const at = this.names.push(name) - 1;
    this.numbers[at] = number;
    this.hashes[at] = hashBytesLower(name, 0, name.length, SEED);
    this.labels = Math.max(this.labels, text.split('.').length);
    const mask = this.slots.length - 1;
    let slot = this.hashes[at] & mask;
    while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
    this.slots[slot] = at + 1;
  }
}

function isSameName(bytes: Uint8Array, at: number, length: number, name: Uint8Array): boolean {
  if (length !== name.length) return false;
  for (let i = 0; i < length; i++) {
    if (LOWER[bytes[at + i]] !== name[i]) return false;
  }
  return true;
}
