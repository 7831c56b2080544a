/**
 * Reading the key files that a configuration names. A key that others can read authenticates nobody, so that a file whose
 * permissions are too wide is as good as missing.
 */
import { systemReason } from '../base/system-error.ts';
import { type KeyFiles, keyFilesOf } from '../config/compile/ha.ts';
import { type Diagnostic, diagnose, problem, type SourceMap } from '../config/findings/diagnostic.ts';
import { parseKeyFile, type VrrpKey } from '../config/key-file.ts';
import type { Config, Loose } from '../config/model/config.ts';
import { readRegularFile } from './regular-file.ts';

export interface ReadKeys {
  readonly files: KeyFiles;
  /** Of files that cannot be used. With any of these the configuration cannot be run here. */
  readonly diagnostics: readonly Diagnostic[];
}

/** No key file is longer, with 255 keys and a comment for each. */
const FILE_BYTES_MAX = 64 * 1024;
const OTHERS = 0o007;

export function readKeyFiles(config: Loose<Config>, source: SourceMap): ReadKeys {
  const files = new Map<string, readonly VrrpKey[]>();
  const diagnostics: Diagnostic[] = [];
  for (const [path, router] of keyFilesOf(config)) {
    const keys = readKeyFile(path);
    if (!('reason' in keys)) {
      files.set(path, keys);
      continue;
    }
    const position = source.locate(['ha', router, 'unicast', 'key'], 'value');
    diagnostics.push(diagnose(problem('key-file', { path, ...keys }), position));
  }
  return { files, diagnostics };
}

function readKeyFile(path: string): readonly VrrpKey[] | KeyFault {
  const fix = `make one: (umask 077; echo "1 hex:$(openssl rand -hex 32)" > ${path}), the same on every node`;
  return readSecretFile(path, fix, (text) => {
    const keys = parseKeyFile(text);
    return typeof keys === 'string' ? { reason: keys, fix } : keys;
  });
}

/** Why a file with a secret cannot be used. */
export interface KeyFault {
  readonly reason: string;
  readonly fix: string;
}

/** What `parse` makes of a file that is nobody else's. `fix`: what is to be done where there is none. */
export function readSecretFile<T>(path: string, fix: string, parse: (text: string) => T | KeyFault): T | KeyFault {
  try {
    const { bytes, mode } = readRegularFile(path, FILE_BYTES_MAX);
    if ((mode & OTHERS) !== 0) {
      return {
        reason: `everybody on this machine can use it (mode ${(mode & 0o777).toString(8)})`,
        fix: `chmod 600 ${path}`,
      };
    }
    return parse(bytes.toString());
  } catch (error) {
    const isDenied = (error as NodeJS.ErrnoException).code === 'EACCES';
    return {
      reason: systemReason(error),
      fix: isDenied ? 'give it to the user that runs evenkeel, mode 600' : fix,
    };
  }
}
