/** Who may have issued the certificates of clients, and what they have revoked, read from their files. */
import { createHash, X509Certificate } from 'node:crypto';
import { systemReason } from '../../base/system-error.ts';
import { type Problem, problem } from '../../config/findings/diagnostic.ts';
import { readRevocationList } from '../../io/openssl/revocation-list.ts';
import type { Authorities } from '../../port/tls.ts';
import { readRegularFile } from '../regular-file.ts';
import { isCertificate, type PemBlock, pemBlocks, pemBytes } from './pem.ts';
import { timeText } from './wording.ts';

export interface AuthorityFiles {
  /** Null: none. */
  readonly announced: string | null;
  readonly unannounced: string | null;
  readonly revocations: string | null;
}

export type AuthorityProblem = Problem & { readonly about: keyof AuthorityFiles };

export interface ReadAuthorities {
  /** Null: they cannot be used. */
  readonly authorities: Authorities | null;
  /** Warnings too. */
  readonly problems: readonly AuthorityProblem[];
}

/** Lists of large authorities have some hundred thousand entries. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

export function readAuthorities(files: AuthorityFiles, nowMs: number): ReadAuthorities {
  return new AuthorityReader(files, nowMs).read();
}

class AuthorityReader {
  private readonly files: AuthorityFiles;
  private readonly nowMs: number;
  private readonly problems: AuthorityProblem[] = [];

  constructor(files: AuthorityFiles, nowMs: number) {
    this.files = files;
    this.nowMs = nowMs;
  }

  read(): ReadAuthorities {
    const announced = this.readCertificates('announced');
    const unannounced = this.readCertificates('unannounced');
    const lists = this.readLists();
    const { problems } = this;
    if (announced === null || unannounced === null || lists === null) return { authorities: null, problems };
    const certificates = [...announced, ...unannounced];
    const hash = createHash('sha256').update(String(announced.length));
    for (const der of [...certificates, ...lists]) hash.update(`${der.length} `).update(der);
    if (!lists.every((list) => this.lookAtList(list, certificates))) return { authorities: null, problems };
    if (lists.length > 0) this.lookForLists(certificates, lists);
    const id = hash.digest('hex').slice(0, 32);
    return { authorities: { id, certificates, announced: announced.length, revocations: lists }, problems };
  }

  private readCertificates(about: 'announced' | 'unannounced'): readonly Uint8Array[] | null {
    const path = this.files[about];
    if (path === null) return [];
    const blocks = this.readBlocks(path, about, 'a certificate of an authority', isCertificate);
    if (blocks === null) return null;
    const found: Uint8Array[] = [];
    for (const [i, { text }] of blocks.entries()) {
      const which = blocks.length === 1 ? 'it' : `certificate ${i + 1} of ${blocks.length}`;
      let certificate: X509Certificate;
      try {
        certificate = new X509Certificate(text);
      } catch {
        this.refuse(about, path, `${which} is damaged`, 'get it again from who has issued it');
        return null;
      }
      found.push(Uint8Array.from(certificate.raw));
      this.lookAtCertificate(certificate, about, path, which);
    }
    return found;
  }

  private lookAtCertificate(
    certificate: X509Certificate,
    about: AuthorityProblem['about'],
    path: string,
    which: string,
  ): void {
    const doubt = (reason: string, fix: string): void =>
      this.say(about, problem('client-authority', { path, reason: `${which} ${reason}`, fix }));
    if (!certificate.ca)
      doubt('is not of an authority (CA)', 'name the one that has issued the certificates of clients');
    const untilMs = Date.parse(certificate.validTo);
    if (untilMs < this.nowMs)
      doubt(`has expired: it was valid until ${timeText(untilMs)}`, 'get a new one: clients are refused');
  }

  private readLists(): readonly Uint8Array[] | null {
    const { revocations: path } = this.files;
    if (path === null) return [];
    const blocks = this.readBlocks(path, 'revocations', 'a revocation list (CRL)', ({ label }) => label === 'X509 CRL');
    return blocks === null ? null : blocks.map(pemBytes);
  }

  /** False: it cannot be used. */
  private lookAtList(list: Uint8Array, certificates: readonly Uint8Array[]): boolean {
    const path = this.files.revocations as string;
    const facts = readRevocationList(list, certificates);
    if (facts === null) {
      this.refuse('revocations', path, 'a revocation list in it is damaged', 'get it again from who has issued it');
      return false;
    }
    const { issuer, authority, untilMs } = facts;
    if (authority < 0) {
      const fix = 'name the list of the authorities in `ca`';
      this.say(
        'revocations',
        problem('client-authority', { path, reason: `the list of "${issuer}" is of none of the authorities`, fix }),
      );
    }
    if (untilMs !== null && untilMs < this.nowMs) {
      const reason = `the list of "${issuer}" has expired: the next one was due at ${timeText(untilMs)}`;
      this.say(
        'revocations',
        problem('client-authority', { path, reason, fix: 'get the next one: clients are refused' }),
      );
    }
    return true;
  }

  /** OpenSSL wants one for each on the way to the root. */
  private lookForLists(certificates: readonly Uint8Array[], lists: readonly Uint8Array[]): void {
    const path = this.files.revocations as string;
    const having = new Set(lists.map((list) => readRevocationList(list, certificates)?.authority));
    for (const [i, der] of certificates.entries()) {
      const { ca, subject } = new X509Certificate(der);
      if (having.has(i) || !ca) continue;
      const reason = `it has no list of "${subject.split('\n').join(', ')}"`;
      const fix = 'add it: clients whose certificates that one has issued are refused';
      this.say('revocations', problem('client-authority', { path, reason, fix }));
    }
  }

  private readBlocks(
    path: string,
    about: AuthorityProblem['about'],
    what: string,
    isWanted: (block: PemBlock) => boolean,
  ): readonly PemBlock[] | null {
    try {
      const { bytes } = readRegularFile(path, FILE_BYTES_MAX);
      const blocks = pemBlocks(bytes.toString('latin1')).filter(isWanted);
      if (blocks.length > 0) return blocks;
      const isDer = bytes[0] === 0x30;
      const fix = isDer ? 'convert it with `openssl x509` or `openssl crl`, -inform der' : `name a file with ${what}`;
      this.refuse(about, path, isDer ? 'it is DER, not PEM' : `it has not ${what}`, fix);
    } catch (error) {
      this.refuse(about, path, systemReason(error), 'correct the path');
    }
    return null;
  }

  private refuse(about: AuthorityProblem['about'], path: string, reason: string, fix: string): void {
    this.say(about, problem('bad-client-authority', { path, reason, fix }));
  }

  private say(about: AuthorityProblem['about'], found: Problem): void {
    this.problems.push({ ...found, about });
  }
}
