/** CRC-32 (ISO 3309) of bytes: what nginx, memcached and ketama choose servers by. Signed 32 bits. */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

export const CRC_START = -1;

/** Goes on with a sum that `crcEnd` has not ended. */
export function crcUpdate(crc: number, bytes: Uint8Array, at: number, length: number): number {
  for (let i = at; i < at + length; i++) crc = TABLE[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return crc;
}

export function crcEnd(crc: number): number {
  return ~crc;
}

export function crc32(bytes: Uint8Array, at: number, length: number): number {
  return crcEnd(crcUpdate(CRC_START, bytes, at, length));
}
