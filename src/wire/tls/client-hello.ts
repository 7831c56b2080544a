/**
 * What a TLS client says first, in clear: the host name that it wants (SNI, RFC 6066 section 3) and the protocols that it offers (ALPN,
 * RFC 7301). Read as it comes, over as many records as it takes (RFC 8446 sections 4.1.2 and 5.1); nothing is answered or decrypted.
 */
import { isHostName } from '../host-name.ts';

/** What is read at most, records' heads included. Hellos with post-quantum keys have 1.8 KiB. */
export const HELLO_BYTES_MAX = 16 * 1024;

/** More has to come. */
export const HELLO_MORE = 0;
/** It is no ClientHello. */
export const HELLO_NONE = -1;
export const HELLO_READ = 1;

export class ClientHello {
  /** Lower-case, without a dot at its end. Empty: it says none. */
  serverName = '';
  protocols: readonly string[] = [];
  /** It has what a session can be resumed by. */
  isResuming = false;
}

const RECORD_HEAD_BYTES = 5;
/** RFC 8446 section 5.1; none of plain text is longer. */
const RECORD_BYTES_MAX = 1 << 14;
/** Who sends each byte in a record of its own wants to see how long we go on reading. */
const RECORDS_MAX = 1024;
const CONTENT_HANDSHAKE = 22;
const MAJOR_VERSION = 3;
const MESSAGE_HEAD_BYTES = 4;
const CLIENT_HELLO = 1;
const RANDOM_BYTES = 32;
const EXTENSION_SERVER_NAME = 0;
const EXTENSION_ALPN = 16;
const EXTENSION_SESSION_TICKET = 35;
const EXTENSION_PRE_SHARED_KEY = 41;
const EXTENSION_SUPPORTED_VERSIONS = 43;
const NAME_IS_HOST = 0;

/** The handshake's bytes, without the records around them. */
const message = new Uint8Array(HELLO_BYTES_MAX);

/** HELLO_READ: the ClientHello that bytes[at..end) begins with is in `into`. */
export function readClientHello(bytes: Uint8Array, at: number, end: number, into: ClientHello): number {
  let length = 0;
  let wanted = MESSAGE_HEAD_BYTES;
  for (let records = 0; length < wanted; records++) {
    if (records === RECORDS_MAX) return HELLO_NONE;
    const there = end - at;
    if (there > 0 && bytes[at] !== CONTENT_HANDSHAKE) return HELLO_NONE;
    if (there > 1 && bytes[at + 1] !== MAJOR_VERSION) return HELLO_NONE;
    if (there < RECORD_HEAD_BYTES) return HELLO_MORE;
    const recordBytes = (bytes[at + 3] << 8) | bytes[at + 4];
    if (recordBytes === 0 || recordBytes > RECORD_BYTES_MAX) return HELLO_NONE;
    at += RECORD_HEAD_BYTES;
    const count = Math.min(recordBytes, end - at);
    if (length + count > message.length) return HELLO_NONE;
    message.set(bytes.subarray(at, at + count), length);
    length += count;
    at += count;
    if (length > 0 && message[0] !== CLIENT_HELLO) return HELLO_NONE;
    if (length >= MESSAGE_HEAD_BYTES) {
      wanted = MESSAGE_HEAD_BYTES + ((message[1] << 16) | (message[2] << 8) | message[3]);
      if (wanted > message.length) return HELLO_NONE;
    }
    if (count < recordBytes && length < wanted) return HELLO_MORE;
  }
  // Behind it in the same record may stand nothing: what a server answers has to come first.
  return length === wanted && new Reading(message, MESSAGE_HEAD_BYTES, wanted).read(into) ? HELLO_READ : HELLO_NONE;
}

/** A part of the message. What it lacks, it says by `isRight`. */
class Reading {
  private readonly bytes: Uint8Array;
  private at: number;
  private readonly end: number;
  isRight = true;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  read(into: ClientHello): boolean {
    this.skip(2 + RANDOM_BYTES);
    const hasSessionId = !this.vector(1).isOver;
    this.vector(2); // cipher suites
    this.vector(1); // compression methods
    into.serverName = '';
    into.protocols = [];
    into.isResuming = hasSessionId;
    // RFC 5246 knew hellos without extensions
    if (!this.isRight || this.isOver) return this.isRight;
    const extensions = this.vector(2);
    const seen = new Set<number>();
    let hasTicket = false;
    while (!extensions.isOver) {
      const type = extensions.number(2);
      const data = extensions.vector(2);
      if (seen.has(type)) return false;
      seen.add(type);
      if (type === EXTENSION_SERVER_NAME) into.serverName = data.serverName();
      else if (type === EXTENSION_ALPN) into.protocols = data.protocolNames();
      else if (type === EXTENSION_SESSION_TICKET) hasTicket = !data.isOver;
      if (!data.isRight) return false;
    }
    // of TLS 1.3, an identifier is there for the looks (RFC 8446 appendix D.4)
    const isOlder = hasSessionId && !seen.has(EXTENSION_SUPPORTED_VERSIONS);
    into.isResuming = seen.has(EXTENSION_PRE_SHARED_KEY) || hasTicket || isOlder;
    return this.isRight && this.isOver && extensions.isRight;
  }

  private serverName(): string {
    const names = this.vector(2);
    let found = '';
    while (!names.isOver) {
      const kind = names.number(1);
      const name = names.vector(2).text().toLowerCase();
      if (kind === NAME_IS_HOST && found === '') found = name.endsWith('.') ? name.slice(0, -1) : name;
    }
    this.isRight &&= names.isRight && this.isOver;
    return isHostName(found) ? found : '';
  }

  private protocolNames(): readonly string[] {
    const list = this.vector(2);
    const names: string[] = [];
    while (!list.isOver) names.push(list.vector(1).text());
    this.isRight &&= list.isRight && this.isOver;
    return names;
  }

  private get isOver(): boolean {
    return this.at >= this.end || !this.isRight;
  }

  private skip(bytes: number): void {
    this.at += bytes;
    if (this.at > this.end) this.isRight = false;
  }

  private number(bytes: number): number {
    const from = this.at;
    this.skip(bytes);
    let number = 0;
    for (let i = 0; i < bytes; i++) number = (number << 8) | this.bytes[from + i];
    return this.isRight ? number : 0;
  }

  /** What follows, with its length in so many bytes in front. */
  private vector(lengthBytes: number): Reading {
    const length = this.number(lengthBytes);
    const from = this.at;
    this.skip(length);
    return this.isRight ? new Reading(this.bytes, from, from + length) : new Reading(this.bytes, 0, 0);
  }

  private text(): string {
    return String.fromCharCode(...this.bytes.subarray(this.at, this.end));
  }
}
