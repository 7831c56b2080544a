/** The certificate of the admin API, and who may have issued those of its clients, from their files. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { type Diagnostic, diagnose, problem, type SourceMap } from '../../config/findings/diagnostic.ts';
import type { Config, Loose } from '../../config/model/config.ts';
import type { Sight } from '../../core/settled-files.ts';
import { type AdminCredentials, contextOf } from '../../keeper/api/credentials.ts';
import { SeenFiles } from '../file-state.ts';
import { type AuthorityProblem, readAuthorities } from './authorities.ts';
import { type CertificateFacts, factsOf } from './certificates.ts';
import { type Pair, type PairProblem, readPair } from './pair.ts';
import { opensslReason } from './wording.ts';

export interface AdminTlsFiles {
  readonly certificate: string;
  /** Null: it is in the file of the certificate. */
  readonly key: string | null;
  readonly passphrases: string | null;
  /** Null: clients need no certificate. */
  readonly authorities: string | null;
}

export interface AdminTls {
  readonly files: AdminTlsFiles;
  /** As they were read. */
  readonly sight: Sight;
  /** Null: they cannot be used. */
  readonly credentials: AdminCredentials | null;
  /** Of what they are; null as they are. */
  readonly facts: CertificateFacts | null;
  /** What keeps them from being used, for people. Empty: nothing. */
  readonly fault: string;
}

interface ReadAdminTls {
  readonly tls: AdminTls;
  /** Warnings too. */
  readonly problems: readonly (PairProblem | AuthorityProblem)[];
}

/** What is asked for when a file of it has changed. */
export interface AdminTlsRequest {
  readonly adminTls: AdminTlsFiles;
}

/** Where it is written what a problem is about. */
const KEY_OF: Readonly<Record<ReadAdminTls['problems'][number]['about'], string>> = {
  certificate: 'certificate',
  key: 'key',
  ocsp: 'certificate',
  announced: 'client-ca',
  unannounced: 'client-ca',
  revocations: 'client-ca',
};

/** Null: it has none. `folder`: where paths begin. */
export function adminTlsFilesOf({ admin }: Loose<Config>, folder: string): AdminTlsFiles | null {
  const { tls } = admin ?? {};
  if (tls?.certificate === undefined) return null;
  const whole = (file: string | undefined): string | null => {
    if (file === undefined) return null;
    return isAbsolute(file) ? file : join(folder, file);
  };
  return {
    certificate: whole(tls.certificate)!,
    key: whole(tls.key),
    passphrases: whole(tls['passphrase-file']),
    authorities: whole(tls['client-ca']),
  };
}

export function readAdminTls(files: AdminTlsFiles, nowMs: number): ReadAdminTls {
  const { certificate, key, passphrases, authorities: authorityFile } = files;
  const seen = new SeenFiles();
  for (const path of [certificate, key, passphrases, authorityFile]) if (path !== null) seen.note(path);
  const pairFiles = { certificate, key, passphraseFile: passphrases, ocsp: null };
  const { pair, problems: ofPair } = readPair(pairFiles, nowMs);
  const { authorities, problems: ofAuthorities } = readAuthorities(
    { announced: authorityFile, unannounced: null, revocations: null },
    nowMs,
  );
  const problems: (PairProblem | AuthorityProblem)[] = [...ofPair, ...ofAuthorities];
  let credentials: AdminCredentials | null = null;
  if (pair !== null && authorities !== null) {
    credentials = credentialsOf(pair, authorityFile === null ? null : authorities.certificates);
    const reason = whyUnusable(credentials);
    if (reason !== null) {
      credentials = null;
      const fix = 'get one that this OpenSSL takes';
      problems.push({ ...problem('bad-certificate', { path: certificate, reason, fix }), about: 'certificate' });
    }
  }
  const facts = pair === null || credentials === null ? null : factsOf(pair, pairFiles);
  return { tls: { files, sight: seen.sight, credentials, facts, fault: faultText(problems) }, problems };
}

function credentialsOf({ credential, notAfterMs }: Pair, authorities: readonly Uint8Array[] | null): AdminCredentials {
  const key = createPrivateKey({ key: Buffer.from(credential.key), format: 'der', type: 'pkcs8' });
  return {
    cert: pemOf(credential.chain),
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    ca: authorities === null ? null : pemOf(authorities),
    notAfterMs,
  };
}

/** Node's OpenSSL has bounds of its own, of the sizes of keys above all. Null: it takes it. */
function whyUnusable(credentials: AdminCredentials): string | null {
  try {
    createSecureContext(contextOf(credentials));
    return null;
  } catch (error) {
    return opensslReason(error);
  }
}

export function diagnosticsOf({ problems }: ReadAdminTls, source: SourceMap): readonly Diagnostic[] {
  return problems.map((each) => diagnose(each, source.locate(['admin', 'tls', KEY_OF[each.about]], 'value')));
}

function faultText(problems: ReadAdminTls['problems']): string {
  const place = { file: '', line: 0, column: 0 };
  return problems
    .map((each) => diagnose(each, place))
    .filter(({ severity }) => severity === 'error')
    .map(({ message, remedy }) => `${message}; ${remedy}`)
    .join('; ');
}

function pemOf(ders: readonly Uint8Array[]): string {
  return ders.map((der) => new X509Certificate(der).toString()).join('');
}
