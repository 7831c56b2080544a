/** Reads whose certificates are believed: files with those of authorities, and with what they have revoked. */
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { systemReason } from '../../base/system-error.ts';
import { type Problem, problem } from '../../config/findings/diagnostic.ts';
import { readRevocationList } from '../../io/openssl/revocation-list.ts';
import type { Authorities } from '../../port/tls.ts';
import { readRegularFile } from '../regular-file.ts';
import { isCertificate, type PemBlock, pemBlocks, pemBytes } from './pem.ts';
import { opensslReason, timeText } from './wording.ts';

export interface TrustFiles {
  /** Empty: this system's. */
  readonly ca: readonly string[];
  readonly crl: string | null;
}

export type TrustProblem = Problem & { readonly about: 'ca' | 'crl' };

export interface ReadTrust {
  /** Null: nothing can be believed by it. */
  readonly trust: Authorities | null;
  /** Warnings too. */
  readonly problems: readonly TrustProblem[];
}

/** A bundle of every authority there is has less than a quarter of a MiB. */
const FILE_BYTES_MAX = 8 * 1024 * 1024;

/** Where systems have the certificates of all authorities: Debian, Alpine and Arch; Fedora and Red Hat; openSUSE; others. */
const SYSTEM_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** SSL_CERT_FILE says otherwise, as for OpenSSL. */
function systemFile(): string {
  const { SSL_CERT_FILE: named = '' } = process.env;
  return named !== '' ? named : (SYSTEM_FILES.find((path) => existsSync(path)) ?? SYSTEM_FILES[0]);
}

function authorityPaths(ca: readonly string[]): readonly string[] {
  return ca.length === 0 ? [systemFile()] : ca;
}

/** What `readTrust` reads. */
export function trustPaths({ ca, crl }: TrustFiles): readonly string[] {
  return authorityPaths(ca).concat(crl ?? []);
}

export function readTrust(files: TrustFiles, nowMs: number): ReadTrust {
  return new TrustReader(files, nowMs).read();
}

class TrustReader {
  private readonly paths: readonly string[];
  private readonly crl: string | null;
  private readonly isSystem: boolean;
  private readonly nowMs: number;
  private readonly problems: TrustProblem[] = [];

  constructor({ ca, crl }: TrustFiles, nowMs: number) {
    this.isSystem = ca.length === 0;
    this.paths = authorityPaths(ca);
    this.crl = crl;
    this.nowMs = nowMs;
  }

  read(): ReadTrust {
    const authorities = this.paths.map((path) => this.readAuthorities(path));
    const revocations = this.crl === null ? [] : this.readRevocations(this.crl);
    const isWhole = authorities.every((each) => each !== null) && revocations !== null;
    return { trust: isWhole ? trustOf(authorities.flat(), revocations) : null, problems: this.problems };
  }

  private readAuthorities(path: string): readonly Uint8Array[] | null {
    const refuse = (reason: string, fix: string): null => {
      this.problems.push({ ...problem('bad-authority', { path, reason, fix }), about: 'ca' });
      return null;
    };
    const blocks = this.readBlocks(path, refuse);
    if (blocks === null) return null;
    const found = blocks.filter(isCertificate);
    if (found.length === 0) return refuse('it has no certificate', 'name the file with the lines BEGIN CERTIFICATE');
    const certificates: X509Certificate[] = [];
    for (const { text } of found) {
      try {
        certificates.push(new X509Certificate(text));
      } catch (error) {
        return refuse(`one in it is damaged (${opensslReason(error)})`, 'get it again from who has issued it');
      }
    }
    if (!this.isSystem && !certificates.some((each) => each.ca || isSelfIssued(each))) {
      const reason = `"${nameOf(certificates[0].subject)}" may issue none`;
      return refuse(reason, `name the certificate of its issuer, "${nameOf(certificates[0].issuer)}"`);
    }
    if (!this.isSystem) for (const each of certificates) this.lookAtTime(each, path);
    return certificates.map(({ raw }) => Uint8Array.from(raw));
  }

  private lookAtTime({ subject, validTo }: X509Certificate, path: string): void {
    const until = Date.parse(validTo);
    if (this.nowMs <= until) return;
    const args = { authority: nameOf(subject), path, date: timeText(until) };
    this.problems.push({ ...problem('authority-expired', args), about: 'ca' });
  }

  private readRevocations(path: string): readonly Uint8Array[] | null {
    const refuse = (reason: string, fix: string): null => {
      this.problems.push({ ...problem('bad-revocations', { path, reason, fix }), about: 'crl' });
      return null;
    };
    const blocks = this.readBlocks(path, refuse);
    if (blocks === null) return null;
    const lists = blocks.filter(({ label }) => label === 'X509 CRL');
    if (lists.length === 0) return refuse('it has none', 'name the file with the lines BEGIN X509 CRL');
    const found = lists.map(pemBytes);
    for (const list of found) {
      const facts = readRevocationList(list, []);
      if (facts === null) return refuse('one in it is damaged', 'get it again from who has issued it');
      const { issuer, untilMs } = facts;
      if (untilMs === null || untilMs >= this.nowMs) continue;
      const args = { issuer, path, date: timeText(untilMs) };
      this.problems.push({ ...problem('revocations-expired', args), about: 'crl' });
    }
    return found;
  }

  private readBlocks(path: string, refuse: (reason: string, fix: string) => null): readonly PemBlock[] | null {
    try {
      const { bytes } = readRegularFile(path, FILE_BYTES_MAX);
      const blocks = pemBlocks(bytes.toString('latin1'));
      if (blocks.length > 0) return blocks;
      return bytes[0] === 0x30
        ? refuse('it is DER, not PEM', `convert it: openssl x509 -inform der -in ${path} -out NAME.pem`)
        : refuse('it has nothing in PEM', 'name a file with lines that begin with -----BEGIN');
    } catch (error) {
      const fix = this.isSystem
        ? 'install the package ca-certificates, or say with `ca` whose certificates are believed'
        : 'correct the path';
      return refuse(systemReason(error), fix);
    }
  }
}

/** The hash of what it is. Servers are told nothing of them. */
function trustOf(all: readonly (Uint8Array | null)[], revocations: readonly Uint8Array[]): Authorities {
  const certificates = all.filter((each) => each !== null);
  const hash = createHash('sha256');
  for (const each of certificates) hash.update(each);
  hash.update('revoked');
  for (const each of revocations) hash.update(each);
  return { id: hash.digest('hex').slice(0, 32), certificates, announced: 0, revocations };
}

function isSelfIssued(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate);
}

function nameOf(name: string): string {
  return /(?:^|\n)CN=(.*)/.exec(name)?.[1] ?? name.split('\n').join(', ');
}
