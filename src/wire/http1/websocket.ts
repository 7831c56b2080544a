/**
 * How a client and a server of WebSocket make sure that they mean it (RFC 6455 sections 4.1 and 4.2.2): a key, and what follows from it. HTTP/2
 * has neither (RFC 8441 section 5), so who stands between both versions makes and checks them.
 */
import type { Prng } from '../../base/prng.ts';
import { sha1 } from '../../base/sha1.ts';
import { ascii } from './classes.ts';

/** The value of a Sec-WebSocket-Key field: 16 bytes in base64. */
export const KEY_BYTES = 24;

const GUID = ascii('258EAFA5-E914-47DA-95CA-C5AB0DC85B11');
const DIGITS = ascii('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PADDING = 0x3d;

/** Writes a key at `at`, KEY_BYTES long. */
export function emitKey(prng: Prng, out: Uint8Array, at: number): void {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 16; i += 4) view.setUint32(i, prng.nextU32());
  out.set(base64(bytes), at);
}

/** The value of Sec-WebSocket-Accept that goes with the key of `length` bytes at `at`. */
export function acceptOf(bytes: Uint8Array, at: number, length: number): Uint8Array {
  const text = new Uint8Array(length + GUID.length);
  text.set(bytes.subarray(at, at + length));
  text.set(GUID, length);
  return base64(sha1(text));
}

function base64(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(PADDING);
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const word = (bytes[from] << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0);
    const count = Math.min(3, bytes.length - from) + 1;
    for (let i = 0; i < count; i++) out[to + i] = DIGITS[(word >> (18 - 6 * i)) & 63];
  }
  return out;
}
