/**
 * The VRRP advertisement: version 3 (RFC 9568 section 5) over IPv4 and IPv6, version 2 (RFC 3768 section 5) over IPv4.
 *
 * `AdvertView` reads an advert where it was received; `Advert` is the value that is sent. Neither decides anything: which
 * adverts a router believes is core/vrrp's matter.
 *
 *   offset  version 2                     version 3
 *   0       version 4 bits, type 4 bits   the same
 *   1       virtual router id             the same
 *   2       priority                      the same
 *   3       count of addresses            the same
 *   4       authentication type           reserved 4 bits, and with the next byte
 *   5       interval, seconds             interval 12 bits, centiseconds
 *   6       checksum, 2 bytes             the same
 *   8       addresses of 4 bytes          addresses of 4 or 16 bytes
 *           authentication data, 8 bytes
 *
 * Behind it may stand the 28 bytes of trailer.ts.
 */
import { assert } from '../../base/assert.ts';
import { readU16, writeU16 } from '../../base/bytes.ts';
import { addToSum, finishSum, pseudoHeaderSum } from '../checksum.ts';
import { TRAILER_BYTES } from './trailer.ts';

export const VRRP_PROTOCOL = 112;
/** TTL and hop limit of everything sent (sections 5.1.1.3 and 5.1.2.3). */
export const VRRP_TTL = 255;
export const VRRP_GROUP_4: Uint8Array = Uint8Array.of(224, 0, 0, 18);
export const VRRP_GROUP_6: Uint8Array = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12);

/** The router that owns the addresses (section 5.2.4). */
export const PRIORITY_OWNER = 255;
/** The active router gives up (section 5.2.4). */
export const PRIORITY_RELEASE = 0;
/** The 12 bits of version 3 hold 40.95 s. */
export const INTERVAL_CS_MAX = 4095;

export const AUTH_NONE = 0;
export const AUTH_PASSWORD = 1;
export const AUTH_HEADER = 2;

const HEADER_BYTES = 8;
const V2_AUTH_BYTES = 8;
const TYPE_ADVERTISEMENT = 1;
const CHECKSUM = 6;

export type Family = 4 | 6;
export type Version = 2 | 3;

/**
 * What a checksum was taken over. Version 2: always the message. IPv6: always the message behind a pseudo-header. Version
 * 3 over IPv4 is sent in both forms: RFC 5798 was read as asking for the pseudo-header (keepalived, FRR, Wireshark), RFC
 * 9568 section 5.2.8 settles on the message alone.
 */
export type ChecksumForm = 'message' | 'pseudo-header';
/** `both`: the pseudo-header came to zero, and the forms are the same bytes. */
export type ChecksumMatch = ChecksumForm | 'both';

export interface Advert {
  readonly version: Version;
  /** 1..255 */
  readonly virtualRouterId: number;
  /** 0..255 */
  readonly priority: number;
  /** Hundredths of a second: 1..4095; version 2: whole seconds, 100..25500. */
  readonly intervalCs: number;
  /** 1..255 addresses of 4 or 16 bytes, all of the family of the IP packet. */
  readonly addresses: readonly Uint8Array[];
  /** Version 2 only; `data` is 8 bytes. */
  readonly auth: { readonly type: number; readonly data: Uint8Array } | null;
}

export type AdvertFault =
  | 'truncated' // shorter than its own count of addresses says
  | 'version' // neither 2 over IPv4 nor 3
  | 'type' // not an advertisement
  | 'address-count' // no address
  | 'length' // longer than its count of addresses says, by something that is no trailer
  | 'interval'; // zero

/**
 * An advert in a buffer that it does not own. `wrap` points it at one; after `wrap` returned null, and as long as the
 * bytes stay, no accessor fails.
 */
export class AdvertView {
  private bytes: Uint8Array = new Uint8Array(0);
  private start = 0;
  private messageEnd = 0;
  private end = 0;
  private addressBytes: 4 | 16 = 4;

  /** Wraps the IP payload bytes[start..end) of a packet of that family. Section 7.1 but for TTL, checksum and id. */
  wrap(bytes: Uint8Array, start: number, end: number, family: Family): AdvertFault | null {
    if (end - start < HEADER_BYTES) return 'truncated';
    const version = bytes[start] >> 4;
    if (version !== 3 && !(version === 2 && family === 4)) return 'version';
    if ((bytes[start] & 0x0f) !== TYPE_ADVERTISEMENT) return 'type';
    const count = bytes[start + 3];
    if (count === 0) return 'address-count';
    this.addressBytes = family === 4 ? 4 : 16;
    this.messageEnd = start + HEADER_BYTES + count * this.addressBytes + (version === 2 ? V2_AUTH_BYTES : 0);
    if (this.messageEnd > end) return 'truncated';
    if (end !== this.messageEnd && end !== this.messageEnd + TRAILER_BYTES) return 'length';
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    return this.intervalCs === 0 ? 'interval' : null;
  }

  get version(): Version {
    return this.bytes[this.start] >> 4 === 2 ? 2 : 3;
  }

  get virtualRouterId(): number {
    return this.bytes[this.start + 1];
  }

  get priority(): number {
    return this.bytes[this.start + 2];
  }

  get addressCount(): number {
    return this.bytes[this.start + 3];
  }

  /** Hundredths of a second, in both versions. The reserved bits of version 3 are ignored (section 5.2.6). */
  get intervalCs(): number {
    if (this.version === 2) return this.bytes[this.start + 5] * 100;
    return readU16(this.bytes, this.start + 4) & 0x0fff;
  }

  /** AUTH_...; AUTH_NONE in version 3. */
  get authType(): number {
    return this.version === 2 ? this.bytes[this.start + 4] : AUTH_NONE;
  }

  get checksum(): number {
    return readU16(this.bytes, this.start + CHECKSUM);
  }

  /** Has the 28 bytes behind the message: see trailer.ts. */
  get hasTrailer(): boolean {
    return this.end > this.messageEnd;
  }

  /** The form the checksum is right in, or null. `source` and `destination` are those of the IP packet. */
  checksumForm(source: Uint8Array, destination: Uint8Array): ChecksumMatch | null {
    const { bytes, start, messageEnd } = this;
    // Over IPv6 the kernel makes the checksum, of all that it is given to send: the trailer is under it. Over IPv4 it
    // is the sender's, and the trailer is not.
    const isV6 = this.addressBytes === 16;
    const coveredEnd = isV6 ? this.end : messageEnd;
    const sum = addToSum(0, bytes, start, coveredEnd);
    const isMessageRight = !isV6 && finishSum(sum) === 0;
    if (this.version === 2) return isMessageRight ? 'message' : null;
    const pseudo = pseudoHeaderSum(source, destination, VRRP_PROTOCOL, coveredEnd - start);
    const isPseudoRight = finishSum(sum + pseudo) === 0;
    if (isMessageRight) return isPseudoRight ? 'both' : 'message';
    return isPseudoRight ? 'pseudo-header' : null;
  }

  /** Whether the eight bytes of version 2's authentication data are these. */
  hasAuthData(data: Uint8Array): boolean {
    const at = this.messageEnd - V2_AUTH_BYTES;
    for (let i = 0; i < V2_AUTH_BYTES; i++) if (this.bytes[at + i] !== data[i]) return false;
    return true;
  }

  /** Whether these are the addresses of the advert, in any order. Neither list names an address twice. */
  hasAddresses(addresses: readonly Uint8Array[]): boolean {
    if (addresses.length !== this.addressCount) return false;
    return addresses.every((address) => this.hasAddress(address));
  }

  /** A copy of the address with that index. */
  address(index: number): Uint8Array {
    const at = this.start + HEADER_BYTES + index * this.addressBytes;
    return this.bytes.slice(at, at + this.addressBytes);
  }

  /** Everything but the checksum as a value, copied. */
  toAdvert(): Advert {
    const dataAt = this.messageEnd - V2_AUTH_BYTES;
    return {
      version: this.version,
      virtualRouterId: this.virtualRouterId,
      priority: this.priority,
      intervalCs: this.intervalCs,
      addresses: Array.from({ length: this.addressCount }, (_, index) => this.address(index)),
      auth: this.version === 2 ? { type: this.authType, data: this.bytes.slice(dataAt, this.messageEnd) } : null,
    };
  }

  hasAddress(address: Uint8Array): boolean {
    let at = this.start + HEADER_BYTES;
    for (let index = 0; index < this.addressCount; index++, at += this.addressBytes) {
      let same = 0;
      while (same < this.addressBytes && this.bytes[at + same] === address[same]) same++;
      if (same === this.addressBytes) return true;
    }
    return false;
  }
}

/** The length of the message, without trailer. */
export function advertBytes(advert: Advert): number {
  const addressBytes = advert.addresses[0].length;
  return HEADER_BYTES + advert.addresses.length * addressBytes + (advert.version === 2 ? V2_AUTH_BYTES : 0);
}

/** Writes the message with a checksum of zero at `into[at]` and returns its end. */
export function emitAdvert(advert: Advert, into: Uint8Array, at: number): number {
  const { addresses, auth, intervalCs, version } = advert;
  assert(addresses.length >= 1 && addresses.length <= 255, 'an advert names 1 to 255 addresses');
  assert((auth !== null) === (version === 2), 'authentication data is of version 2');
  into[at] = (version << 4) | TYPE_ADVERTISEMENT;
  into[at + 1] = advert.virtualRouterId;
  into[at + 2] = advert.priority;
  into[at + 3] = addresses.length;
  if (auth === null) {
    assert(intervalCs >= 1 && intervalCs <= INTERVAL_CS_MAX, 'interval of version 3 out of range');
    writeU16(into, at + 4, intervalCs);
  } else {
    assert(intervalCs % 100 === 0 && intervalCs >= 100 && intervalCs <= 25500, 'interval of version 2 out of range');
    into[at + 4] = auth.type;
    into[at + 5] = intervalCs / 100;
  }
  writeU16(into, at + CHECKSUM, 0);
  let end = at + HEADER_BYTES;
  for (const address of addresses) {
    assert(address.length === addresses[0].length, 'the addresses of an advert are of one family');
    into.set(address, end);
    end += address.length;
  }
  if (auth !== null) {
    assert(auth.data.length === V2_AUTH_BYTES, 'authentication data is 8 bytes');
    into.set(auth.data, end);
    end += V2_AUTH_BYTES;
  }
  return end;
}

/**
 * Writes the checksum of the advert at into[at..end). Over IPv4 `end` is the end of the message; over IPv6 that of the
 * trailer, if there is one, which must have been written before.
 */
export function fillAdvertChecksum(
  into: Uint8Array,
  at: number,
  end: number,
  form: ChecksumForm,
  source: Uint8Array,
  destination: Uint8Array,
): void {
  assert(form === 'pseudo-header' || source.length === 4, 'over IPv6 the checksum has a pseudo-header');
  const sum = form === 'message' ? 0 : pseudoHeaderSum(source, destination, VRRP_PROTOCOL, end - at);
  writeU16(into, at + CHECKSUM, 0);
  writeU16(into, at + CHECKSUM, finishSum(addToSum(sum, into, at, end)));
}

/** 00-00-5E-00-01-{VRID} for IPv4, 00-00-5E-00-02-{VRID} for IPv6 (section 7.3). */
export function virtualMac(family: Family, virtualRouterId: number): Uint8Array {
  return Uint8Array.of(0, 0, 0x5e, 0, family === 4 ? 1 : 2, virtualRouterId);
}

/** The eight bytes that stand for a password: its first eight characters, as keepalived cuts it, and zeros. */
export function passwordData(password: string): Uint8Array {
  const data = new Uint8Array(V2_AUTH_BYTES);
  for (let i = 0; i < Math.min(password.length, V2_AUTH_BYTES); i++) data[i] = password.charCodeAt(i);
  return data;
}
