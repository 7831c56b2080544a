/**
 * The configuration that was set by the admin API, and goes before the files until it is given up. It is kept in the state directory, for
 * each command line its own: another evenkeel of this machine, which was started with other files, has nothing to do with it.
 */
import { dirname, join, resolve } from 'node:path';
import { type ConfigFile, STANDARD_INPUT } from '../cli/config-file.ts';
import { unlinkIfThere } from '../keeper/fresh-file.ts';
import { type Draft, draftPrivateFile, syncFolder } from '../keeper/private-file.ts';
import { CONFIG_BYTES_MAX } from './config-file.ts';
import { digestOf, type Origin, shortened } from './origin.ts';
import { readRegularFile } from './regular-file.ts';

export interface SetByApi {
  /** Who has set it; null: they did not say. */
  readonly by: string | null;
  /** ISO 8601, UTC. */
  readonly at: string;
}

export interface StoredConfiguration extends SetByApi {
  /** The files that it went before, as they were. */
  readonly origin: Origin;
  readonly config: unknown;
}

const FORMAT = 1;
/** The layout in which it is written takes more room than what was sent. */
const BYTES_MAX = 4 * CONFIG_BYTES_MAX;

/** Null: there is no file that it could go before. */
export function storePath(directory: string, files: readonly ConfigFile[], node: string | null): string | null {
  const paths = files.map(({ path }) => path);
  if (paths.includes(STANDARD_INPUT)) return null;
  const name = shortened(digestOf(JSON.stringify([node, ...paths.map((path) => resolve(path))])));
  return join(directory, 'admin', `configuration-${name}.json`);
}

/** Null: there is none. Throws the reason if it cannot be read, or is not what evenkeel writes. */
export function readStored(path: string): StoredConfiguration | null {
  let text: string;
  try {
    text = readRegularFile(path, BYTES_MAX).bytes.toString();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const { format, ...stored } = JSON.parse(text) as StoredConfiguration & { readonly format: unknown };
  if (format !== FORMAT || !Array.isArray(stored.origin?.files) || stored.config === undefined) {
    throw new Error('it is not what this evenkeel writes');
  }
  return stored;
}

/** Written, but not in its place. Throws the system's error. */
export function draftStored(path: string, stored: StoredConfiguration): Draft {
  return draftPrivateFile(path, `${JSON.stringify({ format: FORMAT, ...stored }, null, 2)}\n`);
}

/** There need be none. Throws the system's error. */
export function removeStored(path: string): void {
  if (unlinkIfThere(path)) syncFolder(dirname(path));
}
