/** Names to numbers, looked up by bytes without regard to case, as RFC 4343 compares them: open addressing. */
import { hashBytesLower } from '../../base/hash.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { LOWER } from '../../wire/http1/classes.ts';

/** Any constant; names are the operator's, so nobody can choose them to collide. */
const SEED = 0x686f7374;

export class NameTable {
  /** Offsets in `entries` + 1, by hash; 0 is free. At most half full. */
  private readonly slots: Int32Array;
  private readonly hashes: Int32Array;
  private readonly names: readonly Uint8Array[];
  private readonly numbers: Int32Array;
  /** Of the longest name. 0: there is none. */
  readonly labels: number;

  /** Names are lower-case. */
  constructor(entries: ReadonlyMap<string, number>) {
    const names = [...entries.keys()];
    this.names = names.map(encodeUtf8);
    this.numbers = Int32Array.from(entries.values());
    this.labels = names.reduce((max, name) => Math.max(max, name.split('.').length), 0);
    let capacity = 4;
    while (capacity < names.length * 2) capacity *= 2;
    this.slots = new Int32Array(capacity);
    this.hashes = Int32Array.from(this.names, (name) => hashBytesLower(name, 0, name.length, SEED));
    for (let number = 0; number < names.length; number++) {
      let slot = this.hashes[number] & (capacity - 1);
      while (this.slots[slot] !== 0) slot = (slot + 1) & (capacity - 1);
      this.slots[slot] = number + 1;
    }
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
}

function isSameName(bytes: Uint8Array, at: number, length: number, name: Uint8Array): boolean {
  if (length !== name.length) return false;
  for (let i = 0; i < length; i++) {
    if (LOWER[bytes[at + i]] !== name[i]) return false;
  }
  return true;
}
