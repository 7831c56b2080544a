/** Host and port as they stand in Host fields and absolute-form targets (RFC 9110 section 7.2, RFC 3986 section 3.2). */
import { COLON, HEX_VALUE, LOWER, REG_NAME_CLASS } from './classes.ts';

const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const PERCENT = 0x25;
const DOT = 0x2e;

/**
 * Checks `uri-host [":" port]` in the `length` bytes at `at` and returns the length of the host, brackets included, or 0
 * if it is anything else. Refused although RFC 3986 could spell them: an empty host (RFC 9110 section 4.2.1), user
 * information (section 4.2.4), zones, which nobody sends, a port above 65535, and
 * like nginx two dots in a row and a dot alone.
 */
export function hostLengthOf(bytes: Uint8Array, at: number, length: number): number {
  const end = at + length;
  let i = at;
  if (length > 0 && bytes[at] === BRACKET_OPEN) {
    while (i < end && bytes[i] !== BRACKET_CLOSE) i++;
    if (i === end || !(isIPv6(bytes, at + 1, i) || isIPvFuture(bytes, at + 1, i))) return 0;
    i++;
  } else {
    while (i < end) {
      const kind = REG_NAME_CLASS[bytes[i]];
      if (kind === 1) i++;
      else if (kind === 2) {
        i++;
        const isLast = i === end || bytes[i] === COLON;
        if (isLast ? i - 1 === at : bytes[i] === DOT) return 0;
      } else if (
        bytes[i] === PERCENT &&
        i + 2 < end &&
        HEX_VALUE[bytes[i + 1]] !== 255 &&
        HEX_VALUE[bytes[i + 2]] !== 255
      )
        i += 3;
      else break;
    }
  }
  const hostLength = i - at;
  if (i === end) return hostLength;
  if (bytes[i] !== COLON) return 0;
  // RFC 3986 lets the port be empty
  let port = 0;
  for (i++; i < end; i++) {
    const digit = bytes[i] - 0x30;
    if (digit < 0 || digit > 9) return 0;
    port = port * 10 + digit;
    if (port > 65535) return 0;
  }
  return hostLength;
}

/** `v`, digits, a dot, and then any characters of names and colons (RFC 3986 section 3.2.2). */
function isIPvFuture(bytes: Uint8Array, at: number, end: number): boolean {
  if (LOWER[bytes[at]] !== 0x76) return false;
  let i = at + 1;
  while (i < end && HEX_VALUE[bytes[i]] !== 255) i++;
  if (i === at + 1 || bytes[i] !== DOT || i + 1 >= end) return false;
  for (i++; i < end; i++) if (REG_NAME_CLASS[bytes[i]] === 0 && bytes[i] !== COLON) return false;
  return true;
}

/** True if the bytes from `at` to `end` are an IPv6address (RFC 3986 section 3.2.2). */
function isIPv6(bytes: Uint8Array, at: number, end: number): boolean {
  let groups = 0;
  let isCompressed = false;
  let i = at;
  if (end - at >= 2 && bytes[i] === COLON && bytes[i + 1] === COLON) {
    isCompressed = true;
    i += 2;
  }
  while (i < end) {
    const groupAt = i;
    while (i < end && HEX_VALUE[bytes[i]] !== 255) i++;
    if (i < end && bytes[i] === DOT) {
      if (!isIPv4(bytes, groupAt, end)) return false;
      groups += 2;
      i = end;
      break;
    }
    if (i === groupAt || i - groupAt > 4) return false;
    groups++;
    if (i === end) break;
    if (bytes[i] !== COLON) return false;
    i++;
    if (i === end) return false;
    if (bytes[i] === COLON) {
      if (isCompressed) return false;
      isCompressed = true;
      i++;
    }
  }
  return isCompressed ? groups <= 7 : groups === 8;
}

function isIPv4(bytes: Uint8Array, at: number, end: number): boolean {
  let parts = 0;
  let i = at;
  for (;;) {
    const partAt = i;
    let value = 0;
    while (i < end && bytes[i] >= 0x30 && bytes[i] <= 0x39) value = value * 10 + bytes[i++] - 0x30;
    const digits = i - partAt;
    if (digits === 0 || digits > 3 || value > 255 || (digits > 1 && bytes[partAt] === 0x30)) return false;
    parts++;
    if (i === end) return parts === 4;
    if (parts === 4 || bytes[i] !== DOT) return false;
    i++;
  }
}
