/**
 * SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104), for the authentication of VRRP adverts.
 *
 * Written here and not taken from the host through a port: the pure layers, and with them the simulator, then sign and
 * verify exactly as production does; and at a hundred adverts a second of three blocks each, speed does not matter.
 * Not constant in time over the length of its input, which is public; constant over keys and data.
 */
import { assert } from '../base/assert.ts';

export const SHA256_BYTES = 32;
const BLOCK_BYTES = 64;

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4 section 4.2.2). */
const K = Int32Array.of(
  0x428a2f98,
  0x71374491,
  0xb5c0fbcf,
  0xe9b5dba5,
  0x3956c25b,
  0x59f111f1,
  0x923f82a4,
  0xab1c5ed5,
  0xd807aa98,
  0x12835b01,
  0x243185be,
  0x550c7dc3,
  0x72be5d74,
  0x80deb1fe,
  0x9bdc06a7,
  0xc19bf174,
  0xe49b69c1,
  0xefbe4786,
  0x0fc19dc6,
  0x240ca1cc,
  0x2de92c6f,
  0x4a7484aa,
  0x5cb0a9dc,
  0x76f988da,
  0x983e5152,
  0xa831c66d,
  0xb00327c8,
  0xbf597fc7,
  0xc6e00bf3,
  0xd5a79147,
  0x06ca6351,
  0x14292967,
  0x27b70a85,
  0x2e1b2138,
  0x4d2c6dfc,
  0x53380d13,
  0x650a7354,
  0x766a0abb,
  0x81c2c92e,
  0x92722c85,
  0xa2bfe8a1,
  0xa81a664b,
  0xc24b8b70,
  0xc76c51a3,
  0xd192e819,
  0xd6990624,
  0xf40e3585,
  0x106aa070,
  0x19a4c116,
  0x1e376c08,
  0x2748774c,
  0x34b0bcb5,
  0x391c0cb3,
  0x4ed8aa4a,
  0x5b9cca4f,
  0x682e6ff3,
  0x748f82ee,
  0x78a5636f,
  0x84c87814,
  0x8cc70208,
  0x90befffa,
  0xa4506ceb,
  0xbef9a3f7,
  0xc67178f2,
);

/** The same of the square roots of the first 8 primes (section 5.3.3). */
const INITIAL = Int32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);

/** One hash at a time: `begin`, any number of `update`, `finish`; then `begin` again. */
export class Sha256 {
  private readonly state = new Int32Array(8);
  private readonly block = new Uint8Array(BLOCK_BYTES);
  private readonly schedule = new Int32Array(64);
  private totalBytes = 0;

  constructor() {
    this.begin();
  }

  begin(): void {
    this.state.set(INITIAL);
    this.totalBytes = 0;
  }

  /** Continues from a state that `save` copied, after `totalBytes` bytes: a multiple of the block. */
  resume(saved: Int32Array, totalBytes: number): void {
    assert(totalBytes % BLOCK_BYTES === 0, 'a hash resumes at a block boundary');
    this.state.set(saved);
    this.totalBytes = totalBytes;
  }

  save(): Int32Array {
    assert(this.totalBytes % BLOCK_BYTES === 0, 'a hash is saved at a block boundary');
    return this.state.slice();
  }

  update(bytes: Uint8Array, start: number, end: number): void {
    let used = this.totalBytes % BLOCK_BYTES;
    this.totalBytes += end - start;
    for (let i = start; i < end; i++) {
      this.block[used++] = bytes[i];
      if (used === BLOCK_BYTES) {
        this.compress();
        used = 0;
      }
    }
  }

  /** Writes the 32 bytes of the digest at `into[at]`. */
  finish(into: Uint8Array, at: number): void {
    const { block, totalBytes } = this;
    let used = totalBytes % BLOCK_BYTES;
    block[used++] = 0x80;
    if (used > BLOCK_BYTES - 8) {
      block.fill(0, used);
      this.compress();
      used = 0;
    }
    block.fill(0, used);
    writeU32(block, BLOCK_BYTES - 8, Math.floor(totalBytes / 0x20000000));
    writeU32(block, BLOCK_BYTES - 4, totalBytes << 3);
    this.compress();
    for (let i = 0; i < 8; i++) writeU32(into, at + i * 4, this.state[i]);
  }

  /** The rotations are written out: the vip process, which is flooded with what has to be verified, has no compiler that would do it. */
  private compress(): void {
    const { state, block, schedule } = this;
    for (let i = 0, at = 0; i < 16; i++, at += 4) {
      schedule[i] = (block[at] << 24) | (block[at + 1] << 16) | (block[at + 2] << 8) | block[at + 3];
    }
    for (let i = 16; i < 64; i++) {
      const w15 = schedule[i - 15];
      const w2 = schedule[i - 2];
      const s0 = ((w15 >>> 7) | (w15 << 25)) ^ ((w15 >>> 18) | (w15 << 14)) ^ (w15 >>> 3);
      const s1 = ((w2 >>> 17) | (w2 << 15)) ^ ((w2 >>> 19) | (w2 << 13)) ^ (w2 >>> 10);
      schedule[i] = schedule[i - 16] + s0 + schedule[i - 7] + s1;
    }
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    let e = state[4];
    let f = state[5];
    let g = state[6];
    let h = state[7];
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + (g ^ (e & (f ^ g))) + K[i] + schedule[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = s0 + ((a & b) | (c & (a | b)));
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

/** HMAC under one key; the two key blocks are hashed once, when it is made. Used like `Sha256`. */
export class HmacSha256 {
  private readonly hash = new Sha256();
  private readonly inner: Int32Array;
  private readonly outer: Int32Array;
  private readonly digest = new Uint8Array(SHA256_BYTES);

  constructor(key: Uint8Array) {
    const padded = new Uint8Array(BLOCK_BYTES);
    if (key.length > BLOCK_BYTES) {
      this.hash.update(key, 0, key.length);
      this.hash.finish(padded, 0);
    } else {
      padded.set(key);
    }
    this.inner = this.keyed(padded, 0x36);
    this.outer = this.keyed(padded, 0x5c);
    padded.fill(0);
  }

  begin(): void {
    this.hash.resume(this.inner, BLOCK_BYTES);
  }

  update(bytes: Uint8Array, start: number, end: number): void {
    this.hash.update(bytes, start, end);
  }

  /** Writes the 32 bytes of the code at `into[at]`. */
  finish(into: Uint8Array, at: number): void {
    this.hash.finish(this.digest, 0);
    this.hash.resume(this.outer, BLOCK_BYTES);
    this.hash.update(this.digest, 0, SHA256_BYTES);
    this.hash.finish(into, at);
  }

  private keyed(padded: Uint8Array, pad: number): Int32Array {
    this.hash.begin();
    this.hash.update(
      padded.map((byte) => byte ^ pad),
      0,
      BLOCK_BYTES,
    );
    return this.hash.save();
  }
}

/** Compares without telling by its duration where the first difference is. */
export function equalInConstantTime(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
): boolean {
  let difference = 0;
  for (let i = 0; i < length; i++) difference |= a[aStart + i] ^ b[bStart + i];
  return difference === 0;
}

function writeU32(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
}
