/** `$apr1$`, Apache's own form of crypt(3)'s MD5 (`apr_md5_encode` of APR): a thousand rounds over password and salt. */
import { createHash } from 'node:crypto';

const MAGIC = '$apr1$';
const SALT_CHARACTERS_MAX = 8;
const ROUNDS = 1000;
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Bytes of the digest that are written together, the most significant one first. */
const GROUPS = [
  [0, 6, 12],
  [1, 7, 13],
  [2, 8, 14],
  [3, 9, 15],
  [4, 10, 5],
] as const;
const LAST = 11;

/** The hash of this password, with the salt of `setting`: `$apr1$salt$` and perhaps more. */
export function apr1(password: Uint8Array, setting: string): string {
  const [salt] = /^[^$]*/.exec(setting.slice(MAGIC.length)) as RegExpExecArray;
  const salted = Buffer.from(salt.slice(0, SALT_CHARACTERS_MAX), 'latin1');
  const inner = md5([password, salted, password]);
  const parts: Uint8Array[] = [password, Buffer.from(MAGIC), salted];
  for (let left = password.length; left > 0; left -= inner.length) parts.push(inner.subarray(0, left));
  for (let bits = password.length; bits > 0; bits >>= 1)
    parts.push((bits & 1) === 1 ? Uint8Array.of(0) : password.subarray(0, 1));
  let digest = md5(parts);
  for (let round = 0; round < ROUNDS; round++) {
    const isOdd = round % 2 === 1;
    const next: Uint8Array[] = [isOdd ? password : digest];
    if (round % 3 > 0) next.push(salted);
    if (round % 7 > 0) next.push(password);
    next.push(isOdd ? digest : password);
    digest = md5(next);
  }
  return `${MAGIC}${salted.toString('latin1')}$${textOf(digest)}`;
}

function md5(parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function textOf(digest: Uint8Array): string {
  const groups = GROUPS.map(([high, middle, low]) =>
    charactersOf((digest[high] << 16) | (digest[middle] << 8) | digest[low], 4),
  );
  return groups.join('') + charactersOf(digest[LAST], 2);
}

/** Six bits each, the least significant ones first. */
function charactersOf(bits: number, count: number): string {
  return Array.from({ length: count }, (_, i) => ALPHABET[(bits >> (6 * i)) & 0x3f]).join('');
}
