/**
 * Keys that tokens may be signed with: a key set (RFC 7517), or one in PEM. Each is for one algorithm, which it says itself, or which is the usual one of its
 * kind; a token has no say in it (RFC 8725, section 3.1). Weak keys, private ones and those that are for something else are left out.
 */
import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto';

export interface VerifyKey {
  /** Null: it has none. */
  readonly id: string | null;
  /** As tokens say it: of one key more than one name only where both mean the same. */
  readonly algorithms: readonly string[];
  readonly key: KeyObject;
}

export interface KeySet {
  readonly keys: readonly VerifyKey[];
  /** Why others are not used. */
  readonly faults: readonly string[];
}

const KEYS_MAX = 256;
const RSA_BITS_MIN = 2048;
const SECRET_BYTES_MIN = 32;
const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];
const CURVE_ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
  Ed25519: ['EdDSA', 'Ed25519'],
};

/** `isSecret`: nobody else can read it, so that keys may be in it that sign too. Throws an error for people if there is no key to use. */
export function parseKeySet(text: string, isSecret: boolean): KeySet {
  const written = text.trimStart().startsWith('-----BEGIN') ? [jwkOfPem(text)] : keysOf(text);
  const keys: VerifyKey[] = [];
  const faults: string[] = [];
  for (const jwk of written.slice(0, KEYS_MAX)) {
    const key = isMap(jwk) ? verifyKeyOf(jwk, isSecret) : 'it is no key';
    if (typeof key === 'string') faults.push(key);
    else keys.push(key);
  }
  if (keys.length === 0) throw new Error(faults[0] ?? 'it has no key');
  return { keys, faults };
}

function keysOf(text: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('it is neither a key set in JSON nor a key in PEM');
  }
  if (isMap(value) && Array.isArray(value['keys'])) return value['keys'] as readonly unknown[];
  if (isMap(value) && typeof value['kty'] === 'string') return [value];
  throw new Error('it is no key set: there are no `keys` in it');
}

function jwkOfPem(text: string): JsonWebKey {
  if (/PRIVATE KEY-----/.test(text)) throw new Error('it is a private key: whoever reads it can make tokens');
  try {
    return createPublicKey(text).export({ format: 'jwk' });
  } catch {
    throw new Error('its PEM is no public key and no certificate');
  }
}

/** Why it is not used, or it. */
function verifyKeyOf(jwk: JsonWebKey, isSecret: boolean): VerifyKey | string {
  const { alg, crv, d, key_ops: operations, kid, kty, use } = jwk as Readonly<Record<string, unknown>>;
  const id = typeof kid === 'string' ? kid : null;
  const name = id === null ? 'one without `kid`' : `\`${id}\``;
  if (use !== undefined && use !== 'sig') return `${name} is not for signatures`;
  if (Array.isArray(operations) && !operations.includes('verify')) return `${name} is not for signatures`;
  if (d !== undefined) return `${name} is a private key: whoever reads it can make tokens`;
  const algorithms = algorithmsOf(kty, crv, alg);
  if (algorithms === null) return `${name} is of no kind that is known, or says no algorithm (\`alg\`) of its kind`;
  try {
    if (kty === 'oct') {
      if (!isSecret) return `${name} is a secret, and everybody can read it there`;
      const key = createSecretKey(Buffer.from(String(jwk.k), 'base64url'));
      if ((key.symmetricKeySize ?? 0) < SECRET_BYTES_MIN) return `${name} has fewer than ${SECRET_BYTES_MIN} bytes`;
      return { id, algorithms, key };
    }
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const bits = key.asymmetricKeyDetails?.modulusLength ?? RSA_BITS_MIN;
    return bits < RSA_BITS_MIN ? `${name} has fewer than ${RSA_BITS_MIN} bits` : { id, algorithms, key };
  } catch {
    return `${name} is no key`;
  }
}

/** Null: there are none. */
function algorithmsOf(kty: unknown, crv: unknown, alg: unknown): readonly string[] | null {
  if (alg !== undefined && typeof alg !== 'string') return null;
  if (kty === 'RSA') return choiceOf(RSA_ALGORITHMS, alg ?? 'RS256');
  if (kty === 'oct') return choiceOf(SECRET_ALGORITHMS, alg);
  const ofCurve = Object.hasOwn(CURVE_ALGORITHMS, String(crv)) ? CURVE_ALGORITHMS[String(crv)] : null;
  if ((kty !== 'EC' && kty !== 'OKP') || ofCurve === null) return null;
  return alg === undefined || ofCurve.includes(alg) ? ofCurve : null;
}

function choiceOf(known: readonly string[], alg: string | undefined): readonly string[] | null {
  return alg !== undefined && known.includes(alg) ? [alg] : null;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
