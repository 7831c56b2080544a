/** Reading the secrets that sticky sessions name. */
import { type StickyKeys, stickyKeysOf } from '../config/compile/sticky.ts';
import { type Diagnostic, diagnose, problem, type SourceMap } from '../config/findings/diagnostic.ts';
import type { Config, Loose } from '../config/model/config.ts';
import { type KeyFault, readSecretFile } from './key-files.ts';

export interface ReadStickyKeys {
  readonly files: StickyKeys;
  /** Of files that cannot be used. With any of these the configuration cannot be run here. */
  readonly diagnostics: readonly Diagnostic[];
}

const SECRET_CHARACTERS_MIN = 32;

export function readStickyKeys(config: Loose<Config>, source: SourceMap): ReadStickyKeys {
  const files = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  for (const [path, upstream] of stickyKeysOf(config)) {
    const secret = readSecret(path);
    if (typeof secret === 'string') {
      files.set(path, secret);
      continue;
    }
    const position = source.locate(['upstreams', upstream, 'sticky', 'cookie', 'key'], 'value');
    diagnostics.push(diagnose(problem('key-file', { path, ...secret }), position));
  }
  return { files, diagnostics };
}

function readSecret(path: string): string | KeyFault {
  const fix = `make one: (umask 077; openssl rand -hex 32 > ${path}), the same on every node`;
  return readSecretFile(path, fix, (text) => {
    const secret = text.trim();
    return secret.length < SECRET_CHARACTERS_MIN ? { reason: 'it has fewer than 32 characters', fix } : secret;
  });
}
