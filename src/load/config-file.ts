/** The texts of a configuration, from files or from standard input, and printing what is wrong with them. */
import { dirname, resolve } from 'node:path';
import { systemReason } from '../base/system-error.ts';
import type { ConfigFile } from '../cli/config-file.ts';
import { STANDARD_INPUT } from '../cli/config-file.ts';
import type { Diagnostic } from '../config/findings/diagnostic.ts';
import type { FrontEndName, RootFile } from '../config/front-end.ts';
import { readAll, readRegularFile } from './regular-file.ts';
import { type Wording, wordsFor } from '../commands/wording.ts';

export type Print = (text: string) => void;

export interface ConfigText extends RootFile {
  /** Null: its content tells. */
  readonly language: FrontEndName | null;
}

/** Ten thousand routes take some 2 MiB. */
export const CONFIG_BYTES_MAX = 16 * 2 ** 20;
/** A file of another kind has an error in every line. */
const PRINTED_MAX = 100;

/** Null: one cannot be read, and why has been printed. */
export function readConfigTexts(files: readonly ConfigFile[], err: Print): readonly ConfigText[] | null {
  const texts: ConfigText[] = [];
  for (const { path, ...file } of files) {
    const name = path === STANDARD_INPUT ? '<stdin>' : path;
    const read = readText(path === STANDARD_INPUT ? 0 : path);
    if ('reason' in read) err(`${name}: cannot be read: ${read.reason}\n`);
    else texts.push({ ...file, name, directory: dirname(resolve(path)), text: read.text });
  }
  return texts.length === files.length ? texts : null;
}

export function readText(file: string | number): { readonly text: string } | { readonly reason: string } {
  try {
    const bytes =
      typeof file === 'number' ? readAll(file, CONFIG_BYTES_MAX) : readRegularFile(file, CONFIG_BYTES_MAX).bytes;
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    const isOtherText = (error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA';
    return { reason: isOtherText ? 'it is not UTF-8 text' : systemReason(error) };
  }
}

export function printDiagnostics(diagnostics: readonly Diagnostic[], err: Print, wording: Wording = 'evenkeel'): void {
  const words = wordsFor(wording);
  for (const diagnostic of diagnostics.slice(0, PRINTED_MAX)) err(`${words(diagnostic)}\n`);
  if (diagnostics.length > PRINTED_MAX) err(`... and ${diagnostics.length - PRINTED_MAX} more\n`);
}

/** Of a configuration that nobody has written line by line: with the place that each line is about. */
export function printPlaced(diagnostics: readonly Diagnostic[], placeOf: (line: number) => string, err: Print): void {
  for (const { severity, line, message, remedy, code } of diagnostics.slice(0, PRINTED_MAX)) {
    const place = placeOf(line);
    const label = severity === 'error' ? '' : `${severity}: `;
    err(`${place === '' ? 'the configuration' : place}: ${label}${message}; ${remedy} [${code}]\n`);
  }
  if (diagnostics.length > PRINTED_MAX) err(`... and ${diagnostics.length - PRINTED_MAX} more\n`);
}
