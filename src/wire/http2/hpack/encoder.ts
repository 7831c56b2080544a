/**
 * Encodes field lines as HTTP/1 has them (RFC 7541 sections 4 to 7). Lines that come again are looked up in a cache that all connections
 * share (line-cache.ts), which has their literals too: one that this connection has sent before is one or two bytes, found without
 * looking at its strings a second time.
 *
 * A line that is seen for the first time goes as a literal that nobody indexes, and not in the Huffman code: what it saves is less than
 * what it costs where nothing is repeated.
 */
import { hashBytesLower } from '../../../base/hash.ts';
import { COLON, CR, TOKEN_LOWER, ascii, equalsIgnoringCase } from '../../http1/classes.ts';
import { emitBytes } from '../../http1/emit.ts';
import {
  FIELD_ID,
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
} from '../../http1/head.ts';
import type { FieldTable } from '../../http1/head.ts';
import { HEADER_TABLE_BYTES } from '../settings.ts';
import { FIELD_OVERHEAD } from './dynamic-table.ts';
import { emitHuffman, huffmanLength } from './huffman.ts';
import { emitInteger } from './integer.ts';
import { LINE_BYTES_MAX, LINE_SLOTS, LITERAL_BYTES_MAX } from './line-cache.ts';
import type { LineCache } from './line-cache.ts';
import { HUFFMAN, INCREMENTAL, INDEXED, NEVER_INDEXED, SIZE_UPDATE, UNINDEXED } from './patterns.ts';
import { STATIC_AT, STATIC_COUNT, STATIC_LINES, STATIC_NAME_LENGTH, STATIC_VALUE_LENGTH } from './static-table.ts';

/** The largest table of an encoder: it has at most as many entries as its ring. */
const TABLE_BYTES_MAX = HEADER_TABLE_BYTES;
const RING = TABLE_BYTES_MAX / FIELD_OVERHEAD;

/** A block is at most so much longer than its lines without CR LF: for each of them, and for size updates and a status. */
export const FIELD_GROWTH = 10;
export const BLOCK_GROWTH = 16;

/** Never indexed by anybody: who can guess one could learn by the length of a block that he was right (section 7.1.3). */
const SENSITIVE: readonly Uint8Array[] = ['authorization', 'cookie', 'proxy-authorization', 'set-cookie'].map(ascii);

/** A byte of a name, that of a pseudo-field too, in lower case. */
const NAME_LOWER = Uint8Array.from(TOKEN_LOWER, (lower, byte) => (byte === COLON ? COLON : lower));

/** The static index of each of its names, by hash; 0: none. */
const NAME_SETS = 256;
const NAME_INDEX = new Uint8Array(NAME_SETS);
for (let index = STATIC_COUNT; index >= 1; index--) {
  let place = hashBytesLower(STATIC_LINES, STATIC_AT[index], STATIC_NAME_LENGTH[index], 0) & (NAME_SETS - 1);
  while (NAME_INDEX[place] !== 0 && !isSameName(index, NAME_INDEX[place])) place = (place + 1) & (NAME_SETS - 1);
  NAME_INDEX[place] = index;
}
/** The static index of a status that has one, else 0. */
const STATUS_INDEX = new Uint8Array(1000);
for (let index = 1; index <= STATIC_COUNT; index++) {
  if (STATIC_NAME_LENGTH[index] !== 7 || STATIC_VALUE_LENGTH[index] !== 3) continue;
  let status = 0;
  for (let i = 0; i < 3; i++) status = status * 10 + STATIC_LINES[STATIC_AT[index] + 9 + i] - 0x30;
  STATUS_INDEX[status] = index;
}
const STATUS_NAME_INDEX = STATUS_INDEX[200];

/** A line with its name in lower case. */
const LOWERED = new Uint8Array(LINE_BYTES_MAX);

const NONE8 = new Uint8Array(0);
const NONE16 = new Uint16Array(0);
const NONE32 = new Int32Array(0);

export class HpackEncoder {
  private readonly cache: LineCache;
  private epoch = 0;
  /** What the table may have; the peer knows of it unless `isChanged`. */
  private bytesMax = TABLE_BYTES_MAX;
  /** The least that it was since the last block. */
  private bytesLeast = TABLE_BYTES_MAX;
  private isChanged = false;
  private bytes = 0;
  private count = 0;
  /** The place of the newest entry in the ring. */
  private newest = 0;
  /** By place in the ring: the identity of the line, and what it counts. */
  private ids = NONE32;
  private sizes = NONE16;
  /** By slot of the cache: the place of the line in the ring, which may have another one by now. */
  private places = NONE8;

  constructor(cache: LineCache) {
    this.cache = cache;
  }

  /** The peer has set SETTINGS_HEADER_TABLE_SIZE, 0..2^32-1; to be called for each value in turn (section 4.2). */
  resize(tableBytes: number): void {
    const bytesMax = Math.min(tableBytes, TABLE_BYTES_MAX);
    if (bytesMax === this.bytesMax) return;
    this.bytesLeast = Math.min(this.isChanged ? this.bytesLeast : bytesMax, bytesMax);
    this.bytesMax = bytesMax;
    this.isChanged = true;
    this.evict(bytesMax);
  }

  /** Begins a block. */
  begin(out: Uint8Array, at: number): number {
    if (!this.isChanged) return at;
    this.isChanged = false;
    if (this.bytesLeast < this.bytesMax) at = emitInteger(out, at, SIZE_UPDATE, SIZE_UPDATE - 1, this.bytesLeast);
    return emitInteger(out, at, SIZE_UPDATE, SIZE_UPDATE - 1, this.bytesMax);
  }

  /** `status`: 100..999. */
  emitStatus(out: Uint8Array, at: number, status: number): number {
    const index = STATUS_INDEX[status];
    if (index !== 0) {
      out[at] = INDEXED | index;
      return at + 1;
    }
    out[at] = UNINDEXED | STATUS_NAME_INDEX;
    out[at + 1] = 3;
    out[at + 2] = 0x30 + Math.floor(status / 100);
    out[at + 3] = 0x30 + (Math.floor(status / 10) % 10);
    out[at + 4] = 0x30 + (status % 10);
    return at + 5;
  }

  /** A line of the static table, by its index. */
  emitStatic(out: Uint8Array, at: number, index: number): number {
    out[at] = INDEXED | index;
    return at + 1;
  }

  /** The fields of a parsed head or trailer section in their order, except those whose id is flagged: `dropped[id]` is 1. */
  emitKeptFields(out: Uint8Array, at: number, bytes: Uint8Array, table: FieldTable, dropped: Uint8Array): number {
    const { fields } = table;
    const words = table.fieldCount * FIELD_WORDS;
    for (let word = 0; word < words; word += FIELD_WORDS) {
      if (dropped[fields[word + FIELD_ID]] === 1) continue;
      const name = fields[word + FIELD_NAME];
      const value = fields[word + FIELD_VALUE];
      at = this.emitField(
        out,
        at,
        bytes,
        name,
        fields[word + FIELD_NAME_LENGTH],
        value,
        fields[word + FIELD_VALUE_LENGTH],
      );
    }
    return at;
  }

  /** Complete lines, `Name: value CR LF`, in lines[from..end). */
  emitLines(out: Uint8Array, at: number, lines: Uint8Array, from: number, end: number): number {
    while (from < end) {
      let colon = from;
      while (TOKEN_LOWER[lines[colon]] !== 0) colon++;
      let lineEnd = colon + 2;
      while (lines[lineEnd] !== CR) lineEnd++;
      at = this.emitField(out, at, lines, from, colon - from, colon + 2, lineEnd - colon - 2);
      from = lineEnd + 2;
    }
    return at;
  }

  /** One field, whose value stands somewhere behind its name and a colon. The name is a token in any case, or that of a pseudo-field. */
  emitField(
    out: Uint8Array,
    at: number,
    bytes: Uint8Array,
    nameAt: number,
    nameLength: number,
    valueAt: number,
    valueLength: number,
  ): number {
    const { cache } = this;
    const lineLength = valueAt + valueLength - nameAt;
    if (lineLength > LINE_BYTES_MAX) return emitPlain(out, at, bytes, nameAt, nameLength, valueAt, valueLength);
    const slot = cache.find(bytes, nameAt, lineLength);
    if (slot < 0) {
      if (!isSensitive(bytes, nameAt, nameLength)) {
        const taken = cache.take(bytes, nameAt, lineLength);
        if (taken >= 0) keepLiteral(cache, taken, bytes, nameAt, nameLength, valueAt, valueLength);
      }
      return emitPlain(out, at, bytes, nameAt, nameLength, valueAt, valueLength);
    }
    if (this.epoch !== cache.epoch) {
      this.epoch = cache.epoch;
      this.ids.fill(0);
    }
    if (this.count > 0) {
      const place = this.places[slot];
      const age = (this.newest - place) & (RING - 1);
      if (age < this.count && this.ids[place] === cache.id[slot])
        return emitInteger(out, at, INDEXED, INDEXED - 1, STATIC_COUNT + 1 + age);
    }
    if (!this.add(slot)) return emitPlain(out, at, bytes, nameAt, nameLength, valueAt, valueLength);
    return emitBytes(out, at, cache.literals, slot * LITERAL_BYTES_MAX, cache.literalLength[slot]);
  }

  /** The line of this slot becomes the newest of the table. False: it is too large for it. */
  private add(slot: number): boolean {
    const { cache } = this;
    const size = cache.size[slot];
    if (size > this.bytesMax) return false;
    if (this.ids.length === 0) {
      this.ids = new Int32Array(RING);
      this.sizes = new Uint16Array(RING);
      this.places = new Uint8Array(LINE_SLOTS);
    }
    this.evict(this.bytesMax - size);
    this.newest = (this.newest + 1) & (RING - 1);
    this.ids[this.newest] = cache.id[slot];
    this.sizes[this.newest] = size;
    this.places[slot] = this.newest;
    this.bytes += size;
    this.count++;
    return true;
  }

  private evict(bytes: number): void {
    while (this.bytes > bytes) {
      this.count--;
      this.bytes -= this.sizes[(this.newest - this.count) & (RING - 1)];
    }
  }
}

/** A literal that is not indexed here; of a sensitive field, by nobody. */
function emitPlain(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  nameAt: number,
  nameLength: number,
  valueAt: number,
  valueLength: number,
): number {
  const pattern = isSensitive(bytes, nameAt, nameLength) ? NEVER_INDEXED : UNINDEXED;
  const index = nameIndex(bytes, nameAt, nameLength);
  at = emitInteger(out, at, pattern, NEVER_INDEXED - 1, index);
  if (index === 0) {
    at = emitInteger(out, at, 0, HUFFMAN - 1, nameLength);
    for (let i = 0; i < nameLength; i++) out[at + i] = NAME_LOWER[bytes[nameAt + i]];
    at += nameLength;
  }
  at = emitInteger(out, at, 0, HUFFMAN - 1, valueLength);
  return emitBytes(out, at, bytes, valueAt, valueLength);
}

/** Writes the literal of a line that was just taken in: with incremental indexing, each string in the shorter of its two forms. */
function keepLiteral(
  cache: LineCache,
  slot: number,
  bytes: Uint8Array,
  nameAt: number,
  nameLength: number,
  valueAt: number,
  valueLength: number,
): void {
  const { literals } = cache;
  const start = slot * LITERAL_BYTES_MAX;
  const index = nameIndex(bytes, nameAt, nameLength);
  let at = emitInteger(literals, start, INCREMENTAL, INCREMENTAL - 1, index);
  if (index === 0) {
    for (let i = 0; i < nameLength; i++) LOWERED[i] = NAME_LOWER[bytes[nameAt + i]];
    at = emitString(literals, at, LOWERED, 0, nameLength);
  }
  at = emitString(literals, at, bytes, valueAt, valueAt + valueLength);
  cache.literalLength[slot] = at - start;
  cache.size[slot] = nameLength + valueLength + FIELD_OVERHEAD;
}

/** Section 5.2. */
function emitString(out: Uint8Array, at: number, bytes: Uint8Array, from: number, end: number): number {
  const length = huffmanLength(bytes, from, end);
  if (length >= end - from) {
    at = emitInteger(out, at, 0, HUFFMAN - 1, end - from);
    return emitBytes(out, at, bytes, from, end - from);
  }
  at = emitInteger(out, at, HUFFMAN, HUFFMAN - 1, length);
  return emitHuffman(out, at, bytes, from, end);
}

function isSensitive(bytes: Uint8Array, nameAt: number, nameLength: number): boolean {
  for (let i = 0; i < SENSITIVE.length; i++)
    if (equalsIgnoringCase(bytes, nameAt, nameLength, SENSITIVE[i])) return true;
  return false;
}

/** The first static index with this name, in any case; or 0. */
function nameIndex(bytes: Uint8Array, at: number, length: number): number {
  let place = hashBytesLower(bytes, at, length, 0) & (NAME_SETS - 1);
  for (;;) {
    const index = NAME_INDEX[place];
    if (index === 0) return 0;
    if (STATIC_NAME_LENGTH[index] === length) {
      const from = STATIC_AT[index];
      let i = 0;
      while (i < length && NAME_LOWER[bytes[at + i]] === STATIC_LINES[from + i]) i++;
      if (i === length) return index;
    }
    place = (place + 1) & (NAME_SETS - 1);
  }
}

function isSameName(a: number, b: number): boolean {
  if (STATIC_NAME_LENGTH[a] !== STATIC_NAME_LENGTH[b]) return false;
  for (let i = 0; i < STATIC_NAME_LENGTH[a]; i++) {
    if (STATIC_LINES[STATIC_AT[a] + i] !== STATIC_LINES[STATIC_AT[b] + i]) return false;
  }
  return true;
}
