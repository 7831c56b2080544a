/** Addresses of our memory for libraries that read and write it. They are plain numbers: user space ends far below 2^53. */
import koffi from 'koffi';

const HIGH = 0x1_0000_0000;

/** Of the first byte. Memory of an ArrayBuffer of 64 bytes or more does not move. */
export function addressOf(bytes: Uint8Array | BigUint64Array | Uint32Array): number {
  return Number(koffi.address(bytes));
}

/** Writes an address into a structure of C: two words of 32 bits, the low one first. */
export function writePointer(words: Uint32Array, word: number, address: number): void {
  words[word] = address % HIGH;
  words[word + 1] = Math.floor(address / HIGH);
}
