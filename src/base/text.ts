/**
 * Text to bytes and back, UTF-8 (RFC 3629). For configuration and for rules that need strings; not for every request.
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
    const first = bytes[i];
    const size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    let code = size < 2 ? first : first & (0x7f >> size);
    let isValid = size > 0 && i + size <= end;
    for (let k = 1; k < size && isValid; k++) {
      const byte = bytes[i + k];
      isValid = (byte & 0xc0) === 0x80;
      code = (code << 6) | (byte & 0x3f);
    }
    // longer than needed, surrogates, beyond Unicode
    if (size === 3) isValid &&= code >= 0x800 && (code < 0xd800 || code > 0xdfff);
    if (size === 4) isValid &&= code >= 0x10000 && code <= 0x10ffff;
    text += isValid ? String.fromCodePoint(code) : '\ufffd';
    i += isValid ? size : 1;
  }
  return text;
}
