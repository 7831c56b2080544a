/** Whether a token (JWT, RFC 7519) is one that lets its bearer in, and what it says. Read RFC 8725 first. */
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { TokenCheck } from '../config/plan/credentials.ts';
import { isFieldText } from './authorization.ts';
import type { VerifyKey } from './key-set.ts';
import type { KeySource } from './key-source.ts';

/** `right`: `claims` as the check names them, empty where it has none. `wrong`: why, for who has sent it. `unknown`: there are no keys. */
export type TokenDecision =
  | { readonly kind: 'right'; readonly claims: readonly string[] }
  | { readonly kind: 'wrong'; readonly reason: string }
  | { readonly kind: 'unknown' };

export type TokenRules = Pick<TokenCheck, 'audiences' | 'claims' | 'issuer' | 'leewayMs'>;

/** Of keys with the same `kid`, or none, so many are tried. */
const TRIES_MAX = 4;
const CLAIM_BYTES_MAX = 1024;

/** `nowMs`: since 1970. */
export async function checkToken(
  token: string,
  source: KeySource,
  rules: TokenRules,
  nowMs: number,
): Promise<TokenDecision> {
  const head = headOf(token);
  if (head === null) return wrong('it is no signed token');
  const set = await source.keysFor(head.id);
  if (set === null) return { kind: 'unknown' };
  const candidates = set.keys
    .filter(({ algorithms, id }) => isFor(id, head.id) && algorithms.includes(head.algorithm))
    .slice(0, TRIES_MAX);
  let reason = 'no key is known that it could be signed with';
  for (const candidate of candidates) {
    try {
      const { payload } = await jwtVerify(token, candidate.key, optionsFor(candidate, rules, nowMs));
      return { kind: 'right', claims: rules.claims.map((name) => textOf(claimOf(payload, name))) };
    } catch (error) {
      reason = reasonOf(error);
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) break;
    }
  }
  return wrong(reason);
}

function isFor(id: string | null, wanted: string | null): boolean {
  return id === null || wanted === null || id === wanted;
}

function optionsFor({ algorithms }: VerifyKey, { audiences, issuer, leewayMs }: TokenRules, nowMs: number) {
  return {
    algorithms: [...algorithms],
    clockTolerance: leewayMs / 1000,
    currentDate: new Date(nowMs),
    requiredClaims: ['exp'],
    ...(issuer === null ? {} : { issuer }),
    ...(audiences.length === 0 ? {} : { audience: [...audiences] }),
  };
}

function wrong(reason: string): TokenDecision {
  return { kind: 'wrong', reason };
}

/** What it says of the key. Null: it is none. */
function headOf(token: string): { readonly algorithm: string; readonly id: string | null } | null {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    return { algorithm: String(alg), id: typeof kid === 'string' ? kid : null };
  } catch {
    return null;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.reason === 'missing') return `it has no ${error.claim}`;
    return error.claim === 'nbf' ? 'it does not hold yet' : `its ${error.claim} is not the one that is wanted`;
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is not right';
  if (error instanceof errors.JOSEError) return 'it is no signed token';
  throw error;
}

/** A claim of this name, or else the one that its parts between dots lead to. */
function claimOf(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name];
  let value: unknown = payload;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[part];
  }
  return value;
}

/** As it may stand in a field, each byte of UTF-8 a character. */
function textOf(value: unknown): string {
  const members = (Array.isArray(value) ? value : [value]).filter(
    (one) => typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean',
  );
  const text = Buffer.from(members.join(',')).toString('latin1');
  return text.length <= CLAIM_BYTES_MAX && isFieldText(text) ? text : '';
}
