/** What ACME leaves on disk: certificates with their keys, and the keys of accounts. Root's alone; each is replaced as a whole. */
import { createHash, X509Certificate } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../make-directory.ts';
import { AccountKey } from './account-key.ts';

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

/** With its key in front. Throws the system's error. */
export function writeHeld(file: string, { key, chain }: { readonly key: string; readonly chain: string }): void {
  replaceFile(file, key + chain);
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
  replaceFile(path, key.toPem());
  return key;
}

/** Whoever looks finds the former content or all of the new one, also after the machine has lost its power. */
function replaceFile(path: string, text: string): void {
  const folder = dirname(path);
  makeDirectory(dirname(folder));
  makeDirectory(folder, 0o700);
  const next = `${path}.next`;
  const descriptor = openSync(next, 'w', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(next, path);
  const entry = openSync(folder, 'r');
  try {
    fsyncSync(entry);
  } finally {
    closeSync(entry);
  }
}
