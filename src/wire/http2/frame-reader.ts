/**
 * Reads the frames of one connection, however their bytes come (RFC 9113 sections 3.4, 4 and 6). Checks what a frame says by
 * itself: its length, whether it may have a stream, padding, and that nothing comes between the frames of a header block. What
 * state its stream is in, windows and floods are the connection's matter.
 *
 * Nothing is copied but what a frame says in a few numbers: DATA and header blocks are told as ranges of the bytes that came, in
 * parts as they come.
 *
 *   for (;;) {
 *     at = reader.next(bytes, at, end);
 *     if (reader.event === EVENT_MORE) break;
 *     ...
 *   }
 */
import { readU16, readU32 } from '../../base/bytes.ts';
import {
  FAULT_CONTINUATION,
  FAULT_FIRST_FRAME,
  FAULT_FRAME_SIZE,
  FAULT_INCREMENT_ZERO,
  FAULT_PADDING,
  FAULT_PREFACE,
  FAULT_PUSH_PROMISE,
  FAULT_STREAM_DEPENDENCY,
  FAULT_STREAM_INCREMENT_ZERO,
  FAULT_STREAM_NOT_ZERO,
  FAULT_STREAM_PRIORITY_SIZE,
  FAULT_STREAM_ZERO,
} from './faults.ts';
import {
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FRAME_BYTES_MAX,
  FRAME_CONTINUATION,
  FRAME_DATA,
  FRAME_GOAWAY,
  FRAME_HEADERS,
  FRAME_HEADER_BYTES,
  FRAME_PING,
  FRAME_PRIORITY,
  FRAME_PUSH_PROMISE,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
  GOAWAY_BYTES,
  INT31_MAX,
  PING_BYTES,
  PREFACE,
  PRIORITY_BYTES,
  RST_STREAM_BYTES,
  SETTING_BYTES,
  WINDOW_UPDATE_BYTES,
} from './frame.ts';

/** Every byte was taken; more are needed. */
export const EVENT_MORE = 0;
/** `from` to `to` of a DATA frame. */
export const EVENT_DATA = 1;
/** `from` to `to` of a header block. */
export const EVENT_HEADERS = 2;
/** A PRIORITY frame. */
export const EVENT_PRIORITY = 3;
/** RST_STREAM: `value` is the error code. */
export const EVENT_RESET = 4;
/** One setting: `id` and `value`. */
export const EVENT_SETTING = 5;
/** A SETTINGS frame is complete, and wants to be acknowledged. */
export const EVENT_SETTINGS_END = 6;
export const EVENT_SETTINGS_ACK = 7;
/** PING: its 8 bytes are in `opaque`. */
export const EVENT_PING = 8;
export const EVENT_PING_ACK = 9;
/** GOAWAY: `id` is the last stream, `value` the error code. Debug data is skipped. */
export const EVENT_GOAWAY = 10;
/** WINDOW_UPDATE: `value` is the increment. */
export const EVENT_WINDOW = 11;
/** A frame of an unknown type, which is skipped (section 5.5). */
export const EVENT_IGNORED = 12;
/** `fault` ends the connection. Nothing more is read. */
export const EVENT_FAULT = 13;

type State = 'preface' | 'header' | 'prefix' | 'part' | 'padding' | 'fixed' | 'settings' | 'skip' | 'failed';

export class FrameReader {
  /** EVENT_... that `next` has found. */
  event = EVENT_MORE;
  /** FRAME_..., flags, stream and payload length of the current frame. Flags of a header block's continuation are its own. */
  type = 0;
  flags = 0;
  streamId = 0;
  length = 0;
  /** Of DATA and header blocks: a range of the bytes that were given; it may be empty. */
  from = 0;
  to = 0;
  /** Of a DATA frame, from its first range on: its payload without padding. */
  contentBytes = 0;
  /** The range is the first of its DATA frame, or of its header block. */
  isFirst = false;
  /** The DATA frame is complete, its padding too; or the header block is. */
  isLast = false;
  /** The frame, of a header block the HEADERS frame, has END_STREAM. */
  endsStream = false;
  /** CONTINUATION frames of the current header block. */
  continuations = 0;
  id = 0;
  value = 0;
  readonly opaque = new Uint8Array(PING_BYTES);
  /** FAULT_... of EVENT_FAULT; of EVENT_HEADERS, EVENT_PRIORITY and EVENT_WINDOW one that ends the stream, or 0. */
  fault = 0;

  private state: State;
  /** What came of a header, or of fields of known size. */
  private readonly scratch = new Uint8Array(FRAME_HEADER_BYTES);
  private have = 0;
  /** Bytes of fields of known size that are wanted. */
  private want = 0;
  /** Bytes of the payload, without padding, that have not come. */
  private left = 0;
  private padding = 0;
  /** The stream whose header block is not complete, or 0. */
  private blockStream = 0;
  private blockFault = 0;
  private blockEndsStream = false;
  private hasBegun = false;
  private hasSettings = false;

  /** `hasPreface`: the peer is a client. */
  constructor(hasPreface: boolean) {
    this.state = hasPreface ? 'preface' : 'header';
  }

  /** A header block is open: nothing but its continuation may come. */
  get isInBlock(): boolean {
    return this.blockStream !== 0;
  }

  /** Reads up to the next event in bytes[at..end). Returns the offset behind what it took. */
  next(bytes: Uint8Array, at: number, end: number): number {
    for (;;) {
      switch (this.state) {
        case 'header': {
          let header = bytes;
          let headerAt = at;
          if (this.have > 0 || end - at < FRAME_HEADER_BYTES) {
            at = this.collect(bytes, at, end, FRAME_HEADER_BYTES);
            if (this.have < FRAME_HEADER_BYTES) return this.wait(at);
            header = this.scratch;
            headerAt = 0;
            this.have = 0;
          } else at += FRAME_HEADER_BYTES;
          this.event = EVENT_MORE;
          const fault = this.begin(header, headerAt);
          if (fault !== 0) return this.fail(fault, at);
          if (this.event !== EVENT_MORE) return at;
          break;
        }
        case 'prefix': {
          at = this.collect(bytes, at, end, this.want);
          if (this.have < this.want) return this.wait(at);
          const fault = this.readPrefix();
          if (fault !== 0) return this.fail(fault, at);
          break;
        }
        case 'part':
          // a part that is empty is told only when the frame is complete
          if (at === end && this.left > 0) return this.wait(at);
          return this.takePart(at, end);
        case 'padding': {
          const taken = Math.min(this.padding, end - at);
          this.padding -= taken;
          if (this.padding > 0) return this.wait(at + taken);
          this.from = this.to = at;
          return this.endPart(at + taken);
        }
        case 'fixed':
          at = this.collect(bytes, at, end, this.want);
          if (this.have < this.want) return this.wait(at);
          return this.readFixed(at);
        case 'settings':
          if (this.left === 0) {
            this.state = 'header';
            this.event = EVENT_SETTINGS_END;
            return at;
          }
          at = this.collect(bytes, at, end, SETTING_BYTES);
          if (this.have < SETTING_BYTES) return this.wait(at);
          this.have = 0;
          this.left -= SETTING_BYTES;
          this.id = readU16(this.scratch, 0);
          this.value = readU32(this.scratch, 2);
          this.event = EVENT_SETTING;
          return at;
        case 'skip': {
          const taken = Math.min(this.left, end - at);
          this.left -= taken;
          at += taken;
          if (this.left > 0) return this.wait(at);
          this.state = 'header';
          break;
        }
        case 'preface': {
          while (at < end && this.have < PREFACE.length) {
            if (bytes[at++] !== PREFACE[this.have++]) return this.fail(FAULT_PREFACE, at);
          }
          if (this.have < PREFACE.length) return this.wait(at);
          this.have = 0;
          this.state = 'header';
          break;
        }
        case 'failed':
          return at;
      }
    }
  }

  private wait(at: number): number {
    this.event = EVENT_MORE;
    return at;
  }

  private fail(fault: number, at: number): number {
    this.state = 'failed';
    this.event = EVENT_FAULT;
    this.fault = fault;
    return at;
  }

  /** Moves what is missing of `count` bytes to the scratch. */
  private collect(bytes: Uint8Array, at: number, end: number, count: number): number {
    while (this.have < count && at < end) this.scratch[this.have++] = bytes[at++];
    return at;
  }

  /** A frame's header is here. Returns 0 or a fault. */
  private begin(header: Uint8Array, at: number): number {
    const length = (header[at] << 16) | (header[at + 1] << 8) | header[at + 2];
    const type = header[at + 3];
    const flags = header[at + 4];
    const streamId = readU32(header, at + 5) & INT31_MAX; // the reserved bit is ignored
    this.length = length;
    this.type = type;
    this.flags = flags;
    this.streamId = streamId;
    this.fault = 0;
    if (!this.hasSettings) {
      if (type !== FRAME_SETTINGS || (flags & FLAG_ACK) !== 0) return FAULT_FIRST_FRAME;
      this.hasSettings = true;
    }
    if (length > FRAME_BYTES_MAX) return FAULT_FRAME_SIZE;
    if (this.blockStream !== 0) {
      if (type !== FRAME_CONTINUATION || streamId !== this.blockStream) return FAULT_CONTINUATION;
    } else if (type === FRAME_CONTINUATION) return streamId === 0 ? FAULT_STREAM_ZERO : FAULT_CONTINUATION;
    switch (type) {
      case FRAME_DATA:
      case FRAME_HEADERS:
        return this.beginParts();
      case FRAME_CONTINUATION:
        this.continuations++;
        this.fault = this.blockFault;
        this.left = length;
        this.padding = 0;
        this.state = 'part';
        return 0;
      case FRAME_PRIORITY:
        if (streamId === 0) return FAULT_STREAM_ZERO;
        if (length !== PRIORITY_BYTES) {
          this.fault = FAULT_STREAM_PRIORITY_SIZE;
          this.event = EVENT_PRIORITY;
          this.skip(length);
          return 0;
        }
        return this.expect(PRIORITY_BYTES);
      case FRAME_RST_STREAM:
        if (streamId === 0) return FAULT_STREAM_ZERO;
        return length === RST_STREAM_BYTES ? this.expect(RST_STREAM_BYTES) : FAULT_FRAME_SIZE;
      case FRAME_WINDOW_UPDATE:
        return length === WINDOW_UPDATE_BYTES ? this.expect(WINDOW_UPDATE_BYTES) : FAULT_FRAME_SIZE;
      case FRAME_SETTINGS:
        if (streamId !== 0) return FAULT_STREAM_NOT_ZERO;
        if ((flags & FLAG_ACK) !== 0) {
          this.event = EVENT_SETTINGS_ACK;
          return length === 0 ? 0 : FAULT_FRAME_SIZE;
        }
        this.left = length;
        this.state = 'settings';
        return length % SETTING_BYTES === 0 ? 0 : FAULT_FRAME_SIZE;
      case FRAME_PING:
        if (streamId !== 0) return FAULT_STREAM_NOT_ZERO;
        return length === PING_BYTES ? this.expect(PING_BYTES) : FAULT_FRAME_SIZE;
      case FRAME_GOAWAY:
        if (streamId !== 0) return FAULT_STREAM_NOT_ZERO;
        return length >= GOAWAY_BYTES ? this.expect(GOAWAY_BYTES) : FAULT_FRAME_SIZE;
      case FRAME_PUSH_PROMISE:
        return FAULT_PUSH_PROMISE;
      default:
        this.event = EVENT_IGNORED;
        this.skip(length);
        return 0;
    }
  }

  private expect(count: number): number {
    this.want = count;
    this.state = 'fixed';
    return 0;
  }

  private skip(length: number): void {
    this.left = length;
    this.state = 'skip';
  }

  /** DATA or HEADERS. */
  private beginParts(): number {
    const { flags, length } = this;
    if (this.streamId === 0) return FAULT_STREAM_ZERO;
    const isHeaders = this.type === FRAME_HEADERS;
    this.endsStream = (flags & FLAG_END_STREAM) !== 0;
    this.padding = 0;
    this.hasBegun = false;
    this.want = (flags & FLAG_PADDED) === 0 ? 0 : 1;
    if (isHeaders) {
      if ((flags & FLAG_PRIORITY) !== 0) this.want += PRIORITY_BYTES;
      this.continuations = 0;
      this.blockFault = 0;
      this.blockEndsStream = this.endsStream;
      this.blockStream = this.streamId;
    }
    if (length < this.want) return FAULT_FRAME_SIZE;
    this.left = this.contentBytes = length - this.want;
    this.state = this.want === 0 ? 'part' : 'prefix';
    return 0;
  }

  /** Pad length and priority are here. */
  private readPrefix(): number {
    const { flags, scratch } = this;
    this.have = 0;
    let at = 0;
    if ((flags & FLAG_PADDED) !== 0) {
      this.padding = scratch[at++];
      if (this.padding > this.left) return FAULT_PADDING;
      this.left -= this.padding;
      this.contentBytes = this.left;
    }
    if (this.type === FRAME_HEADERS && (flags & FLAG_PRIORITY) !== 0) {
      this.id = readU32(scratch, at) & INT31_MAX;
      if (this.id === this.streamId) this.fault = this.blockFault = FAULT_STREAM_DEPENDENCY;
    }
    this.state = 'part';
    return 0;
  }

  private takePart(at: number, end: number): number {
    const taken = Math.min(this.left, end - at);
    this.left -= taken;
    this.from = at;
    this.to = at + taken;
    if (this.left > 0) return this.tellPart(false, this.to);
    const padding = Math.min(this.padding, end - this.to);
    this.padding -= padding;
    if (this.padding > 0) {
      this.state = 'padding';
      return this.tellPart(false, this.to + padding);
    }
    return this.endPart(this.to + padding);
  }

  /** The frame is complete. */
  private endPart(at: number): number {
    this.state = 'header';
    if (this.type === FRAME_DATA) return this.tellPart(true, at);
    const endsBlock = (this.flags & FLAG_END_HEADERS) !== 0;
    if (endsBlock) this.blockStream = 0;
    return this.tellPart(endsBlock, at);
  }

  private tellPart(isLast: boolean, at: number): number {
    const isData = this.type === FRAME_DATA;
    this.event = isData ? EVENT_DATA : EVENT_HEADERS;
    if (!isData) this.endsStream = this.blockEndsStream;
    this.isFirst = !this.hasBegun;
    this.hasBegun = true;
    this.isLast = isLast;
    return at;
  }

  /** The fields of known size are here. */
  private readFixed(at: number): number {
    const { scratch } = this;
    this.have = 0;
    this.state = 'header';
    switch (this.type) {
      case FRAME_PRIORITY:
        this.id = readU32(scratch, 0) & INT31_MAX;
        if (this.id === this.streamId) this.fault = FAULT_STREAM_DEPENDENCY;
        this.event = EVENT_PRIORITY;
        return at;
      case FRAME_RST_STREAM:
        this.value = readU32(scratch, 0);
        this.event = EVENT_RESET;
        return at;
      case FRAME_WINDOW_UPDATE:
        this.value = readU32(scratch, 0) & INT31_MAX;
        if (this.value === 0) {
          if (this.streamId === 0) return this.fail(FAULT_INCREMENT_ZERO, at);
          this.fault = FAULT_STREAM_INCREMENT_ZERO;
        }
        this.event = EVENT_WINDOW;
        return at;
      case FRAME_PING:
        for (let i = 0; i < PING_BYTES; i++) this.opaque[i] = scratch[i];
        this.event = (this.flags & FLAG_ACK) === 0 ? EVENT_PING : EVENT_PING_ACK;
        return at;
      default:
        this.id = readU32(scratch, 0) & INT31_MAX;
        this.value = readU32(scratch, 4);
        this.event = EVENT_GOAWAY;
        this.skip(this.length - GOAWAY_BYTES);
        return at;
    }
  }
}
