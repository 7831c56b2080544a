/**
 * keepalived.conf as the lines that count: comments taken out, files included, `$NAME` definitions filled in, `@id` conditions
 * decided, `~SEQ` and `~LST` played out (lib/parser.c of keepalived). Every line remembers where it was written. Bounded: a text of
 * a few lines cannot become one without end.
 */
import { encodeUtf8 } from '../../base/text.ts';
import type { Place } from '../findings/diagnostic.ts';
import type { FrontEndContext, RootFile } from '../front-end.ts';
import type { KeepalivedReport } from './report.ts';

export interface Line {
  readonly text: string;
  readonly place: Place;
  /** Each character is where it was written: what stands at index i is i columns behind `place`. */
  readonly isLiteral: boolean;
}

/** keepalived's MAXBUF less its NUL. */
const LINE_BYTES_MAX = 1023;
const LINES_MAX = 100_000;
const INCLUDE_DEPTH_MAX = 32;
const EXPANSIONS_MAX = 10_000;
const GENERATED_LINE_LENGTH_MAX = 64 * 1024;

const INCLUDE = /^include([rmwba]*)(?:\s+(.*))?$/;
const CONDITION = /^@(\^?)(\S*)(?:\s+(.*))?$/s;
const DEFINITION = /^\$([A-Za-z0-9_]+)=(.*)$/s;
const SEQUENCE = /^~(SEQx?|LST)\(/;

export class LineReader {
  readonly lines: Line[] = [];
  private readonly report: KeepalivedReport;
  private readonly context: FrontEndContext;
  private readonly definitions = new Map<string, readonly string[]>();
  private expansions = 0;
  private isStopped = false;
  /** A definition whose value goes on in the next line. */
  private open: { readonly name: string; readonly values: string[] } | null = null;

  constructor(context: FrontEndContext, report: KeepalivedReport) {
    this.context = context;
    this.report = report;
  }

  readFile({ name, text }: RootFile, depth = 0): void {
    let number = 0;
    for (const raw of text.split('\n')) {
      number++;
      this.readRaw(raw.replace(/\r+$/, ''), { file: name, line: number, column: 1 }, depth);
      if (this.isStopped) return;
    }
    if (this.open !== null && depth === 0) this.close(this.open.name, this.open.values);
  }

  private readRaw(raw: string, place: Place, depth: number): void {
    if (raw.includes('\0'))
      return this.report.error(place, 'the line has a NUL character, which keepalived ignores it for', 'delete it');
    if (raw.length > LINE_BYTES_MAX / 4 && encodeUtf8(raw).length > LINE_BYTES_MAX) {
      const reason = `the line is longer than ${LINE_BYTES_MAX} bytes, which keepalived ignores it for`;
      return this.report.error(place, reason, 'break it, or write its parts as definitions (`$NAME=...`)');
    }
    const bare = withoutComment(raw);
    const text = bare.trim();
    const at: Place = { ...place, column: place.column + bare.length - bare.trimStart().length };
    if (this.open !== null) return this.goOn(text);
    if (text === '') return;
    const include = INCLUDE.exec(text);
    if (include !== null) return this.include(include[2] ?? '', at, depth);
    this.readLine({ text, place: at, isLiteral: bare === raw.slice(0, bare.length) }, true);
  }

  private readLine(line: Line, isFirst: boolean): void {
    const condition = CONDITION.exec(line.text);
    if (condition !== null) {
      if (!this.holds(condition[1] === '^', condition[2], line.place)) return;
      const rest = condition[3] ?? '';
      const column = line.place.column + line.text.length - rest.length;
      if (rest !== '') this.readLine({ ...line, text: rest, place: { ...line.place, column } }, isFirst);
      return;
    }
    const definition = DEFINITION.exec(line.text);
    if (definition !== null) return this.define(definition[1], definition[2]);
    if (SEQUENCE.test(line.text)) {
      for (const text of this.playOut(line)) this.readLine({ ...line, text: text.trim(), isLiteral: false }, isFirst);
      return;
    }
    const texts = isFirst ? this.substitute(line) : [line.text];
    if (texts.length === 1 && texts[0] === line.text) return this.push(line);
    for (const text of texts) {
      if (text.trim() !== '') this.readLine({ ...line, text: text.trim(), isLiteral: false }, false);
    }
  }

  private push(line: Line): void {
    if (this.lines.length === LINES_MAX) this.stop(line.place, `there are more than ${LINES_MAX} lines`);
    else this.lines.push(line);
  }

  /** A bound was met. Said once. */
  private stop(place: Place, reason: string): void {
    if (!this.isStopped) this.report.error(place, reason, 'write less');
    this.isStopped = true;
  }

  // --- files ---

  private include(written: string, place: Place, depth: number): void {
    const pattern = written.replace(/^"(.*)"$/, '$1').trim();
    if (pattern === '') return this.report.error(place, '`include` names no file', 'write `include FILE`');
    if (depth === INCLUDE_DEPTH_MAX) return this.stop(place, `files include each other ${INCLUDE_DEPTH_MAX} deep`);
    const folder = place.file.includes('/') ? place.file.slice(0, place.file.lastIndexOf('/') + 1) : '';
    let found = 0;
    for (const each of expandBraces(pattern)) {
      const path = each.startsWith('/') ? each : folder + each;
      for (const file of this.context.files.glob(path)) {
        found++;
        const read = this.context.files.read(file);
        if ('reason' in read) this.report.error(place, `${file} cannot be read: ${read.reason}`, 'correct the path');
        else this.readFile({ name: file, text: read.text }, depth + 1);
        if (this.isStopped) return;
      }
    }
    if (found === 0) this.report.trap(place, `no file is ${pattern}`, 'correct the path, or leave the line out');
  }

  // --- conditions ---

  private holds(isNegated: boolean, id: string, place: Place): boolean {
    const { node } = this.context;
    if (node === null) {
      const reason = `whether the line counts depends on which node this is (\`@${id}\`)`;
      this.report.error(place, reason, 'say it: `--node NAME`');
      return false;
    }
    return (node.split('.')[0] === id || node === id) !== isNegated;
  }

  // --- definitions ---

  private define(name: string, value: string): void {
    if (value.endsWith('\\')) this.open = { name, values: [value.slice(0, -1)] };
    else this.definitions.set(name, [value]);
  }

  private goOn(text: string): void {
    const { name, values } = this.open!;
    values.push(text.endsWith('\\') ? text.slice(0, -1) : text);
    if (!text.endsWith('\\')) this.close(name, values);
  }

  private close(name: string, values: readonly string[]): void {
    const lines = values.map((value) => value.trim());
    this.definitions.set(name, lines[0] === '' && lines.length > 1 ? lines.slice(1) : lines);
    this.open = null;
  }

  /** The lines that a line becomes. What is not defined stays as it is. */
  private substitute(line: Line): readonly string[] {
    if (!line.text.includes('$')) return [line.text];
    let lines = [line.text];
    const told = new Set<string>();
    for (let isChanged = true; isChanged && !this.isStopped;) {
      isChanged = false;
      const next: string[] = [];
      for (const text of lines) {
        const parts = this.substituteOnce(text, line.place, told);
        isChanged ||= parts.length !== 1 || parts[0] !== text;
        next.push(...parts);
      }
      lines = next;
    }
    return lines;
  }

  private substituteOnce(text: string, place: Place, told: Set<string>): readonly string[] {
    const reference = /\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+)(?=[\s,)]|$))/g;
    for (let match = reference.exec(text); match !== null; match = reference.exec(text)) {
      const name = match[1] ?? match[2];
      const value = PREDEFINED.has(name) ? this.predefined(name, place) : this.definitions.get(name);
      if (value === undefined) {
        if (!told.has(name)) this.tellUndefined(match, name, place);
        told.add(name);
        continue;
      }
      const isLast = match.index + match[0].length === text.length;
      this.expansions++;
      const [first, ...others] = isLast ? value : value.slice(0, 1);
      const changed = text.slice(0, match.index) + first + text.slice(match.index + match[0].length);
      if (this.expansions > EXPANSIONS_MAX || changed.length > GENERATED_LINE_LENGTH_MAX) {
        this.stop(place, 'definitions contain each other, or are filled in too often');
        return [''];
      }
      return [changed, ...others];
    }
    return [text];
  }

  private tellUndefined(match: RegExpExecArray, name: string, place: Place): void {
    const fix = `add \`$${name}=...\` above, or write the value`;
    if (match[1] === undefined) this.report.trap(place, `\`$${name}\` is not defined, and stays as it is written`, fix);
    else this.report.error(place, `\`\${${name}}\` is not defined`, fix);
  }

  private predefined(name: string, place: Place): readonly string[] | undefined {
    if (name === '_HASH') return ['#'];
    if (name === '_BANG') return ['!'];
    if (name === '_PWD') return [place.file.includes('/') ? place.file.slice(0, place.file.lastIndexOf('/')) : '.'];
    this.report.notYet(place, `\${${name}}`, 'what it stands for is not the same at each start', 'write the value');
    return [''];
  }

  // --- sequences ---

  private playOut({ text, place }: Line): readonly string[] {
    const open = text.indexOf('(');
    const close = closingOf(text, open);
    const name = text.slice(1, open);
    const rest = close < 0 ? '' : text.slice(close + 1);
    const parts = close < 0 ? [] : splitOutside(text.slice(open + 1, close));
    const rows = name === 'LST' ? listRows(parts) : sequenceRows(parts, name === 'SEQx');
    if (rows === null || rest.trim() === '') {
      const reason = `\`~${name}(...)\` is not complete`;
      this.report.error(place, reason, 'write `~SEQ(name, first, step, last) LINE` or `~LST(name, a, b) LINE`');
      return [];
    }
    this.expansions += rows.length;
    if (this.expansions > EXPANSIONS_MAX) {
      this.stop(place, `sequences make more than ${EXPANSIONS_MAX} lines`);
      return [];
    }
    return rows.map((row) => fill(rest, row));
  }
}

const PREDEFINED: ReadonlySet<string> = new Set(['_HASH', '_BANG', '_PWD', '_INSTANCE', '_RANDOM', '_ENV']);

/** `#` and `!` begin a comment, unless in double quotes or behind a backslash. */
function withoutComment(raw: string): string {
  let isQuoted = false;
  let text = '';
  for (let i = 0; i < raw.length; i++) {
    const character = raw[i];
    if (character === '"') isQuoted = !isQuoted;
    if (!isQuoted && (character === '#' || character === '!')) return text;
    if (!isQuoted && character === '\\' && (raw[i + 1] === '#' || raw[i + 1] === '!')) i++;
    text += raw[i];
  }
  return text;
}

const ALTERNATIVES_MAX = 1_000;

/** `a{b,c}d` as csh has it. */
export function expandBraces(pattern: string): readonly string[] {
  let patterns = [pattern];
  for (let isChanged = true; isChanged;) {
    isChanged = false;
    patterns = patterns.flatMap((each) => {
      const match = /\{([^{}]*)\}/.exec(each);
      if (match === null || match[1] === '') return [each];
      isChanged = true;
      return match[1].split(',').map((one) => {
        return each.slice(0, match.index) + one + each.slice(match.index + match[0].length);
      });
    });
    if (patterns.length > ALTERNATIVES_MAX) return [];
  }
  return patterns;
}

function closingOf(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return i;
  }
  return -1;
}

/** At the commas that are not in braces. */
function splitOutside(text: string): string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const character of text) {
    if (character === '{') depth++;
    if (character === '}') depth--;
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim());
}

type Row = ReadonlyMap<string, string>;

function sequenceRows(parts: readonly string[], isHex: boolean): readonly Row[] | null {
  if (parts.length < 2 || parts.length > 4) return null;
  const [name, ...numbers] = parts;
  const values = numbers.map((text) => (/^-?[0-9]+$/.test(text) ? Number(text) : Number.NaN));
  if (values.some(Number.isNaN)) return null;
  const [first, step, last] =
    values.length === 3 ? values : [values.length === 2 ? values[0] : 1, 1, values[values.length - 1]];
  if (step === 0 || Math.abs((last - first) / step) > EXPANSIONS_MAX) return null;
  const rows: Row[] = [];
  for (let value = first; step > 0 ? value <= last : value >= last; value += step) {
    rows.push(new Map([[name, value.toString(isHex ? 16 : 10)]]));
  }
  return rows;
}

/** `{a,b}` as its parts. */
function inside(part: string): readonly string[] | null {
  const match = /^\{(.*)\}$/.exec(part);
  return match === null ? null : match[1].split(',').map((each) => each.trim());
}

function listRows(parts: readonly string[]): readonly Row[] | null {
  if (parts.length < 2 || parts[0] === '') return null;
  const names = inside(parts[0]) ?? [parts[0]];
  const rows: Row[] = [];
  for (const part of parts.slice(1)) {
    const values = inside(part) ?? [part];
    if (values.length !== names.length) return null;
    rows.push(new Map(names.map((name, i) => [name, values[i]])));
  }
  return rows;
}

function fill(text: string, row: Row): string {
  return text.replace(
    /\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+)(?=[^A-Za-z0-9_]|$))/g,
    (written, braced: string, bare: string) => {
      return row.get(braced ?? bare) ?? written;
    },
  );
}
