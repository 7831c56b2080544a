/** The certificate of the admin API, and who may have issued those of its clients, from their files. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import { type Diagnostic, diagnose, type SourceMap } from '../../config/diagnostic.ts';
import type { Config, Loose } from '../../config/model.ts';
import type { Sight } from '../../core/settled-files.ts';
import type { AdminCredentials } from '../../keeper/api/http-server.ts';
import { SeenFiles } from '../file-state.ts';
import { type AuthorityProblem, readAuthorities } from './authorities.ts';
import { type PairProblem, readPair } from './pair.ts';

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
  const { pair, problems: ofPair } = readPair({ certificate, key, passphraseFile: passphrases, ocsp: null }, nowMs);
  const { authorities, problems: ofAuthorities } = readAuthorities(
    { announced: authorityFile, unannounced: null, revocations: null },
    nowMs,
  );
  const problems = [...ofPair, ...ofAuthorities];
  const fault = faultText(problems);
  const read = (credentials: AdminCredentials | null): ReadAdminTls => {
    return { tls: { files, sight: seen.sight, credentials, fault }, problems };
  };
  if (pair === null || authorities === null) return read(null);
  const { chain, key: der } = pair.credential;
  return read({
    cert: pemOf(chain),
    key: createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
      .export({ format: 'pem', type: 'pkcs8' })
      .toString(),
    ca: authorityFile === null ? null : pemOf(authorities.certificates),
    notAfterMs: pair.notAfterMs,
  });
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
