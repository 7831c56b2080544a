/**
 * What is said about a configuration: a problem of the catalogue, and where it is. Values only; printing is the CLI's.
 */
import type { Args, Code } from './catalogue.ts';
import type { Severity } from './entry.ts';
import { CATALOGUE } from './catalogue.ts';

/** Of a character in a file; both count from 1, columns in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Place extends Position {
  /** As printed in front of a diagnostic. */
  readonly file: string;
}

/** The keys and indexes that lead to a value of a document: `['listeners', 'web', 'routes', 0]`. */
export type Path = readonly (string | number)[];

/** A front-end's memory of where things were written. */
export interface SourceMap {
  /** Null: there are several, and a line alone is no place. */
  readonly file: string | null;
  /** Of a value or of the key in front of it. For what is not there: of the nearest thing around it. */
  locate(path: Path, part: 'key' | 'value'): Place;
}

/** A code of the catalogue with the words for its gaps. */
export interface Problem {
  readonly code: Code;
  readonly args: Readonly<Record<string, string>>;
  /** What to write instead, where a language has other words for it than the catalogue. */
  readonly remedy?: string;
}

/** A problem of one part of a document. */
export interface Finding extends Problem {
  readonly path: Path;
  readonly part: 'key' | 'value';
}

export interface Diagnostic extends Place {
  readonly severity: Severity;
  readonly code: Code;
  /** What is wrong. */
  readonly message: string;
  /** What to write instead. */
  readonly remedy: string;
}

export function problem<C extends Code>(code: C, args: Args<C>): Problem {
  return { code, args };
}

/** What a parser of one scalar returns. */
export type Parsed<T> =
  | { readonly value: T; readonly problem: null }
  | { readonly value: null; readonly problem: Problem };

export function parsed<T>(value: T): Parsed<T> {
  return { value, problem: null };
}

export function refused<C extends Code>(code: C, args: Args<C>): Parsed<never> {
  return { value: null, problem: problem(code, args) };
}

export function diagnose(found: Problem, place: Place): Diagnostic {
  const entry = CATALOGUE[found.code];
  const fill = (template: string): string =>
    template.replace(/<([a-z]+)>/g, (_, name: string) => clean(found.args[name] ?? '', ARGUMENT_CHARACTERS_MAX));
  return {
    severity: entry.severity,
    code: found.code,
    file: place.file,
    line: place.line,
    column: place.column,
    message: fill(entry.message),
    remedy: found.remedy ?? fill(entry.remedy),
  };
}

export function placeText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

/** In the order of the files, each once: an aliased value may have been looked at several times. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  const unique = diagnostics.filter((one) => {
    const key = formatDiagnostic(one);
    return !seen.has(key) && seen.add(key);
  });
  const order = new Map<string, number>();
  for (const { file } of unique) if (!order.has(file)) order.set(file, order.size);
  return unique.sort((a, b) => order.get(a.file)! - order.get(b.file)! || a.line - b.line || a.column - b.column);
}

/** `file:line:column: what is wrong; what to write instead [code]`. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, severity, message, remedy, code } = diagnostic;
  const label = severity === 'error' ? '' : `${severity}: `;
  return `${file}:${line}:${column}: ${label}${message}; ${remedy} [${code}]`;
}

/** `listeners.web.routes[0]`, or the file. */
export function pathText(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text === '' ? 'the file' : `\`${text}\``;
}

const ARGUMENT_CHARACTERS_MAX = 400;
const SHOWN_CHARACTERS_MAX = 60;

/** Something the user wrote, short enough to be quoted. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  const text = clean(String(value), SHOWN_CHARACTERS_MAX);
  return text === '' || text.includes('`') ? `"${text}"` : `\`${text}\``;
}

/** On one line, and without what a terminal would take for an instruction. */
function clean(text: string, charactersMax: number): string {
  const cut = text.length > charactersMax ? `${text.slice(0, charactersMax)}...` : text;
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return cut.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]/gu, (c) => JSON.stringify(c).slice(1, -1));
}
