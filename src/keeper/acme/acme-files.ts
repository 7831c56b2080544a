/** What ACME leaves on disk: certificates with their keys, and the keys of accounts. Root's alone; each is replaced as a whole. */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '../private-file.ts';
import { AccountKey } from './account-key.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export interface HeldCertificate {
  readonly leaf: X509Certificate;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Null: there is none that can be read. */
export function readHeld(file: string): HeldCertificate | null {
  try {
    const leaf = new X509Certificate(readFileSync(file));
    return { leaf, notBeforeMs: Date.parse(leaf.validFrom), notAfterMs: Date.parse(leaf.validTo) };
  } catch {
    return null;
  }
}

/** Null: there is none. */
export function readHeldText(file: string): string | null {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return null;
  }
}

/** Of a text with both. Throws if they do not belong together. */
export function parseHeld(text: string): HeldCertificate & { readonly key: string; readonly chain: string } {
  const leaf = new X509Certificate(text);
  const key = createPrivateKey(text);
  if (!leaf.checkPrivateKey(key)) throw new Error('its key is another one');
  return {
    leaf,
    notBeforeMs: Date.parse(leaf.validFrom),
    notAfterMs: Date.parse(leaf.validTo),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    chain: `${certificatesIn(text).join('\n')}\n`,
  };
}

/** Each as PEM, in their order. */
export function certificatesIn(text: string): readonly string[] {
  return text.match(CERTIFICATE) ?? [];
}

/** With its key in front. Throws the system's error. */
export function writeHeld(file: string, { key, chain }: { readonly key: string; readonly chain: string }): void {
  writePrivateFile(file, key + chain);
}

/** The key of the account with the authority of this directory; makes one. Throws if it cannot be read, or cannot be kept. */
export function accountKeyFor(folder: string, directory: string): AccountKey {
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  const path = join(folder, `account.${hash}.key`);
  try {
    return AccountKey.parse(readFileSync(path, 'latin1'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const key = AccountKey.create();
  writePrivateFile(path, key.toPem());
  return key;
}
