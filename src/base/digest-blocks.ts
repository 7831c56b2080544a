/** A message as the 32-bit words that MD5 and SHA-256 work on: padded to blocks of 16, with its length in bits at the end. */

const BLOCK_BYTES = 64;

export function littleEndianBlocks(message: Uint8Array): Int32Array {
  return blocks(message, true);
}

export function bigEndianBlocks(message: Uint8Array): Int32Array {
  return blocks(message, false);
}

function blocks(message: Uint8Array, isLittle: boolean): Int32Array {
  const bytes = Math.ceil((message.length + 9) / BLOCK_BYTES) * BLOCK_BYTES;
  const padded = new Uint8Array(bytes);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  const [low, high] = [(message.length << 3) >>> 0, Math.floor(message.length / 2 ** 29)];
  view.setUint32(bytes - 8, isLittle ? low : high, isLittle);
  view.setUint32(bytes - 4, isLittle ? high : low, isLittle);
  return Int32Array.from({ length: bytes / 4 }, (_, i) => view.getInt32(i * 4, isLittle));
}
