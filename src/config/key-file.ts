/**
 * The file that `unicast.key` names: secrets for the authentication of adverts, one a line, each with its id, as in
 * keepalived's `auth_hmac`:
 *
 *   # the first one signs, all are believed
 *   2 hex:0f1e2d...
 *   1 a text of 32 to 64 characters
 */

export interface VrrpKey {
  /** 1..255 */
  readonly id: number;
  /** 32 to 64 bytes in hexadecimal. */
  readonly secret: string;
}

/** keepalived's bounds too. */
const SECRET_BYTES_MIN = 32;
const SECRET_BYTES_MAX = 64;

/** The keys, or what is wrong with the text. Secrets are never part of what is said. */
export function parseKeyFile(text: string): readonly VrrpKey[] | string {
  const keys: VrrpKey[] = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i].trim();
    if (line === '' || line.startsWith('#')) continue;
    const place = `line ${i + 1}`;
    const match = /^([0-9]{1,3})\s+(\S.*)$/.exec(line);
    if (match === null) return `${place} is not an id and a secret`;
    const id = Number(match[1]);
    if (id < 1 || id > 255) return `the id in ${place} is not from 1 to 255`;
    if (keys.some((key) => key.id === id)) return `the id in ${place} is there a second time`;
    const secret = secretOf(match[2]);
    if (secret === null) return `the secret in ${place} is neither 32 to 64 characters nor hex: and 64 to 128 digits`;
    keys.push({ id, secret });
  }
  return keys.length === 0 ? 'there is no key in it' : keys;
}

/** In hexadecimal. */
function secretOf(text: string): string | null {
  const digits = text.startsWith('hex:') ? text.slice(4).toLowerCase() : null;
  if (digits !== null && (!/^[0-9a-f]*$/.test(digits) || digits.length % 2 === 1)) return null;
  if (digits === null && !/^[\u0021-\u007e]+$/.test(text)) return null;
  const hex = digits ?? Array.from(text, (c) => c.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  const bytes = hex.length / 2;
  return bytes >= SECRET_BYTES_MIN && bytes <= SECRET_BYTES_MAX ? hex : null;
}
