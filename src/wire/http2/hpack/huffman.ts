/**
 * The Huffman code of strings (RFC 7541 section 5.2 and appendix B). The code is canonical: its lengths are all there is to know, for
 * codes of one length count up in the order of their symbols, and the first of a length follows the last of the one before.
 */

/** The length of each symbol's code in bits; symbol 256 is EOS. */
const LENGTHS = Uint8Array.from(
  [
    [13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28], // 0x00
    [28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
    [6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6], // SP
    [5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10], // 0
    [13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7], // @
    [7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6], // P
    [15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5], // `
    [6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28], // p
    [20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23], // 0x80
    [24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
    [22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23], // 0xa0
    [21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
    [26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25], // 0xc0
    [19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
    [20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23], // 0xe0
    [26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
    [30],
  ].flat(),
);
const EOS = 256;
const CODE_BITS_MAX = 30;

/** The code of each symbol. */
const CODES = new Uint32Array(LENGTHS.length);
/** By length: the first code, and where its symbol is in SYMBOLS, which are in the order of their codes. */
const FIRST_CODE = new Uint32Array(CODE_BITS_MAX + 2);
const FIRST_PLACE = new Uint16Array(CODE_BITS_MAX + 2);
const SYMBOLS = new Uint16Array(LENGTHS.length);

/** Codes of at most so many bits, which are those of all that is common, are looked up at once. */
const SHORT_BITS = 10;
/** By the next SHORT_BITS bits: the symbol, and below it its length in 4 bits; 0: a longer code. */
const SHORT = new Uint16Array(1 << SHORT_BITS);

for (let length = 1, code = 0, place = 0; length <= CODE_BITS_MAX; length++, code *= 2) {
  FIRST_CODE[length] = code;
  FIRST_PLACE[length] = place;
  for (let symbol = 0; symbol <= EOS; symbol++) {
    if (LENGTHS[symbol] !== length) continue;
    if (length <= SHORT_BITS) {
      const from = code << (SHORT_BITS - length);
      SHORT.fill((symbol << 4) | length, from, from + (1 << (SHORT_BITS - length)));
    }
    SYMBOLS[place++] = symbol;
    CODES[symbol] = code++;
  }
  FIRST_PLACE[length + 1] = place;
}

/** A decoded string has at most so many bytes: five bits each. */
export function huffmanBound(length: number): number {
  return Math.floor((length * 8) / 5);
}

/**
 * Decodes bytes[from..end) to `at` and returns the offset behind the string; what does not fit before `limit` is counted and not
 * written. -1: it has EOS, or an end that is no padding: more than 7 bits, or not all ones.
 */
export function decodeHuffman(
  bytes: Uint8Array,
  from: number,
  end: number,
  out: Uint8Array,
  at: number,
  limit: number,
): number {
  const short = SHORT;
  let next = from;
  // the bits that are next, from the top on; behind them zeros
  let window = 0;
  let have = 0;
  for (;;) {
    while (have <= 24 && next < end) {
      window |= bytes[next++] << (24 - have);
      have += 8;
    }
    const entry = short[window >>> (32 - SHORT_BITS)];
    let length = entry & 15;
    let symbol = entry >>> 4;
    if (entry === 0) {
      // all ones are a prefix of a long code
      if (have < 8) break;
      const long = longSymbol(bytes, next * 8 - have, end * 8);
      if (long < 0) return -1;
      symbol = long;
      length = LENGTHS[symbol];
      // it may be longer than what the window has
      if (length > have) {
        const bit = next * 8 - have + length;
        next = bit >>> 3;
        window = 0;
        have = 0;
        if ((bit & 7) !== 0) {
          have = 8 - (bit & 7);
          window = bytes[next++] << (24 + (bit & 7));
        }
        if (at < limit) out[at] = symbol;
        at++;
        continue;
      }
    }
    if (length > have) break;
    window <<= length;
    have -= length;
    if (at < limit) out[at] = symbol;
    at++;
  }
  // what is left is padding: a part of EOS
  return have < 8 && (have === 0 || window >>> (32 - have) === (1 << have) - 1) ? at : -1;
}

/** The symbol at this bit, whose code is longer than SHORT_BITS, or -1 if it is EOS or is not all there before `endBit`. */
function longSymbol(bytes: Uint8Array, bit: number, endBit: number): number {
  let code = 0;
  for (let length = 1; length <= CODE_BITS_MAX; length++, bit++) {
    if (bit >= endBit) return -1;
    code = code * 2 + ((bytes[bit >>> 3] >>> (7 - (bit & 7))) & 1);
    const place = FIRST_PLACE[length] + code - FIRST_CODE[length];
    if (place < FIRST_PLACE[length + 1]) return SYMBOLS[place] === EOS ? -1 : SYMBOLS[place];
  }
  return -1;
}

/** The length of bytes[from..end) in this code, in bytes. */
export function huffmanLength(bytes: Uint8Array, from: number, end: number): number {
  let bits = 0;
  for (let i = from; i < end; i++) bits += LENGTHS[bytes[i]];
  return (bits + 7) >>> 3;
}

/** Writes bytes[from..end) in this code at `at` and returns the offset behind it. */
export function emitHuffman(out: Uint8Array, at: number, bytes: Uint8Array, from: number, end: number): number {
  // fewer than 8 bits that are not written yet, at the bottom
  let window = 0;
  let have = 0;
  for (let i = from; i < end; i++) {
    const code = CODES[bytes[i]];
    let length = LENGTHS[bytes[i]];
    // at most 24 bits more than those
    if (length > 24) {
      length -= 8;
      window = (window << 8) | (code >>> length);
      out[at++] = window >>> have;
    }
    window = (window << length) | (code & ((1 << length) - 1));
    have += length;
    while (have >= 8) {
      have -= 8;
      out[at++] = window >>> have;
    }
  }
  if (have > 0) out[at++] = (window << (8 - have)) | (0xff >>> have);
  return at;
}
