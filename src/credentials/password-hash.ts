/**
 * Whether a password is the one that a hash was made of: `$apr1$`, `{PLAIN}`, `{SHA}`, `{SSHA}` (RFC 2307), and whatever crypt(3) of this system knows, as
 * `ngx_crypt` has it. Comparing takes as long for each text of the same length.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { apr1 } from './apr1.ts';

/** crypt(3): the hash of a password by a `setting`, which may be a whole hash. Null: it knows no such. */
export type Crypt = (password: Uint8Array, setting: string) => string | null;

const SHA1_BYTES = 20;

export function isPassword(password: Uint8Array, hash: string, crypt: Crypt): boolean {
  if (hash.startsWith('{PLAIN}')) return isEqual(password, Buffer.from(hash.slice('{PLAIN}'.length), 'latin1'));
  if (hash.startsWith('{SSHA}')) return isSha(password, hash.slice('{SSHA}'.length), true);
  if (hash.startsWith('{SHA}')) return isSha(password, hash.slice('{SHA}'.length), false);
  // for crypt(3) a text ends there, and what stands behind would not count
  if (password.includes(0)) return false;
  const made = hash.startsWith('$apr1$') ? apr1(password, hash) : crypt(password, hash);
  return made !== null && !made.startsWith('*') && isEqual(Buffer.from(made, 'latin1'), Buffer.from(hash, 'latin1'));
}

/** `text`: the digest in Base64, and what it was salted with, if with anything. */
function isSha(password: Uint8Array, text: string, isSalted: boolean): boolean {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return false;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length < SHA1_BYTES || (bytes.length > SHA1_BYTES && !isSalted)) return false;
  const made = createHash('sha1').update(password).update(bytes.subarray(SHA1_BYTES)).digest();
  return timingSafeEqual(made, bytes.subarray(0, SHA1_BYTES));
}

/** Both are hashed first, so that not even their lengths are told by the time that it takes. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  const [one, other] = [a, b].map((bytes) => createHash('sha256').update(bytes).digest());
  return timingSafeEqual(one, other);
}
