/** Certificates that evenkeel signs itself, with a key of ECDSA P-256. */
import { createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { certificateBody, signed } from '../wire/x509/certificates.ts';

export interface SelfSignedOptions {
  readonly key: KeyObject;
  readonly names: readonly string[];
  /** For people. */
  readonly commonName: string;
  /** As RFC 8737 wants it. Null: none. */
  readonly acmeIdentifier: Uint8Array | null;
  /** Unix time. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const SERIAL_BYTES = 16;

/** DER. */
export function signCertificate(options: SelfSignedOptions): Uint8Array {
  const { key, names, commonName, acmeIdentifier, notBeforeMs, notAfterMs } = options;
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] &= 0x7f;
  const body = certificateBody({
    names,
    commonName,
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'der' }),
    serial,
    notBefore: new Date(notBeforeMs).toISOString(),
    notAfter: new Date(notAfterMs).toISOString(),
    acmeIdentifier,
  });
  return signed(body, sign('sha256', body, key));
}
