/** MD5 (RFC 1321), for names that nginx makes with it. Nothing may rest on it that somebody would gain by breaking. */
import { littleEndianBlocks } from './digest-blocks.ts';

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0);

/** 16 bytes. */
export function md5(message: Uint8Array): Uint8Array {
  const words = littleEndianBlocks(message);
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let block = 0; block < words.length; block += 16) {
    let [a, b, c, d] = state;
    for (let i = 0; i < 64; i++) {
      const round = i >> 4;
      const mixed = [(b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)][round];
      const word = words[block + ([i, 5 * i + 1, 3 * i + 5, 7 * i][round] & 15)];
      const sum = (a + mixed + SINES[i] + word) | 0;
      const shift = SHIFTS[round * 4 + (i & 3)];
      [a, d, c, b] = [d, c, b, (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0];
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
  }
  const out = new DataView(new ArrayBuffer(16));
  state.forEach((word, i) => out.setInt32(i * 4, word, true));
  return new Uint8Array(out.buffer);
}
