/** The text of a configuration, from a file or from standard input, and printing what is wrong with it. */
import { readFileSync } from 'node:fs';
import { systemReason } from '../base/system-error.ts';
import { formatDiagnostic } from '../config/diagnostic.ts';
import type { Diagnostic } from '../config/diagnostic.ts';

export type Print = (text: string) => void;

export interface ConfigText {
  /** As printed in front of every diagnostic. */
  readonly name: string;
  readonly text: string;
}

/** A file of another kind has an error in every line. */
const PRINTED_MAX = 100;

/** Null: it cannot be read, and why has been printed. `-` is standard input. */
export function readConfigText(file: string, err: Print): ConfigText | null {
  const name = file === '-' ? '<stdin>' : file;
  try {
    const bytes = readFileSync(file === '-' ? 0 : file);
    return { name, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    const isOtherText = (error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA';
    err(`${name}: cannot be read: ${isOtherText ? 'it is not UTF-8 text' : systemReason(error)}\n`);
    return null;
  }
}

export function printDiagnostics(diagnostics: readonly Diagnostic[], err: Print): void {
  for (const diagnostic of diagnostics.slice(0, PRINTED_MAX)) err(`${formatDiagnostic(diagnostic)}\n`);
  if (diagnostics.length > PRINTED_MAX) err(`... and ${diagnostics.length - PRINTED_MAX} more\n`);
}
