/** Integers with a prefix of 4 to 7 bits (RFC 7541 section 5.1). */

/** Writes `value`, 0..2^31-1. `pattern`: the bits in front of the prefix, in their place. `prefixMax`: all bits of the prefix. */
export function emitInteger(out: Uint8Array, at: number, pattern: number, prefixMax: number, value: number): number {
  if (value < prefixMax) {
    out[at] = pattern | value;
    return at + 1;
  }
  out[at++] = pattern | prefixMax;
  let rest = value - prefixMax;
  for (; rest >= 0x80; rest >>>= 7) out[at++] = (rest & 0x7f) | 0x80;
  out[at] = rest;
  return at + 1;
}
