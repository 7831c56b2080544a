/** A trailer section (RFC 9113 section 8.1), as field lines with an empty one behind them. What may be in it is as in HTTP/1. */
import { TRAILER_BYTES_MAX } from '../../base/limits.ts';
import { ERR_TRAILER_FIELD } from '../http1/errors.ts';
import type { FieldTable, HeadLimits } from '../http1/head.ts';
import { parseTrailers } from '../http1/trailers.ts';
import { FAULT_STREAM_PSEUDO_FIELD, FAULT_STREAM_TRAILER_FIELD } from './faults.ts';
import { PSEUDO_METHOD } from './field-kinds.ts';
import type { HpackDecoder } from './hpack/decoder.ts';
import { SectionReader } from './section.ts';

/** Reads one section after the other; connections can share it. */
export class TrailerReader extends SectionReader {
  /** Reads the block that the decoder was begun with into `table` and out[at..limit). Returns the offset behind it, or 0: see `fault` and `error`. */
  read(
    decoder: HpackDecoder,
    limits: HeadLimits,
    out: Uint8Array,
    at: number,
    limit: number,
    table: FieldTable,
  ): number {
    this.begin(out, at, Math.min(limit, at + TRAILER_BYTES_MAX));
    this.beginFields(table, limits.headers);
    if (!this.readFields(decoder, limits)) return 0;
    const end = this.finish();
    if (end === 0) return 0;
    const result = parseTrailers(out, at, end, table, limits.headers);
    if (result > 0) return end;
    if (result === ERR_TRAILER_FIELD) this.lose(FAULT_STREAM_TRAILER_FIELD);
    else this.error = result;
    return 0;
  }

  protected takes(kind: number): boolean {
    return kind < PSEUDO_METHOD || this.lose(FAULT_STREAM_PSEUDO_FIELD);
  }
}
