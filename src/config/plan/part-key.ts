/** What a process of ours knows a part of a plan by. */
import { crc32 } from '../../base/crc32.ts';
import { hashBytes } from '../../base/hash.ts';
import { encodeUtf8 } from '../../base/text.ts';

/** The same for what is the same, another one for what is not. It can stand in a field. */
export function keyOfPart(part: unknown): string {
  const text = encodeUtf8(JSON.stringify(part));
  const parts = [hashBytes(text, 0, text.length, 0), crc32(text, 0, text.length), text.length];
  return parts.map((one) => (one >>> 0).toString(16)).join('-');
}
