/**
 * Netlink messages (netlink(7)): a header of 16 bytes, a fixed part, and attributes, each padded to four bytes, all in host
 * byte order. A buffer holds as many messages as fit; the kernel handles them in their order.
 */

export const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_DUMP = 0x300;
const NLM_F_DUMP_INTR = 0x10;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
export const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;
const LITTLE = true;

export class NetlinkWriter {
  private bytes = new Uint8Array(4096);
  private view = new DataView(this.bytes.buffer);
  private end = 0;
  private messageAt = 0;
  private count = 0;

  /** How many messages were written. */
  get messages(): number {
    return this.count;
  }

  /** Begins a message; its sequence number is set when it is sent. */
  begin(type: number, flags: number, fixed: Uint8Array): void {
    this.finish();
    this.reserve(HEADER_BYTES + fixed.length);
    this.messageAt = this.end;
    this.view.setUint16(this.end + 4, type, LITTLE);
    this.view.setUint16(this.end + 6, flags | NLM_F_REQUEST, LITTLE);
    this.bytes.set(fixed, this.end + HEADER_BYTES);
    this.end += pad(HEADER_BYTES + fixed.length);
    this.count++;
  }

  attribute(type: number, value: Uint8Array): void {
    this.reserve(ATTRIBUTE_HEADER_BYTES + value.length);
    this.view.setUint16(this.end, ATTRIBUTE_HEADER_BYTES + value.length, LITTLE);
    this.view.setUint16(this.end + 2, type, LITTLE);
    this.bytes.set(value, this.end + ATTRIBUTE_HEADER_BYTES);
    this.end += pad(ATTRIBUTE_HEADER_BYTES + value.length);
  }

  u8(type: number, value: number): void {
    this.attribute(type, Uint8Array.of(value));
  }

  u32(type: number, value: number): void {
    this.attribute(type, u32Bytes(value));
  }

  text(type: number, value: string): void {
    this.attribute(type, new Uint8Array(Buffer.from(`${value}\0`)));
  }

  nest(type: number, inner: () => void): void {
    const at = this.end;
    this.attribute(type | NESTED, new Uint8Array(0));
    inner();
    this.view.setUint16(at, this.end - at, LITTLE);
  }

  /** The messages. They stay valid, and may be sent again. */
  finished(): Uint8Array {
    this.finish();
    return this.bytes.slice(0, this.end);
  }

  private finish(): void {
    if (this.count > 0) this.view.setUint32(this.messageAt, this.end - this.messageAt, LITTLE);
  }

  private reserve(more: number): void {
    const needed = this.end + pad(more) + ATTRIBUTE_HEADER_BYTES;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    larger.set(this.bytes);
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}

/** One message in a buffer. */
export interface NetlinkMessage {
  readonly type: number;
  readonly sequence: number;
  /** Something has changed between the parts of this answer. */
  readonly isTorn: boolean;
  /** Of the fixed part and the attributes. */
  readonly start: number;
  readonly end: number;
}

/** The messages in bytes[0..length); what is cut off is left out. */
export function* netlinkMessages(view: DataView, length: number): Generator<NetlinkMessage> {
  for (let at = 0; at + HEADER_BYTES <= length;) {
    const bytes = view.getUint32(at, LITTLE);
    if (bytes < HEADER_BYTES || at + bytes > length) return;
    const type = view.getUint16(at + 4, LITTLE);
    const sequence = view.getUint32(at + 8, LITTLE);
    const isTorn = (view.getUint16(at + 6, LITTLE) & NLM_F_DUMP_INTR) !== 0;
    yield { type, sequence, isTorn, start: at + HEADER_BYTES, end: at + bytes };
    at += pad(bytes);
  }
}

/** Sets the sequence numbers of all messages: `first`, `first` + 1, ...; returns the next one. */
export function numberMessages(messages: Uint8Array, first: number): number {
  const view = new DataView(messages.buffer, messages.byteOffset, messages.length);
  let sequence = first;
  for (let at = 0; at < messages.length; at += pad(view.getUint32(at, LITTLE))) {
    view.setUint32(at + 8, sequence++, LITTLE);
  }
  return sequence;
}

/** The same messages in parts of at most so many. */
export function* portions(messages: Uint8Array, countMax: number): Generator<Uint8Array> {
  const view = new DataView(messages.buffer, messages.byteOffset, messages.length);
  for (let start = 0, end = 0; start < messages.length; start = end) {
    for (let count = 0; count < countMax && end < messages.length; count++) end += pad(view.getUint32(end, LITTLE));
    yield messages.subarray(start, end);
  }
}

/** The attributes in bytes[start..end) by their type. Views, not copies. */
export function readAttributes(bytes: Uint8Array, start: number, end: number): Map<number, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const attributes = new Map<number, Uint8Array>();
  for (let at = start; at + ATTRIBUTE_HEADER_BYTES <= end;) {
    const length = view.getUint16(at, LITTLE);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > end) break;
    attributes.set(
      view.getUint16(at + 2, LITTLE) & TYPE_MASK,
      bytes.subarray(at + ATTRIBUTE_HEADER_BYTES, at + length),
    );
    at += pad(length);
  }
  return attributes;
}

/** The first one of this type: where there are thousands of lists, and little is wanted of each. */
export function findAttribute(bytes: Uint8Array, type: number): Uint8Array | undefined {
  for (let at = 0; at + ATTRIBUTE_HEADER_BYTES <= bytes.length;) {
    const length = bytes[at] | (bytes[at + 1] << 8);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > bytes.length) return undefined;
    if (((bytes[at + 2] | (bytes[at + 3] << 8)) & TYPE_MASK) === type)
      return bytes.subarray(at + ATTRIBUTE_HEADER_BYTES, at + length);
    at += pad(length);
  }
  return undefined;
}

export function readU32(bytes: Uint8Array, at = 0): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, LITTLE);
}

export function u32Bytes(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setUint32(4 * i, value, LITTLE));
  return bytes;
}

function pad(length: number): number {
  return (length + 3) & ~3;
}
