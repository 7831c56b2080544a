/**
 * Who this node is to its peers: a key of its own, made once, and never sent. Others know it by the fingerprint of its public half. The certificate around it says
 * nothing that anybody believes.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '../private-file.ts';
import { signCertificate } from '../self-signed.ts';

export interface Identity {
  /** PEM. */
  readonly key: string;
  readonly certificate: string;
  /** `sha256:` and 43 characters. */
  readonly fingerprint: string;
}

const LIFETIME_MS = 20 * 365 * 86_400_000;
const EARLIER_MS = 86_400_000;

/** Where it is in this state directory. */
export function identityFile(stateDirectory: string): string {
  return join(stateDirectory, 'peers', 'identity.key');
}

/** The one of this state directory; makes it. Throws if it cannot be read, or cannot be kept. */
export function identityIn(stateDirectory: string): Identity {
  const path = identityFile(stateDirectory);
  const key = readKey(path) ?? makeKey(path);
  const nowMs = Date.now();
  const certificate = signCertificate({
    key,
    names: ['peer.evenkeel.invalid'],
    commonName: 'evenkeel peer',
    acmeIdentifier: null,
    notBeforeMs: nowMs - EARLIER_MS,
    notAfterMs: nowMs + LIFETIME_MS,
  });
  const base64 = Buffer.from(certificate).toString('base64');
  return {
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`,
    fingerprint: fingerprintOf(createPublicKey(key)),
  };
}

/** Of the public key (SubjectPublicKeyInfo, DER). */
export function fingerprintOf(key: KeyObject): string {
  const hash = createHash('sha256').update(key.export({ type: 'spki', format: 'der' }));
  return `sha256:${hash.digest('base64url')}`;
}

function readKey(path: string): KeyObject | null {
  try {
    return createPrivateKey(readFileSync(path, 'latin1'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function makeKey(path: string): KeyObject {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writePrivateFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  return privateKey;
}
