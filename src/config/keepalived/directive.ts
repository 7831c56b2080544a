/**
 * What a directive of keepalived.conf is: which keyword, what becomes of it, and how it is read. The tables of these
 * (directives-*.ts) are what the reader works by and what docs/reference/keepalived-conf.md is made from.
 */
import type { Place } from '../findings/diagnostic.ts';
import type { DirectiveState } from '../directive-state.ts';
import type { KeepalivedReport } from './report.ts';
import type { Statement } from './statements.ts';

export interface Reading {
  readonly report: KeepalivedReport;
  /** The programs of this machine, by name without path: where they are. */
  readonly findProgram: (name: string) => string;
}

export interface Directive<D> {
  readonly state: DirectiveState;
  /** For the page: what it becomes, or why not. */
  readonly about: string;
  /** For the states that have a meaning. */
  readonly read?: (draft: D, statement: Statement, reading: Reading) => void;
  /** It may be written several times. */
  readonly isRepeated?: boolean;
}

export interface Table<D> {
  /** `in \`vrrp_instance\`` */
  readonly where: string;
  readonly directives: Readonly<Record<string, Directive<D>>>;
}

export function works<D>(about: string, read: NonNullable<Directive<D>['read']>, isRepeated = false): Directive<D> {
  return { state: 'works', about, read, isRepeated };
}

export function differs<D>(about: string, read: NonNullable<Directive<D>['read']>, isRepeated = false): Directive<D> {
  return { state: 'differs', about, read, isRepeated };
}

/** One entry for each of these keywords. */
export function each<D>(
  state: DirectiveState,
  about: string,
  keywords: string,
): Readonly<Record<string, Directive<D>>> {
  const directive: Directive<D> = { state, about, isRepeated: true };
  return Object.fromEntries(keywords.split(/\s+/).map((keyword) => [keyword, directive]));
}

export function readBlock<D>(statements: readonly Statement[], table: Table<D>, draft: D, reading: Reading): void {
  const { report } = reading;
  const firsts = new Map<string, Place>();
  for (const statement of statements) {
    const { keyword, place } = statement;
    const directive = Object.hasOwn(table.directives, keyword) ? table.directives[keyword] : undefined;
    if (directive === undefined) {
      report.unknown(statement, table.where, Object.keys(table.directives));
      continue;
    }
    const first = firsts.get(keyword);
    if (first !== undefined && directive.isRepeated !== true) {
      report.duplicate(statement, first);
      continue;
    }
    firsts.set(keyword, place);
    const { state, about } = directive;
    if (state === 'no effect') report.noEffect(statement);
    else if (state === 'left out') report.leftOut(place, keyword, about);
    else if (state === 'refused') report.refuse(place, keyword, about, 'leave it out');
    else if (state === 'not yet') report.notYet(place, keyword, about, 'leave it out for now');
    directive.read?.(draft, statement, reading);
  }
}

// --- reading words ---

/** The one word of a statement; null, and reported, if there is none or there are more. */
export function onlyWord(statement: Statement, { report }: Reading, fix: string): string | null {
  const { words, keyword, place, block } = statement;
  if (words.length === 0) report.error(place, `\`${keyword}\` has no value`, fix);
  else if (words.length > 1) {
    const reason = `${words[1].text} is not expected behind \`${keyword} ${words[0].text}\``;
    report.error(statement.placeOf(1), reason, 'leave it out, or write it on a line of its own');
  } else if (block !== null) report.error(place, `\`${keyword}\` has no block`, 'leave the braces out');
  else return words[0].text;
  return null;
}

export function integerOf(statement: Statement, reading: Reading, min: number, max: number): number | null {
  const fix = `write a whole number from ${min} to ${max}`;
  const text = onlyWord(statement, reading, fix);
  if (text === null) return null;
  const value = Number(text);
  if (/^-?[0-9]+$/.test(text) && value >= min && value <= max) return value;
  reading.report.badArgument(statement.placeOf(0), text, statement.keyword, fix);
  return null;
}

/** Seconds, with decimals, in milliseconds. */
export function secondsOf(statement: Statement, reading: Reading, minMs: number, maxMs: number): number | null {
  const fix = `write seconds, from ${minMs / 1000} to ${maxMs / 1000}`;
  const text = onlyWord(statement, reading, fix);
  if (text === null) return null;
  const value = Math.round(Number(text) * 1000);
  if (/^[0-9]+(\.[0-9]*)?$/.test(text) && value >= minMs && value <= maxMs) return value;
  reading.report.badArgument(statement.placeOf(0), text, statement.keyword, fix);
  return null;
}

/** The keyword alone is true. */
export function booleanOf(statement: Statement, reading: Reading): boolean {
  if (statement.words.length === 0) return true;
  const text = onlyWord(statement, reading, 'write on or off');
  if (text === null || text === 'on' || text === 'true' || text === 'yes') return true;
  if (text === 'off' || text === 'false' || text === 'no') return false;
  reading.report.badArgument(statement.placeOf(0), text, statement.keyword, 'write on or off');
  return true;
}

/** The lines of a block, or none, and reported. */
export function blockOf(statement: Statement, { report }: Reading): readonly Statement[] {
  const { block, keyword, place } = statement;
  if (block === null) report.error(place, `\`${keyword}\` has no block`, `write \`${keyword} { ... }\``);
  return block ?? [];
}
