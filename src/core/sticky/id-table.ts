/** From an identifier, as bytes of a request, to whatever it stands for: open addressing, so that nothing is made of the bytes. */
import { hashBytes } from '../../base/hash.ts';
import { encodeUtf8 } from '../../base/text.ts';

/** Any constant; identifiers in the table are the operator's, so nobody can choose them to collide. */
const SEED = 0x6f776e73;

export class IdTable<T> {
  /** Of the parts below, by hash; at most half full. -1: free. */
  private readonly slots: Int32Array;
  private readonly ids: readonly Uint8Array[];
  private readonly values: readonly T[];

  constructor(entries: ReadonlyMap<string, T>) {
    let capacity = 4;
    while (capacity < entries.size * 2) capacity *= 2;
    this.slots = new Int32Array(capacity).fill(-1);
    this.ids = Array.from(entries.keys(), encodeUtf8);
    this.values = [...entries.values()];
    this.ids.forEach((id, number) => {
      let slot = this.firstSlot(id, 0, id.length);
      while (this.slots[slot] >= 0) slot = (slot + 1) & (capacity - 1);
      this.slots[slot] = number;
    });
  }

  /** Null: there is none for these bytes. */
  find(bytes: Uint8Array, at: number, length: number): T | null {
    for (let slot = this.firstSlot(bytes, at, length); ; slot = (slot + 1) & (this.slots.length - 1)) {
      const number = this.slots[slot];
      if (number < 0) return null;
      if (isSame(this.ids[number], bytes, at, length)) return this.values[number];
    }
  }

  private firstSlot(bytes: Uint8Array, at: number, length: number): number {
    return hashBytes(bytes, at, length, SEED) & (this.slots.length - 1);
  }
}

function isSame(id: Uint8Array, bytes: Uint8Array, at: number, length: number): boolean {
  if (id.length !== length) return false;
  for (let i = 0; i < length; i++) if (id[i] !== bytes[at + i]) return false;
  return true;
}
