/**
 * HalfSipHash-2-4 (J.-P. Aumasson, D. J. Bernstein, "SipHash"; the variant with 32-bit words and 64 bits of result): a hash of
 * what strangers choose, under a key that they do not know, so that they cannot find texts that fall together.
 */
export class KeyedHash {
  /** Of the text that was hashed last: two signed 32-bit integers. */
  first = 0;
  second = 0;
  private v0 = 0;
  private v1 = 0;
  private v2 = 0;
  private v3 = 0;

  /** `key0`, `key1`: any 32-bit integers. */
  hash(bytes: Uint8Array, at: number, length: number, key0: number, key1: number): void {
    this.v0 = key0;
    this.v1 = key1 ^ 0xee;
    this.v2 = 0x6c796765 ^ key0;
    this.v3 = 0x74656462 ^ key1;
    const end = at + length;
    const blocksEnd = end - (length & 3);
    for (; at < blocksEnd; at += 4) {
      this.take(bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
    }
    let last = length << 24;
    for (let shift = 0; at < end; at++, shift += 8) last |= bytes[at] << shift;
    this.take(last);
    this.v2 ^= 0xee;
    this.rounds(4);
    this.first = this.v1 ^ this.v3;
    this.v1 ^= 0xdd;
    this.rounds(4);
    this.second = this.v1 ^ this.v3;
  }

  private take(word: number): void {
    this.v3 ^= word;
    this.rounds(2);
    this.v0 ^= word;
  }

  private rounds(count: number): void {
    let { v0, v1, v2, v3 } = this;
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) | 0;
      v1 = turn(v1, 5) ^ v0;
      v0 = turn(v0, 16);
      v2 = (v2 + v3) | 0;
      v3 = turn(v3, 8) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = turn(v3, 7) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = turn(v1, 13) ^ v2;
      v2 = turn(v2, 16);
    }
    this.v0 = v0;
    this.v1 = v1;
    this.v2 = v2;
    this.v3 = v3;
  }
}

function turn(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
