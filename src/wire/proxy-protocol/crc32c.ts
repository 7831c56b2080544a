/** CRC-32C (Castagnoli; RFC 3385): the checksum of a PROXY protocol header. */

const POLYNOMIAL = 0x82f63b78;
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ ((remainder & 1) === 0 ? 0 : POLYNOMIAL);
  return remainder;
});

/** Of bytes[at..end), with those of [zeroAt..zeroAt + 4) taken for zero. 0..2^32-1. */
export function crc32c(bytes: Uint8Array, at: number, end: number, zeroAt: number): number {
  let crc = -1;
  for (let i = at; i < end; i++) {
    const byte = i >= zeroAt && i < zeroAt + 4 ? 0 : bytes[i];
    crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff];
  }
  return ~crc >>> 0;
}
