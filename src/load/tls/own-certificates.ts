/** Certificates that evenkeel makes itself, self-signed: none of them is for a client to trust. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { signCertificate } from '../../keeper/self-signed.ts';
import type { Credential } from '../../port/tls.ts';
import { credentialOf, type Pair } from './pair.ts';

const LIFETIME_MS = 365 * 86_400_000;
/** Clocks differ. */
const EARLIER_MS = 3_600_000;

/**
 * What a listener serves with until the certificate is there that an authority is asked for. A client refuses it, as it would refuse a
 * connection; the listener is open for the authority's challenge, and the other names are served.
 */
export function makeStandIn(names: readonly string[], nowMs: number): Pair {
  return make(names, 'evenkeel: no certificate yet', null, nowMs);
}

/** What an authority looks for by tls-alpn-01 (RFC 8737 section 3). */
export function makeProof(name: string, authorization: string, nowMs: number): Credential {
  const digest = createHash('sha256').update(authorization).digest();
  return make([name], 'evenkeel: for an authority', digest, nowMs).credential;
}

function make(names: readonly string[], commonName: string, acmeIdentifier: Uint8Array | null, nowMs: number): Pair {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const notBeforeMs = nowMs - EARLIER_MS;
  const notAfterMs = nowMs + LIFETIME_MS;
  const certificate = signCertificate({ key, names, commonName, acmeIdentifier, notBeforeMs, notAfterMs });
  return {
    credential: credentialOf([certificate], key),
    keyType: 'ec',
    kind: 'ECDSA P-256',
    names,
    notBeforeMs,
    notAfterMs,
    isStandIn: true,
  };
}
