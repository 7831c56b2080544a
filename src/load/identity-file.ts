/** Whether the key of this node, by which its peers know it, is this node's alone. */
import { statSync } from 'node:fs';
import { type Diagnostic, diagnose, problem, type SourceMap } from '../config/findings/diagnostic.ts';
import type { Config, Loose } from '../config/model/config.ts';
import { identityFile } from '../keeper/peers/identity.ts';
import { openMode } from './regular-file.ts';

/** One that is not there yet is made when it is needed, and one that cannot be read is told of by whoever needs it. */
export function findIdentityFaults(
  { peers }: Loose<Config>,
  source: SourceMap,
  stateDirectory: string,
): readonly Diagnostic[] {
  if (peers === undefined) return [];
  const path = identityFile(stateDirectory);
  const mode = openMode(modeOf(path));
  if (mode === null) return [];
  const found = problem('open-private-key', { path, mode });
  return [diagnose(found, source.locate(['peers'], 'key'))];
}

function modeOf(path: string): number {
  try {
    return statSync(path).mode;
  } catch {
    return 0;
  }
}
