/** Reading a configuration file, and saying what is wrong with it on stderr. What every command that takes FILE does first. */
import { readFileSync } from 'node:fs';
import { formatDiagnostic } from '../config/diagnostic.ts';
import type { Diagnostic } from '../config/diagnostic.ts';
import type { Loaded } from '../config/yaml/load.ts';
import { loadYaml } from '../config/yaml/load.ts';

/** A file of another kind has an error in every line. */
const PRINTED_MAX = 100;

type Print = (text: string) => void;

/** Null: the file cannot be read, and why has been printed. `node` null: the file's own. Prints errors and warnings. */
export function loadConfigFile(file: string, node: string | null, err: Print): Loaded | null {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    err(`${file}: cannot be read: ${reasonOf(error)}\n`);
    return null;
  }
  const loaded = loadYaml(text, { file, node: node ?? undefined });
  printDiagnostics(loaded.diagnostics, err);
  return loaded;
}

export function printDiagnostics(diagnostics: readonly Diagnostic[], err: Print): void {
  for (const diagnostic of diagnostics.slice(0, PRINTED_MAX)) err(`${formatDiagnostic(diagnostic)}\n`);
  if (diagnostics.length > PRINTED_MAX) err(`... and ${diagnostics.length - PRINTED_MAX} more\n`);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8 text',
};

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? message;
}
