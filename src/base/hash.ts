/**
 * MurmurHash3 x86_32 (Austin Appleby, public domain) of a byte range. Its values are part of what this program
 * promises: consistent hashing on two machines, or before and after an upgrade, agrees only while they never change.
 *
 * Not for secrets, and not for a table that a peer can fill: a peer can find collisions.
 *
 * The result is a signed 32-bit integer: V8 passes those without allocating, unsigned ones above 2^31 not.
 */
const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** `length` bytes of `bytes` from `offset`; `seed` is any 32-bit integer. -2^31..2^31-1. */
export function hashBytes(bytes: Uint8Array, offset: number, length: number, seed: number): number {
  let h = seed;
  let at = offset;
  const end = offset + length;
  for (const blocksEnd = end - (length & 3); at < blocksEnd; at += 4) {
    h = mixBlock(h, bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
  }
  if (at < end) {
    let tail = bytes[at];
    if (at + 1 < end) tail |= bytes[at + 1] << 8;
    if (at + 2 < end) tail |= bytes[at + 2] << 16;
    h ^= mixWord(tail);
  }
  return mixHash(h ^ length);
}

/** The same of the bytes with A-Z taken as a-z: host names and field names in any case. */
export function hashBytesLower(bytes: Uint8Array, offset: number, length: number, seed: number): number {
  let h = seed;
  let at = offset;
  const end = offset + length;
  for (const blocksEnd = end - (length & 3); at < blocksEnd; at += 4) {
    h = mixBlock(h, lower4(bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)));
  }
  if (at < end) {
    let tail = bytes[at];
    if (at + 1 < end) tail |= bytes[at + 1] << 8;
    if (at + 2 < end) tail |= bytes[at + 2] << 16;
    h ^= mixWord(lower4(tail));
  }
  return mixHash(h ^ length);
}

/** Spreads a 32-bit integer over all 32 bits, one to one. -2^31..2^31-1. */
export function mixHash(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function mixWord(word: number): number {
  const k = Math.imul(word, C1);
  return Math.imul((k << 15) | (k >>> 17), C2);
}

function mixBlock(h: number, word: number): number {
  const mixed = h ^ mixWord(word);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** Four bytes at once: sets bit 5 of each that is A-Z. */
function lower4(word: number): number {
  const low7 = word & 0x7f7f7f7f;
  const fromA = low7 + 0x3f3f3f3f; // bit 7 of a byte: >= 'A'
  const aboveZ = low7 + 0x25252525; // bit 7 of a byte: > 'Z'
  return word | ((fromA & ~aboveZ & ~word & 0x80808080) >>> 2);
}

/** A hash of four 32-bit words, such as an IP address; as stable as the others. -2^31..2^31-1. */
export function hashWords(a: number, b: number, c: number, d: number): number {
  return mixHash(mixHash(mixHash(mixHash(a) ^ b) ^ c) ^ d);
}
