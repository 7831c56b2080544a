/**
 * The authentication trailer of keepalived 2.4.2 and later (`auth_hmac`, draft-cassen-vrrp-auth-hmac): 28 bytes behind
 * an advert of either version.
 *
 *   0   type, 1
 *   1   key id
 *   2   reserved, zero, 2 bytes
 *   4   seconds since 1970, 4 bytes
 *   8   fraction of a second, 2 bytes
 *   10  counter, 2 bytes
 *   12  the first 16 bytes of HMAC-SHA-256
 *
 * The code covers a pseudo-header (family 4 or 6, version, virtual router id, zero, the source address in 16 bytes), the
 * advert with its checksum as zero, and the trailer with its code as zero. Offsets 4 to 11 are one number that must grow
 * from advert to advert: the sequence.
 */
import { assert } from '../../base/assert.ts';
import { readU16, readU32, writeU16, writeU32 } from '../../base/bytes.ts';
import { equalInConstantTime, HmacSha256, SHA256_BYTES } from '../sha256.ts';

export const TRAILER_BYTES = 28;
/** Shorter keys are refused, as keepalived does. */
export const KEY_BYTES_MIN = 32;
export const KEY_BYTES_MAX = 64;

const TYPE_HMAC_SHA256 = 1;
const SEQUENCE = 4;
const CODE = 12;
const CODE_BYTES = 16;
const CHECKSUM = 6;
const PSEUDO_HEADER_BYTES = 20;
const ZEROS = new Uint8Array(CODE_BYTES);

/** Whether the trailer of the advert that ends at `end` has a known layout. */
export function isTrailerWellFormed(bytes: Uint8Array, end: number): boolean {
  const at = end - TRAILER_BYTES;
  return bytes[at] === TYPE_HMAC_SHA256 && readU16(bytes, at + 2) === 0;
}

export function trailerKeyId(bytes: Uint8Array, end: number): number {
  return bytes[end - TRAILER_BYTES + 1];
}

export function trailerSequence(bytes: Uint8Array, end: number): bigint {
  const at = end - TRAILER_BYTES + SEQUENCE;
  return (BigInt(readU32(bytes, at)) << 32n) | BigInt(readU32(bytes, at + 4));
}

/** A shared secret under its id. */
export class TrailerKey {
  /** 1..255 */
  readonly id: number;
  private readonly hmac: HmacSha256;
  private readonly pseudoHeader = new Uint8Array(PSEUDO_HEADER_BYTES);
  private readonly digest = new Uint8Array(SHA256_BYTES);

  constructor(id: number, secret: Uint8Array) {
    assert(id >= 1 && id <= 255, 'a key id is 1 to 255');
    assert(secret.length >= KEY_BYTES_MIN && secret.length <= KEY_BYTES_MAX, 'a key is 32 to 64 bytes');
    this.id = id;
    this.hmac = new HmacSha256(secret);
  }

  /** Whether the code of the advert bytes[start..end), trailer included, is of this key. */
  verify(bytes: Uint8Array, start: number, end: number, source: Uint8Array): boolean {
    this.computeCode(bytes, start, end, source);
    return equalInConstantTime(this.digest, 0, bytes, end - TRAILER_BYTES + CODE, CODE_BYTES);
  }

  /** Writes the trailer of the advert into[at..messageEnd) behind it and returns its end. */
  emit(into: Uint8Array, at: number, messageEnd: number, source: Uint8Array, sequence: bigint): number {
    const end = messageEnd + TRAILER_BYTES;
    into[messageEnd] = TYPE_HMAC_SHA256;
    into[messageEnd + 1] = this.id;
    writeU16(into, messageEnd + 2, 0);
    writeU32(into, messageEnd + SEQUENCE, Number(sequence >> 32n));
    writeU32(into, messageEnd + SEQUENCE + 4, Number(sequence & 0xffffffffn));
    this.computeCode(into, at, end, source);
    into.set(this.digest.subarray(0, CODE_BYTES), messageEnd + CODE);
    return end;
  }

  /** Leaves the code in `digest`. */
  private computeCode(bytes: Uint8Array, start: number, end: number, source: Uint8Array): void {
    const { hmac, pseudoHeader } = this;
    pseudoHeader.fill(0);
    pseudoHeader[0] = source.length === 4 ? 4 : 6;
    pseudoHeader[1] = bytes[start] >> 4;
    pseudoHeader[2] = bytes[start + 1];
    pseudoHeader.set(source, 4);
    hmac.begin();
    hmac.update(pseudoHeader, 0, PSEUDO_HEADER_BYTES);
    hmac.update(bytes, start, start + CHECKSUM);
    hmac.update(ZEROS, 0, 2);
    hmac.update(bytes, start + CHECKSUM + 2, end - TRAILER_BYTES + CODE);
    hmac.update(ZEROS, 0, CODE_BYTES);
    hmac.finish(this.digest, 0);
  }
}
