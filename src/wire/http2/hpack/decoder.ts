/**
 * Decodes header blocks (RFC 7541 sections 3, 5 and 6) to field lines as HTTP/1 has them, `name: value CR LF`, straight into the
 * caller's memory: whoever reads heads need not know where they came from.
 *
 * A block is whole: it is bounded by the connection. What it expands to is bounded by the caller's memory: a field that does not fit is
 * counted and not written, so that a block of references costs no more than its own bytes. It is decoded to its end all the same, for the
 * table of the connection depends on it.
 */
import { HEAD_SLOT_BYTES } from '../../../base/limits.ts';
import { COLON, CR, LF, SP } from '../../http1/classes.ts';
import { emitBytes } from '../../http1/emit.ts';
import {
  FAULT_HPACK_HUFFMAN,
  FAULT_HPACK_INDEX,
  FAULT_HPACK_INTEGER,
  FAULT_HPACK_TABLE_SIZE,
  FAULT_HPACK_TRUNCATED,
} from '../faults.ts';
import { kindOf, nameFlaw, valueFlaw } from '../field-kinds.ts';
import { HEADER_TABLE_BYTES } from '../settings.ts';
import { DynamicTable, FIELD_OVERHEAD, LINE_OVERHEAD } from './dynamic-table.ts';
import { decodeHuffman, huffmanBound } from './huffman.ts';
import { HUFFMAN, INCREMENTAL, INDEXED, NEVER_INDEXED, SIZE_UPDATE } from './patterns.ts';
import {
  STATIC_AT,
  STATIC_COUNT,
  STATIC_KIND,
  STATIC_LINES,
  STATIC_NAME_LENGTH,
  STATIC_VALUE_LENGTH,
} from './static-table.ts';

/** What `next` returns besides a FAULT_. */
export const BLOCK_END = 0;
export const BLOCK_FIELD = 1;

/** Integers above that are refused. */
const INTEGER_MAX = 0xffff_ffff;

/** Where a line is decoded that may not fit. As nothing of it is kept between two calls, all decoders share it. */
const SCRATCH = new Uint8Array(HEAD_SLOT_BYTES);

/** A tag of the dynamic table: a kind, and above it the number of a flaw. */
const KIND_BITS = 6;
const KIND_MASK = (1 << KIND_BITS) - 1;

export class HpackDecoder {
  // --- the field that `next` has found ---

  /** It did not fit and was not written. */
  isCut = false;
  /** The offset behind its line; of a cut one where that would have begun. */
  end = 0;
  nameLength = 0;
  valueLength = 0;
  /** See field-kinds.ts. Meaningless if it is cut. */
  kind = 0;
  /** What is wrong with the field by itself: a FAULT_STREAM_, or 0. */
  flaw = 0;
  /** It came as one that must not be indexed by anybody (section 6.2.3). */
  isSensitive = false;

  /** The fields of the block so far, cut ones too, as SETTINGS_MAX_HEADER_LIST_SIZE counts them: 32 bytes more than its strings each. */
  listBytes = 0;

  private readonly table: DynamicTable;
  private bytes: Uint8Array = SCRATCH;
  private at = 0;
  private blockEnd = 0;
  private hasField = false;

  // the strings of a literal
  private stringAt = 0;
  private stringLength = 0;
  private isHuffman = false;

  constructor(tableBytes: number = HEADER_TABLE_BYTES) {
    this.table = new DynamicTable(tableBytes);
  }

  /** Begins with the block bytes[at..end), which are only looked at by `next`. */
  begin(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.blockEnd = end;
    this.hasField = false;
    this.listBytes = 0;
  }

  /**
   * Writes the line of the next field to out[at..limit) and returns BLOCK_FIELD; BLOCK_END if there is none; or a fault of the connection,
   * after which the decoder is of no more use.
   */
  next(out: Uint8Array, at: number, limit: number): number {
    while (this.at < this.blockEnd) {
      const first = this.bytes[this.at];
      if (first >= INDEXED) {
        const index = this.integer(INDEXED - 1);
        if (index < 0) return index;
        this.hasField = true;
        return this.indexed(index, out, at, limit);
      }
      if (first >= INCREMENTAL || first < SIZE_UPDATE) {
        this.hasField = true;
        this.isSensitive = first < SIZE_UPDATE && first >= NEVER_INDEXED;
        return this.literal(first >= INCREMENTAL, out, at, limit);
      }
      const size = this.integer(SIZE_UPDATE - 1);
      if (size < 0) return size;
      // only in front of the first field (section 4.2)
      if (this.hasField || size > this.table.capacity) return FAULT_HPACK_TABLE_SIZE;
      this.table.resize(size);
    }
    return BLOCK_END;
  }

  /** Section 6.1. */
  private indexed(index: number, out: Uint8Array, at: number, limit: number): number {
    const { table } = this;
    this.isSensitive = false;
    if (index <= STATIC_COUNT) {
      if (index === 0) return FAULT_HPACK_INDEX;
      const from = STATIC_AT[index];
      const end = this.place(STATIC_NAME_LENGTH[index], STATIC_VALUE_LENGTH[index], at, limit);
      this.kind = STATIC_KIND[index];
      this.flaw = valueFlaw(STATIC_LINES, from, 0, this.kind);
      emitBytes(out, at, STATIC_LINES, from, end - at);
      return BLOCK_FIELD;
    }
    const entry = index - STATIC_COUNT - 1;
    if (entry >= table.count) return FAULT_HPACK_INDEX;
    const end = this.place(table.nameLength(entry), table.valueLength(entry), at, limit);
    this.readTag(table.tag(entry));
    if (end > at) table.copyLine(entry, end - at, out, at);
    return BLOCK_FIELD;
  }

  /** A field with these lengths goes to `at`, if there is room. Returns the offset behind its line. */
  private place(nameLength: number, valueLength: number, at: number, limit: number): number {
    this.nameLength = nameLength;
    this.valueLength = valueLength;
    this.listBytes += nameLength + valueLength + FIELD_OVERHEAD;
    const end = at + nameLength + valueLength + LINE_OVERHEAD;
    this.isCut = end > limit;
    this.end = this.isCut ? at : end;
    return this.end;
  }

  private readTag(tag: number): void {
    this.kind = tag & KIND_MASK;
    this.flaw = -(tag >>> KIND_BITS);
  }

  /** Section 6.2. */
  private literal(isIncremental: boolean, out: Uint8Array, at: number, limit: number): number {
    const { bytes, table } = this;
    const index = this.integer(isIncremental ? INCREMENTAL - 1 : NEVER_INDEXED - 1);
    if (index < 0) return index;
    const entry = index - STATIC_COUNT - 1;
    if (entry >= table.count) return FAULT_HPACK_INDEX;

    let nameAt = 0;
    let nameLength = 0;
    let isNameHuffman = false;
    if (index === 0) {
      const fault = this.string();
      if (fault !== 0) return fault;
      nameAt = this.stringAt;
      nameLength = this.stringLength;
      isNameHuffman = this.isHuffman;
    } else nameLength = entry >= 0 ? table.nameLength(entry) : STATIC_NAME_LENGTH[index];
    const fault = this.string();
    if (fault !== 0) return fault;

    // A line that may not fit is made in the scratch.
    const bound =
      LINE_OVERHEAD +
      (isNameHuffman ? huffmanBound(nameLength) : nameLength) +
      (this.isHuffman ? huffmanBound(this.stringLength) : this.stringLength);
    const isDirect = at + bound <= limit;
    const line = isDirect ? out : SCRATCH;
    const lineAt = isDirect ? at : 0;
    const lineLimit = isDirect ? limit : SCRATCH.length;

    let to = lineAt + nameLength;
    if (isNameHuffman) {
      to = decodeHuffman(bytes, nameAt, nameAt + nameLength, line, lineAt, lineLimit);
      if (to < 0) return FAULT_HPACK_HUFFMAN;
    } else if (index === 0) emitUpTo(lineLimit, line, lineAt, bytes, nameAt, nameLength);
    else if (entry >= 0) table.copyLine(entry, nameLength, line, lineAt);
    else emitBytes(line, lineAt, STATIC_LINES, STATIC_AT[index], nameLength);
    nameLength = to - lineAt;
    if (to + LINE_OVERHEAD <= lineLimit) {
      line[to] = COLON;
      line[to + 1] = SP;
    }
    const valueAt = to + 2;
    let valueLength = this.stringLength;
    if (this.isHuffman) {
      to = decodeHuffman(bytes, this.stringAt, this.stringAt + valueLength, line, valueAt, lineLimit);
      if (to < 0) return FAULT_HPACK_HUFFMAN;
      valueLength = to - valueAt;
    } else {
      emitUpTo(lineLimit, line, valueAt, bytes, this.stringAt, valueLength);
      to = valueAt + valueLength;
    }

    const end = this.place(nameLength, valueLength, at, limit);
    if (to + 2 <= lineLimit) {
      line[to] = CR;
      line[to + 1] = LF;
      if (entry >= 0) this.kind = table.tag(entry) & KIND_MASK;
      else this.kind = index > 0 ? STATIC_KIND[index] : kindOf(line, lineAt, nameLength);
      this.flaw = index > STATIC_COUNT || index === 0 ? nameFlaw(line, lineAt, nameLength) : 0;
      if (this.flaw === 0) this.flaw = valueFlaw(line, valueAt, valueLength, this.kind);
    }
    // what is longer than the scratch is longer than the table, which it empties
    if (isIncremental) table.add(line, lineAt, nameLength, valueLength, this.kind | (-this.flaw << KIND_BITS));
    if (!isDirect && end > at) emitBytes(out, at, line, 0, end - at);
    return BLOCK_FIELD;
  }

  /** The integer at `at`, whose prefix these are all bits of; or a fault. */
  private integer(prefixMax: number): number {
    const { bytes, blockEnd } = this;
    let value = bytes[this.at++] & prefixMax;
    if (value < prefixMax) return value;
    for (let factor = 1; this.at < blockEnd; factor *= 0x80) {
      const byte = bytes[this.at++];
      value += (byte & 0x7f) * factor;
      if (value > INTEGER_MAX || factor > 0x1000_0000) return FAULT_HPACK_INTEGER;
      if (byte < 0x80) return value;
    }
    return FAULT_HPACK_TRUNCATED;
  }

  /** Where the next string of a literal is (section 5.2). Returns 0 or a fault. */
  private string(): number {
    if (this.at >= this.blockEnd) return FAULT_HPACK_TRUNCATED;
    this.isHuffman = this.bytes[this.at] >= HUFFMAN;
    const length = this.integer(HUFFMAN - 1);
    if (length < 0) return length;
    if (length > this.blockEnd - this.at) return FAULT_HPACK_TRUNCATED;
    this.stringAt = this.at;
    this.stringLength = length;
    this.at += length;
    return 0;
  }
}

/** Copies what of `length` bytes is in front of `limit`. */
function emitUpTo(limit: number, out: Uint8Array, at: number, bytes: Uint8Array, from: number, length: number): void {
  emitBytes(out, at, bytes, from, Math.min(length, limit - at));
}
