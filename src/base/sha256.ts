/** SHA-256 (FIPS 180-4) and HMAC with it (RFC 2104), for what is made once when a plan is applied, in code without Node's own. */
import { bigEndianBlocks } from './digest-blocks.ts';

const BLOCK_BYTES = 64;
const PRIMES = firstPrimes(64);
/** Of the fraction of a root: its first 32 bits. */
const ROOTS = Int32Array.from(PRIMES, (prime) => fractionBits(Math.cbrt(prime)));
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fractionBits(Math.sqrt(prime)));

/** 32 bytes. */
export function sha256(message: Uint8Array): Uint8Array {
  const words = bigEndianBlocks(message);
  const state = START.slice();
  const w = new Int32Array(64);
  for (let block = 0; block < words.length; block += 16) {
    for (let i = 0; i < 64; i++) w[i] = i < 16 ? words[block + i] : extended(w, i);
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROOTS[i] + w[i]) | 0;
      const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] += word));
  }
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => out.setInt32(i * 4, word));
  return new Uint8Array(out.buffer);
}

/** 32 bytes. */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? sha256(key) : key);
  const keyed = (pad: number, rest: Uint8Array): Uint8Array => {
    const all = new Uint8Array(BLOCK_BYTES + rest.length);
    all.set(block.map((byte) => byte ^ pad));
    all.set(rest, BLOCK_BYTES);
    return sha256(all);
  };
  return keyed(0x5c, keyed(0x36, message));
}

function extended(w: Int32Array, i: number): number {
  const before = w[i - 15];
  const last = w[i - 2];
  const low = turn(before, 7) ^ turn(before, 18) ^ (before >>> 3);
  const high = turn(last, 17) ^ turn(last, 19) ^ (last >>> 10);
  return (w[i - 16] + low + w[i - 7] + high) | 0;
}

function turn(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

function fractionBits(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
}

function firstPrimes(count: number): readonly number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
}
