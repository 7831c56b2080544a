/**
 * The Internet checksum (RFC 1071) and the pseudo-headers that IPv4 and IPv6 put in front of it.
 *
 * A sum is kept unfolded while parts are added to it: 64 KiB of 0xffff words is under 2^31.
 */

/** Adds the big-endian 16-bit words of `bytes[start..end)`; an odd last byte counts as the high half of a word. */
export function addToSum(sum: number, bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  for (; i + 1 < end; i += 2) sum += (bytes[i] << 8) | bytes[i + 1];
  if (i < end) sum += bytes[i] << 8;
  return sum;
}

/**
 * The sum of the pseudo-header: RFC 793 section 3.1 for 4-byte addresses, RFC 8200 section 8.1 for 16-byte ones. Both
 * come to the same words, because the fields are only placed differently and the length is below 64 KiB.
 */
export function pseudoHeaderSum(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  upperLayerBytes: number,
): number {
  return addToSum(addToSum(protocol + upperLayerBytes, source, 0, source.length), destination, 0, destination.length);
}

/** The checksum field's value for a sum taken with that field as zero; 0 if the sum included a correct field. */
export function finishSum(sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
