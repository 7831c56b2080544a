/** The HTTP version in a start line (RFC 9112 section 2.3). */
import { ascii } from './classes.ts';
import { ERR_VERSION, ERR_VERSION_UNSUPPORTED } from './errors.ts';
import { viewOf } from './words.ts';

export const VERSION_BYTES = 8;

const NAME = ascii('HTTP/');
/** `HTTP` and `/1.1`, each as one little-endian word. */
const HTTP = 0x50545448;
const SLASH_1_1 = 0x312e312f;
const DOT = 0x2e;
const ZERO = 0x30;

/**
 * The version in the VERSION_BYTES bytes at `at`, looking at no byte from `stop` on: 10 or 11 (every HTTP/1.x from 1.1 on
 * counts as 1.1), 0 if more bytes are needed, or an error.
 */
export function parseVersion(bytes: Uint8Array, at: number, stop: number): number {
  if (stop - at >= VERSION_BYTES) {
    const words = viewOf(bytes);
    if (words.getInt32(at, true) === HTTP && words.getInt32(at + 4, true) === SLASH_1_1) return 11;
  }
  let i = 0;
  while (i < 5) {
    if (at + i >= stop) return 0;
    if (bytes[at + i] !== NAME[i]) return ERR_VERSION;
    i++;
  }
  if (at + 5 >= stop) return 0;
  const major = bytes[at + 5] - ZERO;
  if (major < 0 || major > 9) return ERR_VERSION;
  if (at + 6 >= stop) return 0;
  if (bytes[at + 6] !== DOT) return ERR_VERSION;
  if (at + 7 >= stop) return 0;
  const minor = bytes[at + 7] - ZERO;
  if (minor < 0 || minor > 9) return ERR_VERSION;
  if (major !== 1) return ERR_VERSION_UNSUPPORTED;
  return minor === 0 ? 10 : 11;
}
