/**
 * Whether a document has the shape of the model, part by part: every finding at once, each with what to write instead. What
 * was found wrong is taken out, so that how the rest fits together can still be checked.
 *
 * zod says where a schema is not met; this says it in the words of the catalogue, with what the schema's meta knows.
 */
import * as z from 'zod';
import type { Finding, Path, Problem } from '../findings/diagnostic.ts';
import { pathText, problem, show } from '../findings/diagnostic.ts';
import { hasGap, REST, UNREADABLE } from '../gaps.ts';
import type { Loose } from './config.ts';
import { Config } from './config.ts';
import type { Kind, Schema } from './schema-walk.ts';
import {
  expectation,
  isOptionalAt,
  kindOf,
  kindsOf,
  metaOf,
  optionFor,
  schemaAt,
  unwrap,
  valueAt,
  yamlText,
} from './schema-walk.ts';
import { adviseChoice, adviseColon, adviseType, adviseWholeFile, isNumberInQuotes } from './remedies.ts';
import { adviseUnknownKey, type KeysBelow, nearest } from '../findings/suggest.ts';

export interface Shape {
  readonly findings: readonly Finding[];
  /** What is right of the document: the whole, if there are no findings. List items that were wrong are undefined. */
  readonly document: Loose<Config>;
  /** What was taken out. */
  readonly wrong: readonly Path[];
  /** Maps with a key that nobody knows or that could not be read: any other key may have been meant. */
  readonly unclear: readonly Path[];
  /** Misspelt keys of maps and lists, which are looked at by the name that was meant. */
  readonly misspelt: readonly Misspelt[];
}

interface Misspelt {
  /** With the name that was meant. */
  readonly path: Path;
  readonly written: string;
}

type Issue = z.core.$ZodIssue;

/** `document` is changed: what is wrong is removed from it. Plain values, no two parts of it the same object. */
export function checkShape(document: unknown): Shape {
  const misspelt: Misspelt[] = [];
  const renaming: Finding[] = [];
  for (;;) {
    const result = Config.safeParse(document);
    if (result.success) return { findings: renaming, document: result.data, wrong: [], unclear: [], misspelt };
    const translator = new Translator(document);
    for (const issue of result.error.issues) translator.translate(Config, [], issue);
    const { findings, wrong, unclear } = translator;
    const renamed = findings.map((found) => rename(document, found)).filter((one) => one !== null);
    if (renamed.length > 0) {
      for (const { finding, key } of renamed) {
        renaming.push(finding);
        misspelt.push(key);
      }
      continue;
    }
    for (const path of wrong) remove(document, path);
    return {
      findings: [...renaming, ...findings.filter(isNoEcho(findings))],
      document: kindOf(document) === 'map' ? (document as Loose<Config>) : {},
      wrong,
      unclear,
      misspelt,
    };
  }
}

/** The path as it is written. */
export function pathAsWritten(path: Path, misspelt: readonly Misspelt[]): Path {
  if (misspelt.length === 0) return path;
  return path.map((step, i) => {
    const found = misspelt.find((one) => one.path.length === i + 1 && one.path.every((each, j) => each === path[j]));
    return found?.written ?? step;
  });
}

/**
 * Gives a map or list the key that was meant, where its own is only misspelt: what is wrong in it is said in the same round. The
 * finding has the path of the key that was meant, as all that come later. Null: it is something else.
 */
function rename(document: unknown, finding: Finding): { finding: Finding; key: Misspelt } | null {
  const { code, path, args } = finding;
  const written = path[path.length - 1];
  const meant = /^write `([a-z-]+)`$/.exec(args['fix'] ?? '')?.[1];
  const parent = valueAt(document, path.slice(0, -1)) as Record<string, unknown> | undefined;
  if (code !== 'unknown-key' || meant === undefined || typeof written !== 'string' || parent === undefined) return null;
  const value = parent[written];
  const isContainer = Array.isArray(value) || (kindOf(value) === 'map' && value !== UNREADABLE);
  if (!isContainer || Object.hasOwn(parent, meant) || nearest(written, [meant]) === null) return null;
  delete parent[written];
  parent[meant] = value;
  const meantPath = [...path.slice(0, -1), meant];
  return { finding: { ...finding, path: meantPath }, key: { path: meantPath, written } };
}

/** Of one mistake only what says most: not that a misspelt key is missing too, nor that a wrong one has no value. */
function isNoEcho(findings: readonly Finding[]): (finding: Finding) => boolean {
  const meant = new Set<string>();
  const wrongKeys = new Set<string>();
  for (const { code, path, args, part } of findings) {
    if (code === 'unknown-key') meant.add(`${JSON.stringify(path.slice(0, -1))} ${args['fix']}`);
    if (part === 'key' && code !== 'no-value') wrongKeys.add(JSON.stringify(path));
  }
  return ({ code, path, args }) => {
    if (code === 'no-value') return !wrongKeys.has(JSON.stringify(path));
    return code !== 'missing-key' || !meant.has(`${JSON.stringify(path.slice(0, -1))} write \`${args['key']}\``);
  };
}

function remove(document: unknown, path: Path): void {
  const parent = valueAt(document, path.slice(0, -1));
  const last = path[path.length - 1];
  if (Array.isArray(parent)) parent[last as number] = undefined;
  else if (kindOf(parent) === 'map') delete (parent as Record<string, unknown>)[last];
}

class Translator {
  readonly findings: Finding[] = [];
  readonly wrong: Path[] = [];
  readonly unclear: Path[] = [];
  private readonly document: unknown;

  constructor(document: unknown) {
    this.document = document;
  }

  /** `issue.path` begins at `base`, which `schema` is for. */
  translate(schema: Schema, base: Path, issue: Issue): void {
    const path: Path = [...base, ...(issue.path as Path)];
    const value = valueAt(this.document, path);
    if (value === UNREADABLE) {
      this.wrong.push(path);
      if (path[path.length - 1] === REST) this.unclear.push(path.slice(0, -1));
      return;
    }
    const target = schemaAt(schema, issue.path as Path, valueAt(this.document, base));
    if (value === undefined && issue.code !== 'unrecognized_keys') {
      if (!hasGap(valueAt(this.document, path.slice(0, -1)))) this.reportMissing(target, path);
      return;
    }
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) this.reportUnknownKey(target, path, key);
    } else if (issue.code === 'invalid_key') {
      this.reportKey(target, path, issue);
    } else if (issue.code === 'custom') {
      this.report(path, 'value', issue.params as unknown as Problem);
    } else if (issue.code === 'invalid_union' && value !== null) {
      this.translateUnion(target, path, value, issue.errors);
    } else {
      const isOptional = isOptionalAt(schema, issue.path as Path, valueAt(this.document, base));
      this.report(path, value === null ? 'key' : 'value', describe(issue, target, path, value, isOptional));
    }
  }

  /** The errors of the option that was most likely meant. */
  private translateUnion(union: Schema, path: Path, value: unknown, errors: readonly (readonly Issue[])[]): void {
    const options = union instanceof z.ZodUnion ? union.options : [];
    const kind = kindOf(value);
    let best = -1;
    for (let i = 0; i < options.length; i++) {
      if (!kindsOf(options[i]).has(kind)) continue;
      if (best < 0 || errors[i].length < errors[best].length) best = i;
    }
    if (best < 0 || isNumberInQuotes(union, value)) {
      this.report(path, 'value', wrongType(union, path, value));
      return;
    }
    const option = unwrap(options[best]);
    const choice = isChoice(option) ? union : choiceOf(union, kind);
    if (choice !== null) this.report(path, 'value', notAnOption(choice, value));
    else for (const issue of errors[best]) this.translate(options[best], path, issue);
  }

  private reportUnknownKey(schema: Schema, path: Path, key: string): void {
    this.unclear.push(path);
    const given = valueAt(this.document, path) as Readonly<Record<string, unknown>>;
    if (given[key] === UNREADABLE) {
      this.wrong.push([...path, key]);
      return;
    }
    const option = optionFor(schema, given);
    const shape = option instanceof z.ZodObject ? (option.shape as Readonly<Record<string, Schema>>) : {};
    const colon = given[key] === null ? adviseColon(key, Object.keys(shape)) : null;
    const fix = colon ?? adviseUnknownKey(key, given, childKeys(shape));
    const place = path.length === 0 ? 'at the top level' : `in ${pathText(path)}`;
    this.report([...path, key], 'key', problem('unknown-key', { key, place, fix }));
  }

  /** A key of a record that is not a name; what it leads to was not looked at. */
  private reportKey(record: Schema, path: Path, issue: z.core.$ZodIssueInvalidKey): void {
    const first = issue.issues[0];
    const found =
      first.code === 'custom' ? (first.params as Problem) : problem('bad-name', { value: show(path[path.length - 1]) });
    if (record instanceof z.ZodType) {
      const result = record.safeParse(valueAt(this.document, path));
      for (const inside of result.error?.issues ?? []) this.translate(record, path, inside);
    }
    this.report(path, 'key', found);
  }

  private reportMissing(schema: Schema, path: Path): void {
    const key = String(path[path.length - 1]);
    const { description, examples } = metaOf(schema);
    const example = examples?.[0];
    const sample = example === undefined ? `\`${key}:\`` : `\`${key}: ${yamlText(example)}\``;
    // the only value there is, as of a consent: who writes it has to know what it says
    const fix =
      schema instanceof z.ZodLiteral
        ? `${sample}, which says: ${(description ?? '').replace(/^`[^`]+`: |\.$/g, '')}`
        : `${example === undefined ? '' : 'for example '}${sample}`;
    this.report(path, 'key', problem('missing-key', { place: pathText(path.slice(0, -1)), key, fix }));
  }

  private report(path: Path, part: 'key' | 'value', found: Problem): void {
    this.findings.push({ ...found, path, part });
    this.wrong.push(path);
  }
}

/** The keys of a map, each with those of the map below it, or of the maps in the list below it. */
function childKeys(shape: Readonly<Record<string, Schema>>): Readonly<Record<string, KeysBelow>> {
  return Object.fromEntries(Object.entries(shape).map(([key, schema]) => [key, keysBelow(schema)]));
}

function keysBelow(schema: Schema): KeysBelow {
  const list = optionFor(schema, []);
  const only = optionFor(schema, {});
  // One entry may stand without its list.
  const isList = list instanceof z.ZodArray && !(only instanceof z.ZodObject);
  const map = isList ? optionFor(list.element, {}) : only;
  return { isList, keys: map instanceof z.ZodObject ? Object.keys(map.shape) : [] };
}

/** The union in which values of a scalar kind have several options, so that no single one can be said to be meant. */
function choiceOf(schema: Schema, kind: Kind): Schema | null {
  if (!(schema instanceof z.ZodUnion) || kind === 'map' || kind === 'list') return null;
  const options = schema.options.filter((option) => kindsOf(option).has(kind));
  return options.length > 1 ? schema : choiceOf(options[0], kind);
}

function notAnOption(union: Schema, value: unknown): Problem {
  return problem('not-a-choice', {
    value: showScalar(value),
    fix: adviseChoice(wordsOf(union), value, expectation(union)),
  });
}

function isChoice(schema: Schema): schema is z.ZodEnum | z.ZodLiteral {
  return schema instanceof z.ZodEnum || schema instanceof z.ZodLiteral;
}

/** The words among which a choice is made. */
function wordsOf(schema: Schema): readonly unknown[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodUnion) return inner.options.flatMap(wordsOf);
  if (inner instanceof z.ZodEnum) return inner.options;
  return inner instanceof z.ZodLiteral ? [...inner.values] : [];
}

/** `"301"` is not 301. */
function showScalar(value: unknown): string {
  return typeof value === 'string' && /^[0-9.]+$/.test(value) ? `"${value}"` : show(value);
}

/** What is wrong with a value, in the words of the option of its kind where there is a choice. */
function describe(issue: Issue, declared: Schema, path: Path, value: unknown, isOptional: boolean): Problem {
  if (value === null) return noValue(declared, path, isOptional);
  const choice = choiceOf(declared, kindOf(value));
  if (choice !== null) return notAnOption(choice, value);
  const schema = optionFor(declared, value);
  if (issue.code === 'invalid_value') {
    const fix = adviseChoice(issue.values, value, expectation(schema));
    return problem('not-a-choice', { value: showScalar(value), fix });
  }
  if (issue.code !== 'too_small' && issue.code !== 'too_big') return wrongType(schema, path, value);
  if (!(schema instanceof z.ZodNumber)) return emptyList(schema, isOptional);
  const range = { min: String(schema.minValue), max: String(schema.maxValue) };
  return problem('out-of-range', { value: show(value), kind: 'a number', ...range });
}

function emptyList(schema: Schema, isOptional: boolean): Problem {
  const example = metaOf(schema).examples?.[0];
  const sample = example === undefined ? '' : `, for example ${yamlText(example)}`;
  // a list with an example is one that little works without
  const fix =
    isOptional && example === undefined ? 'write at least one, or leave the key out' : `write at least one${sample}`;
  return problem('empty-list', { fix });
}

function noValue(schema: Schema, path: Path, isOptional: boolean): Problem {
  const last = path[path.length - 1];
  const key = typeof last === 'string' ? `\`${last}\`` : pathText(path);
  const example = metaOf(schema).examples?.[0];
  const sample = example === undefined ? expectation(schema) : `for example ${yamlText(example)}`;
  return problem('no-value', {
    key,
    fix: isOptional ? `write ${expectation(schema)}, or leave it out` : `write ${sample}`,
  });
}

function wrongType(schema: Schema, path: Path, value: unknown): Problem {
  const kinds = kindsOf(schema);
  if (kinds.has('text') && (typeof value === 'number' || typeof value === 'boolean')) {
    // `bind: 80` is a number; the text "80" says better what is wrong with it.
    const found = problemIn(z.safeParse(schema, String(value)).error?.issues ?? []);
    if (found !== null) return found;
  }
  const args = {
    place: pathText(path),
    actual: actual(value),
    expected: expectation(schema),
    fix:
      (path.length === 0 && typeof value === 'string' ? adviseWholeFile(value) : null) ??
      adviseName(schema, path, value) ??
      adviseType(schema, kinds, value),
  };
  return problem('wrong-type', args);
}

/** `upstreams: { servers: [ ... ] }`: the name between them is missing. */
function adviseName(schema: Schema, path: Path, value: unknown): string | null {
  const key = path[path.length - 1];
  const map = optionFor(schema, {});
  if (path.length !== 2 || typeof key !== 'string' || kindOf(value) === 'map' || !(map instanceof z.ZodObject))
    return null;
  if (!Object.hasOwn(map.shape, key)) return null;
  return `write a name of yours between them, and this below it: \`${path[0]}: { NAME: { ${key}: ... } }\``;
}

function problemIn(issues: readonly Issue[]): Problem | null {
  for (const issue of issues) {
    if (issue.code === 'custom') return issue.params as unknown as Problem;
    const inside = issue.code === 'invalid_union' ? problemIn(issue.errors.flat()) : null;
    if (inside !== null) return inside;
  }
  return null;
}

function actual(value: unknown): string {
  const kind = kindOf(value);
  if (kind === 'map' || kind === 'list') return `a ${kind}`;
  return kind === 'boolean' ? String(value) : `the ${kind} ${show(value)}`;
}
