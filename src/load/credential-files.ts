/** Reading the files of users that routes name: what proves who a client is. */
import { resolve } from 'node:path';
import { systemReason } from '../base/system-error.ts';
import { type Diagnostic, diagnose, problem, type SourceMap } from '../config/findings/diagnostic.ts';
import type { Config, Loose } from '../config/model/config.ts';
import { everyRoute } from '../config/model/every-route.ts';
import { type CredentialFiles, NO_CREDENTIAL_FILES } from '../config/plan/credentials.ts';
import type { Path } from '../config/findings/diagnostic.ts';
import { hashFault } from '../credentials/hash-faults.ts';
import { parseUsers } from '../credentials/user-file.ts';
import { HAS_CRYPT } from '../io/linux/crypt.ts';
import { readRegularFile } from './regular-file.ts';

export interface ReadCredentialFiles {
  readonly files: CredentialFiles;
  readonly diagnostics: readonly Diagnostic[];
}

export const NO_READ_CREDENTIALS: ReadCredentialFiles = { files: NO_CREDENTIAL_FILES, diagnostics: [] };

/** Some ten thousand users. */
const FILE_BYTES_MAX = 1024 * 1024;
const FAULTS_MAX = 10;

/** As they are written: each once, with the first place that names it. */
export function credentialFilesOf(config: Loose<Config>): ReadonlyMap<string, Path> {
  const files = new Map<string, Path>();
  for (const { path, route } of everyRoute(config)) {
    const users = route.auth?.basic?.users;
    if (users !== undefined && !files.has(users)) files.set(users, [...path, 'auth', 'basic', 'users']);
  }
  return files;
}

export function readCredentialFiles(
  config: Loose<Config>,
  source: SourceMap,
  folderOf: (path: Path) => string,
): ReadCredentialFiles {
  const files = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  for (const [path, at] of credentialFilesOf(config)) {
    const position = source.locate(at, 'value');
    try {
      const text = readRegularFile(resolve(folderOf(at), path), FILE_BYTES_MAX).bytes.toString('latin1');
      files.set(path, text);
      const users = [...parseUsers(text)].map(([name, hash]) => ({ name, reason: hashFault(hash, HAS_CRYPT) }));
      for (const { name, reason } of users.filter((user) => user.reason !== null).slice(0, FAULTS_MAX))
        diagnostics.push(
          diagnose(problem('bad-hash', { who: `user ${name} of ${path}`, reason: reason!, path }), position),
        );
    } catch (error) {
      const fix = `make it: htpasswd -cB ${path} NAME, or echo "NAME:$(openssl passwd -6)" > ${path}`;
      diagnostics.push(diagnose(problem('user-file', { path, reason: systemReason(error), fix }), position));
    }
  }
  return { files, diagnostics };
}
