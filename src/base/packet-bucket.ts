/**
 * The bucket that a kernel hashes a packet to, computed here: of a connection that is known it tells which server the table has for it.
 * nft(8) `jhash ... mod SIZE seed SEED`: Bob Jenkins' lookup3 as linux/jhash.h has it, scaled to the size by multiplication.
 */
/** The same on every node and in every version, or connections would go elsewhere after a takeover. */
export const BUCKET_SEED = 0x65766b6c;
const GOLDEN = 0xdeadbeef;
/** What the kernel hashes: an address, and a port in four bytes. */
const key = new Uint8Array(20);
const words = new DataView(key.buffer);

/** `client`: the 4 or 16 bytes of its address. `port` null: all of its ports have the same bucket. */
export function bucketOfClient(client: Uint8Array, port: number | null, size: number): number {
  const { length } = client;
  key.set(client);
  if (port === null) return bucketOfKey(length, size);
  words.setUint32(length, port << 16);
  return bucketOfKey(length + 4, size);
}

function bucketOfKey(bytes: number, size: number): number {
  const hash = jenkins(bytes, BUCKET_SEED);
  // 64 bits of a product, of which the upper half is the bucket.
  return Number((BigInt(hash) * BigInt(size)) >> 32n);
}

function jenkins(bytes: number, seed: number): number {
  let a = (GOLDEN + bytes + seed) | 0;
  let b = a;
  let c = a;
  let at = 0;
  for (; bytes - at > 12; at += 12) {
    a = (a + words.getInt32(at, true)) | 0;
    b = (b + words.getInt32(at + 4, true)) | 0;
    c = (c + words.getInt32(at + 8, true)) | 0;
    a = ((a - c) | 0) ^ rotate(c, 4);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotate(a, 6);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotate(b, 8);
    b = (b + a) | 0;
    a = ((a - c) | 0) ^ rotate(c, 16);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotate(a, 19);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotate(b, 4);
    b = (b + a) | 0;
  }
  // All keys are whole words: 4, 8, 16 and 20 bytes.
  const left = bytes - at;
  a = (a + words.getInt32(at, true)) | 0;
  if (left > 4) b = (b + words.getInt32(at + 4, true)) | 0;
  if (left > 8) c = (c + words.getInt32(at + 8, true)) | 0;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return c >>> 0;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
