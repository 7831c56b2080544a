/**
 * The fields of one section, head or trailers, as they come out of a decoder: checked (RFC 9113 section 8.2), as lines of HTTP/1 in the
 * caller's memory, and in a field table. A section that is malformed or too large is decoded to its end nevertheless, for the sake of
 * the connection's table, but nothing more of it is kept.
 */
import { CR, LF, SP } from '../http1/classes.ts';
import {
  ERR_CONTENT_LENGTH,
  ERR_CONTENT_LENGTH_REPEATED,
  ERR_HEAD_TOO_LARGE,
  ERR_TOO_MANY_FIELDS,
} from '../http1/errors.ts';
import { readFraming } from '../http1/framing.ts';
import {
  BODY_CHUNKED,
  BODY_NONE,
  FIELD_ID,
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  F_COOKIE,
} from '../http1/head.ts';
import type { FieldTable, HeadLimits } from '../http1/head.ts';
import { emitBytes } from '../http1/emit.ts';
import { FAULT_STREAM_CONTENT_LENGTH } from './faults.ts';
import { BLOCK_END, BLOCK_FIELD } from './hpack/decoder.ts';
import type { HpackDecoder } from './hpack/decoder.ts';

const SEMICOLON = 0x3b;
const COOKIE_BIT = 1 << F_COOKIE;
/** `cookie: ` */
const COOKIE_NAME_BYTES = 8;

export abstract class SectionReader {
  /** What is wrong with the section, FAULT_..., of the stream or the connection; or 0. */
  fault = 0;
  /** The section is well-formed, and to be answered with this error (http1/errors.ts); or 0. */
  error = 0;

  protected out: Uint8Array = new Uint8Array(0);
  protected limit = 0;
  /** Where the next line goes. */
  protected at = 0;
  private table!: FieldTable;
  private fieldsMax = 0;
  private isCookieLast = false;
  private areCookiesApart = false;

  /** One regular field, whose line is the last one written, in front of `end`. Returns whether it is kept. */
  protected abstract takes(kind: number, end: number): boolean;

  protected begin(out: Uint8Array, at: number, limit: number): void {
    this.fault = this.error = 0;
    this.out = out;
    this.at = at;
    this.limit = limit;
  }

  /** The fields begin here. */
  protected beginFields(table: FieldTable, fieldsMax: number): void {
    this.table = table;
    this.fieldsMax = Math.min(fieldsMax * FIELD_WORDS, table.fields.length);
    table.fieldsStart = this.at;
    table.fieldCount = table.seen = table.repeated = 0;
    this.isCookieLast = this.areCookiesApart = false;
  }

  /** Reads the fields that are left. False: `fault` or `error` tells why not. */
  protected readFields(decoder: HpackDecoder, limits: HeadLimits): boolean {
    for (;;) {
      const result = decoder.next(this.out, this.at, this.limit);
      if (result === BLOCK_END) return true;
      if (result !== BLOCK_FIELD) return this.lose(result);
      if (!this.take(decoder, limits)) return false;
    }
  }

  /** The field that was just written to `at`. */
  protected take(decoder: HpackDecoder, limits: HeadLimits): boolean {
    const { end, flaw, kind, nameLength, valueLength } = decoder;
    if (decoder.isCut || decoder.listBytes > limits.headBytes) return this.refuse(decoder, ERR_HEAD_TOO_LARGE);
    if (flaw !== 0) return this.fail(decoder, flaw);
    if (!this.takes(kind, end)) return this.fault === 0 || this.fail(decoder, this.fault);
    return this.keep(decoder, kind, nameLength, valueLength, end);
  }

  protected keep(decoder: HpackDecoder, kind: number, nameLength: number, valueLength: number, end: number): boolean {
    const { table, at } = this;
    const { fields } = table;
    const bit = 1 << kind;
    if (kind === F_COOKIE && (table.seen & COOKIE_BIT) !== 0) {
      if (this.isCookieLast) {
        this.joinCookie(at + COOKIE_NAME_BYTES, valueLength);
        return true;
      }
      this.areCookiesApart = true;
    }
    const word = table.fieldCount * FIELD_WORDS;
    if (word >= this.fieldsMax) return this.refuse(decoder, ERR_TOO_MANY_FIELDS);
    this.isCookieLast = kind === F_COOKIE;
    fields[word + FIELD_NAME] = at;
    fields[word + FIELD_NAME_LENGTH] = nameLength;
    fields[word + FIELD_VALUE] = at + nameLength + 2;
    fields[word + FIELD_VALUE_LENGTH] = valueLength;
    fields[word + FIELD_ID] = kind;
    table.fieldCount++;
    table.repeated |= table.seen & bit;
    table.seen |= bit;
    this.at = end;
    return true;
  }

  /** Ends the lines with an empty one. Returns the offset behind it, or 0: `error` tells why not. */
  protected finish(): number {
    if (this.areCookiesApart && !this.gatherCookies()) return this.setError(ERR_HEAD_TOO_LARGE);
    if (this.at + 2 > this.limit) return this.setError(ERR_HEAD_TOO_LARGE);
    this.table.fieldsEnd = this.at;
    this.out[this.at] = CR;
    this.out[this.at + 1] = LF;
    return this.at + 2;
  }

  /**
   * Of a section that is whole: what its fields say of the length of the content. False: `fault` or `error` tells why not. Of content whose
   * length nobody knows `body` is BODY_CHUNKED.
   */
  protected readLength(endsStream: boolean): boolean {
    const { table } = this;
    table.body = endsStream ? BODY_NONE : BODY_CHUNKED;
    const error = readFraming(this.out, table);
    if (error === ERR_CONTENT_LENGTH || error === ERR_CONTENT_LENGTH_REPEATED)
      return this.lose(FAULT_STREAM_CONTENT_LENGTH);
    this.error = error;
    return error === 0;
  }

  /** Something is wrong, and nothing more is decoded: the connection is lost, or all of the block is here. */
  protected lose(fault: number): boolean {
    this.fault = fault;
    return false;
  }

  /** It is well-formed so far, and is refused. The rest is decoded. */
  protected refuse(decoder: HpackDecoder, error: number): boolean {
    this.error = error;
    this.drain(decoder);
    return false;
  }

  /** It is malformed. The rest is decoded. */
  protected fail(decoder: HpackDecoder, fault: number): boolean {
    this.fault = fault;
    this.drain(decoder);
    return false;
  }

  private setError(error: number): number {
    this.error = error;
    return 0;
  }

  private drain(decoder: HpackDecoder): void {
    let result;
    do result = decoder.next(this.out, this.limit, this.limit);
    while (result === BLOCK_FIELD);
    if (result < 0) this.fault = result;
  }

  /** A crumb behind the cookie in front of it (section 8.2.3): `; ` takes the place of CR LF and the name. */
  private joinCookie(valueAt: number, valueLength: number): void {
    const { at, out, table } = this;
    if (valueLength === 0) return;
    const word = (table.fieldCount - 1) * FIELD_WORDS;
    let end = at;
    // an empty one has nothing to be separated from
    if (table.fields[word + FIELD_VALUE_LENGTH] === 0) end -= 2;
    else {
      out[at - 2] = SEMICOLON;
      out[at - 1] = SP;
    }
    out.copyWithin(end, valueAt, valueAt + valueLength + 2);
    end += valueLength;
    table.fields[word + FIELD_VALUE_LENGTH] = end - table.fields[word + FIELD_VALUE];
    this.at = end + 2;
  }

  /** Cookies with other fields in between become one line at the end. False: there is no room for it. */
  private gatherCookies(): boolean {
    const { out, table } = this;
    const { fields } = table;
    const words = table.fieldCount * FIELD_WORDS;
    let length = 0;
    for (let word = 0; word < words; word += FIELD_WORDS) {
      if (fields[word + FIELD_ID] === F_COOKIE) length += fields[word + FIELD_VALUE_LENGTH] + 2;
    }
    // the new line first, behind the others
    const end = this.at;
    let to = end + COOKIE_NAME_BYTES;
    if (to + length + 2 > this.limit) return false;
    for (let word = 0; word < words; word += FIELD_WORDS) {
      if (fields[word + FIELD_ID] !== F_COOKIE || fields[word + FIELD_VALUE_LENGTH] === 0) continue;
      if (to === end + COOKIE_NAME_BYTES) emitBytes(out, end, out, fields[word + FIELD_NAME], COOKIE_NAME_BYTES);
      else {
        out[to] = SEMICOLON;
        out[to + 1] = SP;
        to += 2;
      }
      to = emitBytes(out, to, out, fields[word + FIELD_VALUE], fields[word + FIELD_VALUE_LENGTH]);
    }
    const valueLength = to - end - COOKIE_NAME_BYTES;
    if (valueLength < 0) return true;
    out[to] = CR;
    out[to + 1] = LF;
    // then all lines but the old ones move together
    let at = table.fieldsStart;
    let kept = 0;
    for (let word = 0; word < words; word += FIELD_WORDS) {
      if (fields[word + FIELD_ID] === F_COOKIE) continue;
      const nameAt = fields[word + FIELD_NAME];
      const lineEnd = fields[word + FIELD_VALUE] + fields[word + FIELD_VALUE_LENGTH] + 2;
      this.move(kept, word, at - nameAt);
      at = emitBytes(out, at, out, nameAt, lineEnd - nameAt);
      kept += FIELD_WORDS;
    }
    fields[kept + FIELD_NAME] = at;
    fields[kept + FIELD_NAME_LENGTH] = COOKIE_NAME_BYTES - 2;
    fields[kept + FIELD_VALUE] = at + COOKIE_NAME_BYTES;
    fields[kept + FIELD_VALUE_LENGTH] = valueLength;
    fields[kept + FIELD_ID] = F_COOKIE;
    this.at = emitBytes(out, at, out, end, to + 2 - end);
    table.fieldCount = kept / FIELD_WORDS + 1;
    table.repeated &= ~COOKIE_BIT;
    return true;
  }

  /** The field at word `from` becomes that at `to`, with offsets that differ by `by`. */
  private move(to: number, from: number, by: number): void {
    const { fields } = this.table;
    fields[to + FIELD_NAME] = fields[from + FIELD_NAME] + by;
    fields[to + FIELD_NAME_LENGTH] = fields[from + FIELD_NAME_LENGTH];
    fields[to + FIELD_VALUE] = fields[from + FIELD_VALUE] + by;
    fields[to + FIELD_VALUE_LENGTH] = fields[from + FIELD_VALUE_LENGTH];
    fields[to + FIELD_ID] = fields[from + FIELD_ID];
  }
}
