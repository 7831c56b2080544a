/** SHA-1 (RFC 3174), for what WebSocket asks for. Nothing may rest on it that somebody would gain by breaking. */
import { bigEndianBlocks } from './digest-blocks.ts';

const ROUNDS = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6];

/** 20 bytes. */
export function sha1(message: Uint8Array): Uint8Array {
  const words = bigEndianBlocks(message);
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const schedule = new Int32Array(80);
  for (let block = 0; block < words.length; block += 16) {
    for (let i = 0; i < 80; i++) {
      schedule[i] =
        i < 16 ? words[block + i] : turned(schedule[i - 3] ^ schedule[i - 8] ^ schedule[i - 14] ^ schedule[i - 16], 1);
    }
    let [a, b, c, d, e] = state;
    for (let i = 0; i < 80; i++) {
      const round = Math.floor(i / 20);
      const mixed = [(b & c) | (~b & d), b ^ c ^ d, (b & c) | (b & d) | (c & d), b ^ c ^ d][round];
      const sum = (turned(a, 5) + mixed + e + ROUNDS[round] + schedule[i]) | 0;
      [a, b, c, d, e] = [sum, a, turned(b, 30), c, d];
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
  }
  const out = new DataView(new ArrayBuffer(20));
  state.forEach((word, i) => out.setInt32(i * 4, word, false));
  return new Uint8Array(out.buffer);
}

function turned(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
