/**
 * The dynamic table of a decoder (RFC 7541 sections 2.3.2 and 4): the field lines of one connection, in a ring of exactly as many bytes
 * as the table may have, for a field counts 32 bytes more than its strings and a line is 4 longer. Nothing is allocated before
 * the first field, and nothing after it.
 */
import { assert } from '../../../base/assert.ts';
import { emitBytes } from '../../http1/emit.ts';

/** What a field counts besides its strings. */
export const FIELD_OVERHEAD = 32;
/** What a line has besides them: colon, space, CR, LF. */
export const LINE_OVERHEAD = 4;

/** 16-bit words of an entry. */
const WORDS = 4;
const AT = 0;
const NAME_LENGTH = 1;
const VALUE_LENGTH = 2;
const TAG = 3;

const NONE8 = new Uint8Array(0);
const NONE16 = new Uint16Array(0);

export class DynamicTable {
  /** Fields. */
  count = 0;
  /** As RFC 7541 section 4.1 counts it. */
  bytes = 0;

  private readonly ringBytes: number;
  private readonly entryMask: number;
  private bytesMax: number;
  private ring = NONE8;
  private entries = NONE16;
  /** Where the next line goes. */
  private head = 0;
  /** The number of the newest entry, modulo their room. */
  private newest = 0;

  /** `bytesMax`: what the peer was told (SETTINGS_HEADER_TABLE_SIZE): a power of two, at most 32 KiB. */
  constructor(bytesMax: number) {
    assert((bytesMax & (bytesMax - 1)) === 0 && bytesMax <= 1 << 15, 'the size of a dynamic table');
    this.ringBytes = bytesMax;
    this.entryMask = Math.max(1, bytesMax / FIELD_OVERHEAD) - 1;
    this.bytesMax = bytesMax;
  }

  /** The largest that the table may be set to. */
  get capacity(): number {
    return this.ringBytes;
  }

  /** Section 4.3. `bytesMax`: at most the capacity. */
  resize(bytesMax: number): void {
    this.bytesMax = bytesMax;
    this.evict(bytesMax);
  }

  /** Adds the line at `at`; one that is too large only empties the table (section 4.4). `tag`: 16 bits, kept for the caller. */
  add(line: Uint8Array, at: number, nameLength: number, valueLength: number, tag: number): void {
    const size = nameLength + valueLength + FIELD_OVERHEAD;
    if (size > this.bytesMax) {
      this.evict(0);
      return;
    }
    this.evict(this.bytesMax - size);
    if (this.ring.length === 0) {
      this.ring = new Uint8Array(this.ringBytes);
      this.entries = new Uint16Array((this.entryMask + 1) * WORDS);
    }
    this.newest = (this.newest + 1) & this.entryMask;
    const entry = this.newest * WORDS;
    this.entries[entry + AT] = this.head;
    this.entries[entry + NAME_LENGTH] = nameLength;
    this.entries[entry + VALUE_LENGTH] = valueLength;
    this.entries[entry + TAG] = tag;
    const length = nameLength + valueLength + LINE_OVERHEAD;
    const first = Math.min(length, this.ringBytes - this.head);
    emitBytes(this.ring, this.head, line, at, first);
    if (first < length) emitBytes(this.ring, 0, line, at + first, length - first);
    this.head = (this.head + length) & (this.ringBytes - 1);
    this.count++;
    this.bytes += size;
  }

  // --- the entry with that index, from 0 for the newest to count - 1 ---

  nameLength(index: number): number {
    return this.entries[this.entryOf(index) + NAME_LENGTH];
  }

  valueLength(index: number): number {
    return this.entries[this.entryOf(index) + VALUE_LENGTH];
  }

  tag(index: number): number {
    return this.entries[this.entryOf(index) + TAG];
  }

  /** Copies the first `length` bytes of its line, which has a name, colon, space, value, CR and LF. */
  copyLine(index: number, length: number, out: Uint8Array, at: number): void {
    const from = this.entries[this.entryOf(index) + AT];
    const first = Math.min(length, this.ringBytes - from);
    emitBytes(out, at, this.ring, from, first);
    if (first < length) emitBytes(out, at + first, this.ring, 0, length - first);
  }

  private entryOf(index: number): number {
    return ((this.newest - index) & this.entryMask) * WORDS;
  }

  /** Takes the oldest away until at most so many bytes are left. */
  private evict(bytes: number): void {
    while (this.bytes > bytes) {
      const oldest = this.count - 1;
      this.bytes -= this.nameLength(oldest) + this.valueLength(oldest) + FIELD_OVERHEAD;
      this.count--;
    }
  }
}
