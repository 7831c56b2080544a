/**
 * Text to bytes and back, UTF-8 (RFC 3629) and one byte a character. For configuration and for rules that need strings; not for every request.
 */

/** The UTF-8 bytes of `text`. A lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code < 0x80) {
      bytes[at++] = code;
      continue;
    }
    if (code >= 0xd800 && code <= 0xdfff) {
      const low = i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
      if (code < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        i++;
      } else {
        code = 0xfffd;
      }
    }
    if (code < 0x800) {
      bytes[at++] = 0xc0 | (code >> 6);
    } else {
      if (code < 0x10000) {
        bytes[at++] = 0xe0 | (code >> 12);
      } else {
        bytes[at++] = 0xf0 | (code >> 18);
        bytes[at++] = 0x80 | ((code >> 12) & 0x3f);
      }
      bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
    }
    bytes[at++] = 0x80 | (code & 0x3f);
  }
  return bytes.slice(0, at);
}

/** The text of `length` UTF-8 bytes at `at`. Every byte that is not part of a valid sequence becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array, at: number, length: number): string {
  const end = at + length;
  let text = '';
  for (let i = at; i < end;) {
    const code = codePointAt(bytes, i, end);
    text += code < 0 ? '\ufffd' : String.fromCodePoint(code);
    i += code < 0 ? 1 : codePointSize(code);
  }
  return text;
}

/** The code point whose UTF-8 bytes begin at `at` and end before `end`, or -1 if there is no valid one. */
export function codePointAt(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at];
  if (first < 0x80) return first;
  const size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size === 0 || at + size > end) return -1;
  let code = first & (0x7f >> size);
  for (let k = 1; k < size; k++) {
    const byte = bytes[at + k];
    if ((byte & 0xc0) !== 0x80) return -1;
    code = (code << 6) | (byte & 0x3f);
  }
  // longer than needed, surrogates, beyond Unicode
  if (size === 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))) return -1;
  if (size === 4 && (code < 0x10000 || code > 0x10ffff)) return -1;
  return code;
}

/** How many bytes of UTF-8 a code point is. */
export function codePointSize(code: number): number {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/** One character for each of `length` bytes at `at`. */
export function latin1(bytes: Uint8Array, at: number, length: number): string {
  let text = '';
  for (let i = at; i < at + length; i++) text += String.fromCharCode(bytes[i]);
  return text;
}
