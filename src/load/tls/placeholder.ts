/**
 * What a listener serves with until the certificate is there that an authority is asked for: a self-signed one for the same names. A client
 * refuses it, as it would refuse a connection; the listener is open for the authority's challenge, and the other names are served.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { certificateBody, signed } from '../../wire/x509/certificates.ts';
import { credentialOf, type Pair } from './pair.ts';

const SERIAL_BYTES = 16;
const LIFETIME_MS = 365 * 86_400_000;
/** Clocks differ. */
const EARLIER_MS = 3_600_000;

export function makePlaceholder(names: readonly string[], nowMs: number): Pair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] &= 0x7f;
  const notBeforeMs = nowMs - EARLIER_MS;
  const notAfterMs = nowMs + LIFETIME_MS;
  const body = certificateBody({
    names,
    commonName: 'evenkeel: no certificate yet',
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    serial,
    notBefore: new Date(notBeforeMs).toISOString(),
    notAfter: new Date(notAfterMs).toISOString(),
    acmeIdentifier: null,
  });
  const certificate = signed(body, sign('sha256', body, privateKey));
  return {
    credential: credentialOf([certificate], privateKey),
    keyType: 'ec',
    kind: 'ECDSA P-256',
    names,
    notBeforeMs,
    notAfterMs,
  };
}
