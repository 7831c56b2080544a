/** MurmurHash2 (Austin Appleby, public domain) with the seed 0, as nginx has it: what is divided by it stays divided alike. 0..2^32-1. */
const M = 0x5bd1e995;

export function murmur2(bytes: Uint8Array, offset: number, length: number): number {
  let h = length;
  let at = offset;
  let rest = length;
  for (; rest >= 4; rest -= 4, at += 4) {
    let k = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    k = Math.imul(k, M);
    k = Math.imul(k ^ (k >>> 24), M);
    h = Math.imul(h, M) ^ k;
  }
  if (rest === 3) h ^= bytes[at + 2] << 16;
  if (rest >= 2) h ^= bytes[at + 1] << 8;
  if (rest >= 1) h = Math.imul(h ^ bytes[at], M);
  h = Math.imul(h ^ (h >>> 13), M);
  return (h ^ (h >>> 15)) >>> 0;
}
