/** A certificate with its chain and its private key, read from their files: taken only if both belong together. */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { systemReason } from '../../base/system-error.ts';
import { type Problem, problem } from '../../config/findings/diagnostic.ts';
import type { Credential, Staple } from '../../port/tls.ts';
import { openMode, readRegularFile } from '../regular-file.ts';
import { findChainFault, kindOf, mustStaple, namesOf } from './chain.ts';
import { readStaple } from './staple.ts';
import { opensslReason, timeText } from './wording.ts';
import { isCertificate, isPrivateKey, type PemBlock, pemBlocks } from './pem.ts';

export interface PairFiles {
  readonly certificate: string;
  /** Null: it is in the file of the certificate. */
  readonly key: string | null;
  readonly passphraseFile: string | null;
  /** A response that is to be stapled. */
  readonly ocsp: string | null;
}

export interface Pair {
  readonly credential: Credential;
  /** Of which OpenSSL has one for each: `rsa`, `ec`. */
  readonly keyType: string;
  /** For people. */
  readonly kind: string;
  readonly names: readonly string[];
  /** Unix time. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** In the place of one that is still to be obtained: nobody believes it. */
  readonly isStandIn: boolean;
}

export type PairProblem = Problem & { readonly about: 'certificate' | 'key' | 'ocsp' };

export interface ReadPair {
  /** Null: they cannot be used. */
  readonly pair: Pair | null;
  /** Of the certificate, also where its key cannot be used. Empty: it has none, or cannot be read. */
  readonly names: readonly string[];
  /** Warnings too. */
  readonly problems: readonly PairProblem[];
}

/** No chain is longer. */
const FILE_BYTES_MAX = 1024 * 1024;
const CHAIN_MAX = 16;

export function readPair(files: PairFiles, nowMs: number): ReadPair {
  return new PairReader(files).read(nowMs);
}

class PairReader {
  private readonly files: PairFiles;
  private readonly problems: PairProblem[] = [];

  constructor(files: PairFiles) {
    this.files = files;
  }

  read(nowMs: number): ReadPair {
    const { certificate: path } = this.files;
    const blocks = this.readBlocks(path, 'certificate');
    const chain = blocks === null ? null : this.parseChain(blocks);
    const key = this.readKey(blocks);
    const names = chain === null ? [] : namesOf(chain[0]);
    if (chain === null || key === null || !this.belongs(chain, key)) {
      return { pair: null, names, problems: this.problems };
    }
    const [leaf] = chain;
    const pair: Pair = {
      credential: credentialOf(
        chain.map(({ raw }) => raw),
        key,
        this.readStaple(leaf, nowMs),
      ),
      keyType: leaf.publicKey.asymmetricKeyType ?? '',
      kind: kindOf(leaf.publicKey),
      names,
      notBeforeMs: Date.parse(leaf.validFrom),
      notAfterMs: Date.parse(leaf.validTo),
      isStandIn: false,
    };
    this.lookAtTime(pair, nowMs);
    const fault = findChainFault(chain);
    if (fault !== null) this.say('certificate', problem('certificate-chain', { path, ...fault }));
    if (mustStaple(leaf) && pair.credential.staple === null) this.say('certificate', problem('must-staple', { path }));
    return { pair, names, problems: this.problems };
  }

  private readStaple(leaf: X509Certificate, nowMs: number): Staple | null {
    const { ocsp } = this.files;
    if (ocsp === null) return null;
    const found = readStaple(ocsp, leaf.raw, nowMs);
    if ('response' in found) return found;
    this.say('ocsp', problem('bad-ocsp', { path: ocsp, ...found }));
    return null;
  }

  private readBlocks(path: string, about: PairProblem['about']): readonly PemBlock[] | null {
    const code = about === 'certificate' ? 'bad-certificate' : 'bad-private-key';
    try {
      const { bytes, mode } = readRegularFile(path, FILE_BYTES_MAX);
      const blocks = pemBlocks(bytes.toString('latin1'));
      if (blocks.some(isPrivateKey)) this.lookAtMode(about, path, mode);
      if (blocks.length > 0) return blocks;
      const isDer = bytes[0] === 0x30;
      const reason = isDer ? 'it is DER, not PEM' : 'it has nothing in PEM';
      const fix = isDer
        ? `convert it: openssl ${about === 'certificate' ? 'x509' : 'pkey'} -inform der -in ${path} -out NAME.pem`
        : 'name a file with lines that begin with -----BEGIN';
      this.say(about, problem(code, { path, reason, fix }));
    } catch (error) {
      const isDenied = (error as NodeJS.ErrnoException).code === 'EACCES';
      const fix = isDenied ? 'run evenkeel as root, which gives up its rights itself' : 'correct the path';
      this.say(about, problem(code, { path, reason: systemReason(error), fix }));
    }
    return null;
  }

  private parseChain(blocks: readonly PemBlock[]): readonly X509Certificate[] | null {
    const { certificate: path } = this.files;
    const found = blocks.filter(isCertificate);
    const refuse = (reason: string, fix: string): null => {
      this.say('certificate', problem('bad-certificate', { path, reason, fix }));
      return null;
    };
    if (found.length === 0) return refuse('it has no certificate', 'name the file with the lines BEGIN CERTIFICATE');
    if (found.length > CHAIN_MAX) {
      return refuse(`it has ${found.length} certificates`, 'leave in it only those that lead from its own to the root');
    }
    try {
      return found.map(({ text }) => new X509Certificate(text));
    } catch (error) {
      return refuse(`one in it is damaged (${opensslReason(error)})`, 'get it again from who has issued it');
    }
  }

  private readKey(own: readonly PemBlock[] | null): KeyObject | null {
    const { certificate, key } = this.files;
    const path = key ?? certificate;
    const blocks = key === null ? own : this.readBlocks(key, 'key');
    if (blocks === null) return null;
    const refuse = (reason: string, fix: string): null => {
      this.say('key', problem('bad-private-key', { path, reason, fix }));
      return null;
    };
    const found = blocks.find(isPrivateKey);
    if (found === undefined) {
      const fix = key === null ? 'say with `key` where it is' : 'name the file with the lines BEGIN PRIVATE KEY';
      return refuse('it has no private key', fix);
    }
    const isEncrypted = found.label === 'ENCRYPTED PRIVATE KEY' || found.text.includes('Proc-Type: 4,ENCRYPTED');
    const passphrases = isEncrypted ? this.readPassphrases(path) : [undefined];
    if (passphrases === null) return null;
    let reason = '';
    for (const passphrase of passphrases) {
      try {
        return createPrivateKey({
          key: found.text,
          format: 'pem',
          ...(passphrase === undefined ? {} : { passphrase }),
        });
      } catch (error) {
        reason = opensslReason(error);
      }
    }
    return isEncrypted
      ? refuse(
          `no passphrase of ${this.files.passphraseFile} opens it`,
          'write the right one into that file, on a line',
        )
      : refuse(`it is damaged (${reason})`, 'copy it again from where it was made');
  }

  private readPassphrases(path: string): readonly string[] | null {
    const { passphraseFile } = this.files;
    if (passphraseFile === null) {
      const fix = `say with \`passphrase-file\` where its passphrase is, or: openssl pkey -in ${path} -out NAME.key`;
      this.say('key', problem('bad-private-key', { path, reason: 'it is encrypted', fix }));
      return null;
    }
    try {
      const { bytes, mode } = readRegularFile(passphraseFile, FILE_BYTES_MAX);
      this.lookAtMode('key', passphraseFile, mode);
      return bytes
        .toString()
        .split('\n')
        .map((line) => line.replace(/\r$/, ''))
        .filter((line, i, all) => line !== '' || i < all.length - 1);
    } catch (error) {
      const reason = `its passphrases are in ${passphraseFile}, which cannot be read: ${systemReason(error)}`;
      this.say('key', problem('bad-private-key', { path, reason, fix: 'correct `passphrase-file`' }));
      return null;
    }
  }

  private belongs(chain: readonly X509Certificate[], key: KeyObject): boolean {
    if (chain[0].checkPrivateKey(key)) return true;
    const { certificate: path } = this.files;
    const other = chain.findIndex((one) => one.checkPrivateKey(key));
    const fix =
      other < 0
        ? 'name the key that the certificate was requested with; where both were replaced, wait for the second one'
        : `it belongs to certificate ${other + 1} of that file, which has to be the first`;
    this.say('key', problem('key-mismatch', { key: this.files.key ?? path, path, fix }));
    return false;
  }

  private lookAtMode(about: PairProblem['about'], path: string, mode: number): void {
    const open = openMode(mode);
    if (open !== null) this.say(about, problem('open-private-key', { path, mode: open }));
  }

  private lookAtTime({ notBeforeMs, notAfterMs }: Pair, nowMs: number): void {
    const { certificate: path } = this.files;
    if (nowMs > notAfterMs)
      this.say('certificate', problem('certificate-expired', { path, date: timeText(notAfterMs) }));
    if (nowMs < notBeforeMs) {
      this.say('certificate', problem('certificate-not-yet-valid', { path, date: timeText(notBeforeMs) }));
    }
  }

  private say(about: PairProblem['about'], found: Problem): void {
    this.problems.push({ ...found, about });
  }
}

/** The hash of what it is: the same pair has the same one in every generation. */
export function credentialOf(
  chain: readonly Uint8Array[],
  privateKey: KeyObject,
  staple: Staple | null = null,
): Credential {
  const key = Uint8Array.from(privateKey.export({ type: 'pkcs8', format: 'der' }));
  const hash = createHash('sha256');
  for (const der of chain) hash.update(der);
  hash.update(key);
  if (staple !== null) hash.update(staple.response);
  const id = hash.digest('hex').slice(0, 32);
  return { id, chain: chain.map((der) => Uint8Array.from(der)), key, staple };
}
