/** The head of a response (RFC 9113 section 8.3.2), written as one of HTTP/1 without reason; its version is 20. */
import { ascii } from '../http1/classes.ts';
import { emitDecimal, emitFragment } from '../http1/emit.ts';
import { ERR_HEAD_TOO_LARGE } from '../http1/errors.ts';
import type { HeadLimits, ResponseHead } from '../http1/head.ts';
import {
  FAULT_STREAM_PSEUDO_FIELD,
  FAULT_STREAM_PSEUDO_MISSING,
  FAULT_STREAM_PSEUDO_REPEATED,
  FAULT_STREAM_STATUS,
} from './faults.ts';
import { PSEUDO_METHOD, PSEUDO_STATUS } from './field-kinds.ts';
import { BLOCK_FIELD } from './hpack/decoder.ts';
import type { HpackDecoder } from './hpack/decoder.ts';
import { SectionReader } from './section.ts';

/** `HTTP/2.0 200`, whose digits are those of `:status`. */
const STATUS_LINE = ascii('HTTP/2.0 000\r\n');
const VERSION_BYTES = 9;
/** `:status: 200 CR LF`: as long as the line that takes its place. */
const STATUS_FIELD_BYTES = STATUS_LINE.length;
const STATUS_VALUE_AT = ':status: '.length;

/** Reads one head after the other; connections can share it. */
export class ResponseReader extends SectionReader {
  /**
   * As `RequestReader.read`. `head.body` is BODY_CHUNKED where DATA follows and nobody knows how much; without DATA BODY_NONE, or
   * BODY_LENGTH with the length that there would be.
   */
  read(
    decoder: HpackDecoder,
    endsStream: boolean,
    limits: HeadLimits,
    out: Uint8Array,
    at: number,
    limit: number,
    head: ResponseHead,
  ): number {
    this.begin(out, at, limit);
    head.start = at;
    head.version = 20;
    if (!this.readStatus(decoder, head)) return 0;
    this.beginFields(head, limits.headers);
    if (!this.readFields(decoder, limits)) return 0;
    const end = this.finish();
    return end !== 0 && this.readLength(endsStream) ? end : 0;
  }

  /** `:status`, which is the only pseudo-field, and therefore the first. Its line makes room for the status line. */
  private readStatus(decoder: HpackDecoder, head: ResponseHead): boolean {
    const { at, out } = this;
    const result = decoder.next(out, at, this.limit);
    if (result < 0) return this.lose(result);
    if (result !== BLOCK_FIELD) return this.lose(FAULT_STREAM_PSEUDO_MISSING);
    if (decoder.isCut) return this.refuse(decoder, ERR_HEAD_TOO_LARGE);
    if (decoder.flaw !== 0) return this.fail(decoder, decoder.flaw);
    if (decoder.kind !== PSEUDO_STATUS)
      return this.fail(decoder, decoder.kind < PSEUDO_METHOD ? FAULT_STREAM_PSEUDO_MISSING : FAULT_STREAM_PSEUDO_FIELD);
    if (decoder.end - at !== STATUS_FIELD_BYTES) return this.fail(decoder, FAULT_STREAM_STATUS);
    let status = 0;
    for (let i = 0; i < 3; i++) {
      const digit = out[at + STATUS_VALUE_AT + i] - 0x30;
      if (digit < 0 || digit > 9) return this.fail(decoder, FAULT_STREAM_STATUS);
      status = status * 10 + digit;
    }
    // section 8.6: there is no switching of protocols
    if (status < 100 || status > 599 || status === 101) return this.fail(decoder, FAULT_STREAM_STATUS);
    head.status = status;
    emitFragment(out, at, STATUS_LINE);
    emitDecimal(out, at + VERSION_BYTES, status);
    this.at = decoder.end;
    return true;
  }

  protected takes(kind: number): boolean {
    if (kind < PSEUDO_METHOD) return true;
    return this.lose(kind === PSEUDO_STATUS ? FAULT_STREAM_PSEUDO_REPEATED : FAULT_STREAM_PSEUDO_FIELD);
  }
}
