/**
 * The chunked transfer coding (RFC 9112 section 7.1) as a scanner over a stream of pieces: it says which bytes belong to
 * the body, and never looks at the data of a chunk.
 *
 * Chunks are passed on as they came, extensions included, so their syntax must leave no doubt to the next reader: CR LF
 * only, no whitespace (RFC 9112 section 7.1.1 allows "bad whitespace" around extensions; recipients disagree on it), no
 * control byte.
 */
import { CHUNK_LINE_BYTES_MAX } from '../../base/limits.ts';
import { CR, HEX_VALUE, LF, TOKEN_LOWER, VALUE_CLASS } from './classes.ts';
import { ERR_CHUNK_END, ERR_CHUNK_EXTENSION, ERR_CHUNK_LINE_TOO_LONG, ERR_CHUNK_SIZE, ERR_LINE_END } from './errors.ts';

const SIZE_DIGITS_MAX = 16;

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

// What the next byte is. The order matters: from STATE_NAME on it is inside an extension.
const STATE_SIZE = 0; // a digit of the size, or what may follow it
const STATE_LINE_LF = 1; // the LF of the size line
const STATE_DATA = 2;
const STATE_DATA_CR = 3;
const STATE_DATA_LF = 4;
const STATE_END = 5; // done or failed
const STATE_NAME = 6; // the first byte of an extension's name
const STATE_NAME_REST = 7;
const STATE_VALUE = 8; // the first byte of an extension's value
const STATE_VALUE_REST = 9;
const STATE_QUOTED = 10;
const STATE_QUOTED_PAIR = 11;
const STATE_QUOTED_END = 12; // behind the closing quote

export class ChunkScanner {
  /** The last chunk's line is complete; the trailer section follows it. */
  done = false;
  /** An `ERR_` code, or 0. Nothing can be scanned after an error. */
  error = 0;
  /** Bytes of data in the chunks so far. */
  dataBytes = 0;
  /** After `decode`: the end of the data that was moved together. */
  dataEnd = 0;
  private state = STATE_SIZE;
  private digits = 0;
  private lineBytes = 0;
  /** The size being read, then the bytes of the chunk that are still to come. */
  private remaining = 0;

  /** Makes the scanner ready for the first chunk of another body. */
  reset(): void {
    this.done = false;
    this.error = 0;
    this.dataBytes = 0;
    this.dataEnd = 0;
    this.beginLine();
  }

  /**
   * Takes the bytes from `offset` to `end`, which follow those of the previous call. Returns the offset up to which they
   * belong to the chunks: `end`, less when `done`, or the offset of the byte that is wrong when `error` is set.
   */
  scan(bytes: Uint8Array, offset: number, end: number): number {
    return this.advance(bytes, offset, end, false);
  }

  /** Like `scan`, and moves the data of the chunks together from `offset` on, up to `dataEnd`. */
  decode(bytes: Uint8Array, offset: number, end: number): number {
    return this.advance(bytes, offset, end, true);
  }

  private advance(bytes: Uint8Array, offset: number, end: number, isMoving: boolean): number {
    let i = offset;
    let out = offset;
    while (i < end && this.state !== STATE_END) {
      if (this.state === STATE_DATA) {
        const take = Math.min(this.remaining, end - i);
        if (isMoving) {
          if (out !== i) bytes.copyWithin(out, i, i + take);
          out += take;
        }
        i += take;
        this.remaining -= take;
        this.dataBytes += take;
        if (this.remaining === 0) this.state = STATE_DATA_CR;
        continue;
      }
      const error = this.takeByte(bytes[i]);
      if (error !== 0) {
        this.error = error;
        this.state = STATE_END;
        break;
      }
      i++;
    }
    this.dataEnd = out;
    return i;
  }

  /** One byte of framing. Returns 0 or an error. */
  private takeByte(byte: number): number {
    switch (this.state) {
      case STATE_SIZE: {
        const value = HEX_VALUE[byte];
        if (value !== 255) {
          this.remaining = this.remaining * 16 + value;
          this.digits++;
          if (this.digits > SIZE_DIGITS_MAX || this.remaining > Number.MAX_SAFE_INTEGER) return ERR_CHUNK_SIZE;
          return this.countLineByte();
        }
        if (this.digits === 0 || (byte !== CR && byte !== SEMICOLON)) return ERR_CHUNK_SIZE;
        return this.endOfPart(byte);
      }
      case STATE_LINE_LF:
        if (byte !== LF) return ERR_LINE_END;
        if (this.remaining === 0) {
          this.done = true;
          this.state = STATE_END;
        } else this.state = STATE_DATA;
        return 0;
      case STATE_DATA_CR:
        if (byte !== CR) return ERR_CHUNK_END;
        this.state = STATE_DATA_LF;
        return 0;
      case STATE_DATA_LF:
        if (byte !== LF) return ERR_CHUNK_END;
        this.beginLine();
        return 0;
      default:
        return this.takeExtensionByte(byte);
    }
  }

  /** chunk-ext = *( ";" token [ "=" ( token / quoted-string ) ] ) */
  private takeExtensionByte(byte: number): number {
    switch (this.state) {
      case STATE_NAME:
        if (TOKEN_LOWER[byte] === 0) return ERR_CHUNK_EXTENSION;
        this.state = STATE_NAME_REST;
        break;
      case STATE_NAME_REST:
        if (byte === EQUALS) this.state = STATE_VALUE;
        else if (TOKEN_LOWER[byte] === 0) return this.endOfPart(byte);
        break;
      case STATE_VALUE:
        if (byte === QUOTE) this.state = STATE_QUOTED;
        else if (TOKEN_LOWER[byte] === 0) return ERR_CHUNK_EXTENSION;
        else this.state = STATE_VALUE_REST;
        break;
      case STATE_VALUE_REST:
        if (TOKEN_LOWER[byte] === 0) return this.endOfPart(byte);
        break;
      case STATE_QUOTED:
        if (byte === QUOTE) this.state = STATE_QUOTED_END;
        else if (byte === BACKSLASH) this.state = STATE_QUOTED_PAIR;
        else if (VALUE_CLASS[byte] === 0) return ERR_CHUNK_EXTENSION;
        break;
      case STATE_QUOTED_PAIR:
        if (VALUE_CLASS[byte] === 0) return ERR_CHUNK_EXTENSION;
        this.state = STATE_QUOTED;
        break;
      default:
        return this.endOfPart(byte);
    }
    return this.countLineByte();
  }

  /** Behind the size or an extension: the line ends or another extension begins. */
  private endOfPart(byte: number): number {
    if (byte === CR) this.state = STATE_LINE_LF;
    else if (byte === SEMICOLON) this.state = STATE_NAME;
    else return byte === LF ? ERR_LINE_END : ERR_CHUNK_EXTENSION;
    return this.countLineByte();
  }

  private countLineByte(): number {
    return ++this.lineBytes < CHUNK_LINE_BYTES_MAX ? 0 : ERR_CHUNK_LINE_TOO_LONG;
  }

  private beginLine(): void {
    this.state = STATE_SIZE;
    this.digits = 0;
    this.lineBytes = 0;
    this.remaining = 0;
  }
}
