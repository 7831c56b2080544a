/** Reading the files of users and keys that routes name: what proves who a client is. */
import { resolve } from 'node:path';
import { systemReason } from '../base/system-error.ts';
import { type Diagnostic, diagnose, type Problem, problem, type SourceMap } from '../config/findings/diagnostic.ts';
import type { Config, Loose } from '../config/model/config.ts';
import { everyRoute } from '../config/model/every-route.ts';
import { type CredentialFiles, isUrl, NO_CREDENTIAL_FILES } from '../config/plan/credentials.ts';
import type { Path } from '../config/findings/diagnostic.ts';
import { isFieldText } from '../credentials/authorization.ts';
import { hashFault } from '../credentials/hash-faults.ts';
import { parseKeySet } from '../credentials/key-set.ts';
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
const SPACES = 'servers would take a name with a space at its end, or a control character, for another one';

type Kind = 'users' | 'keys';

/** As they are written: each once, with the first place that names it. */
export function credentialFilesOf(config: Loose<Config>): ReadonlyMap<string, Path> {
  return new Map([...placesOf(config)].map(([file, { path }]) => [file, path]));
}

function placesOf(config: Loose<Config>): ReadonlyMap<string, { readonly kind: Kind; readonly path: Path }> {
  const files = new Map<string, { kind: Kind; path: Path }>();
  const note = (kind: Kind, file: string | undefined, path: Path): void => {
    if (file !== undefined && !files.has(file)) files.set(file, { kind, path });
  };
  for (const { path, route } of everyRoute(config)) {
    const { basic, jwt } = route.auth ?? {};
    note('users', basic?.users, [...path, 'auth', 'basic', 'users']);
    if (jwt?.keys !== undefined && !isUrl(jwt.keys)) note('keys', jwt.keys, [...path, 'auth', 'jwt', 'keys']);
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
  for (const [file, { kind, path }] of placesOf(config)) {
    const position = source.locate(path, 'value');
    try {
      const text = readRegularFile(resolve(folderOf(path), file), FILE_BYTES_MAX).bytes.toString('latin1');
      const faults = kind === 'users' ? faultsOfUsers(file, text) : faultsOfKeys(file, text);
      diagnostics.push(...faults.slice(0, FAULTS_MAX).map((fault) => diagnose(fault, position)));
      files.set(file, text);
    } catch (error) {
      diagnostics.push(diagnose(unusable(kind, file, systemReason(error)), position));
    }
  }
  return { files, diagnostics };
}

function unusable(kind: Kind, path: string, reason: string): Problem {
  if (kind === 'keys') {
    const fix = 'write the key set of who signs the tokens there, or the URL of it here';
    return problem('token-keys', { path, reason, fix });
  }
  const fix = `make it: htpasswd -cB ${path} NAME, or echo "NAME:$(openssl passwd -6)" > ${path}`;
  return problem('user-file', { path, reason, fix });
}

function faultsOfUsers(path: string, text: string): readonly Problem[] {
  return [...parseUsers(text)].flatMap(([name, hash]) => {
    const reason = isFieldText(name) ? hashFault(hash, HAS_CRYPT) : SPACES;
    return reason === null ? [] : [problem('bad-hash', { who: `user ${name} of ${path}`, reason, path })];
  });
}

/** Throws if there is none. */
function faultsOfKeys(path: string, text: string): readonly Problem[] {
  return parseKeySet(text, true).faults.map((reason) => problem('bad-token-key', { path, reason }));
}
