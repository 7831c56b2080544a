/** How a value of a peer's stands in a line, so that it cannot end its field or its line. */

/** `text`: as nginx's `escape=default`; `json`: inside of a string of JSON; `none`: as it came, but for ends of lines. */
export type Escape = 'text' | 'json' | 'none';

/** A byte becomes at most so many: `\u00e4`. */
export const ESCAPED_BYTES_MAX = 6;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const DELETE = 0x7f;
const CAPITAL_HEX = bytesOf('0123456789ABCDEF');
const SMALL_HEX = bytesOf('0123456789abcdef');
/** By control character: its letter in JSON. */
const LETTERS: ReadonlyMap<number, number> = new Map([
  [8, 0x62],
  [9, 0x74],
  [10, 0x6e],
  [12, 0x66],
  [13, 0x72],
]);

/** Writes `length` bytes of `bytes` from `from` at `at`, where there must be room for them. The offset behind. */
export function emitEscaped(
  escape: Escape,
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  from: number,
  length: number,
): number {
  if (escape === 'text') return emitText(out, at, bytes, from, from + length);
  if (escape === 'json') return emitJson(out, at, bytes, from, from + length);
  for (let i = from; i < from + length; i++) out[at++] = bytes[i] === 10 || bytes[i] === 13 ? SPACE : bytes[i];
  return at;
}

/** `\x22` */
function emitText(out: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) {
    const byte = bytes[i];
    if (byte >= SPACE && byte < DELETE && byte !== QUOTE && byte !== BACKSLASH) {
      out[at++] = byte;
      continue;
    }
    out[at++] = BACKSLASH;
    out[at++] = 0x78;
    out[at++] = CAPITAL_HEX[byte >> 4];
    out[at++] = CAPITAL_HEX[byte & 15];
  }
  return at;
}

/** RFC 8259 section 7. What is no UTF-8 stands as the character of its number, so that a line is always JSON. */
function emitJson(out: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) {
    const byte = bytes[i];
    if (byte >= SPACE && byte < DELETE && byte !== QUOTE && byte !== BACKSLASH) {
      out[at++] = byte;
      continue;
    }
    if (byte >= 0x80) {
      const length = sequenceLength(bytes, i, to);
      if (length > 0) {
        for (let k = 0; k < length; k++) out[at++] = bytes[i + k];
        i += length - 1;
        continue;
      }
    }
    out[at++] = BACKSLASH;
    const letter = byte === QUOTE || byte === BACKSLASH ? byte : LETTERS.get(byte);
    if (letter !== undefined) {
      out[at++] = letter;
      continue;
    }
    out[at++] = 0x75;
    out[at++] = 0x30;
    out[at++] = 0x30;
    out[at++] = SMALL_HEX[byte >> 4];
    out[at++] = SMALL_HEX[byte & 15];
  }
  return at;
}

/** Of the character in UTF-8 that begins here (RFC 3629 section 4); 0: none does. */
function sequenceLength(bytes: Uint8Array, at: number, to: number): number {
  const first = bytes[at];
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > to) return 0;
  for (let k = 1; k < length; k++) if ((bytes[at + k] & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1];
  if ((first === 0xe0 && second < 0xa0) || (first === 0xed && second > 0x9f)) return 0;
  if ((first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f)) return 0;
  return length;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
