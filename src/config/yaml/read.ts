/**
 * YAML 1.2 text to plain values, and where each of them was written. It knows nothing about evenkeel. Every problem of the
 * text is a finding, never an exception; a text of a few lines cannot become a document without end (aliases, nesting).
 *
 * Beyond YAML 1.2: `<<: *base` merges maps, as YAML 1.1 had it and everybody writes it.
 */
import type { Document, Node, Pair, YAMLMap } from 'yaml';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Path, Position, Problem, SourceMap } from '../findings/diagnostic.ts';
import { problem, show } from '../findings/diagnostic.ts';
import { markGap, REST, UNREADABLE } from '../gaps.ts';
import { readCommon } from './common.ts';
import { leaf, type Located, type Read } from './located.ts';
import type { Syntax, TextProblem } from './syntax.ts';
import { explainSyntax } from './syntax.ts';

/** A configuration with ten thousand routes has about 2 MiB. */
const TEXT_LENGTH_MAX = 16 * 1024 * 1024;
/** Values in the document once every alias is followed. */
const VALUES_MAX = 500_000;
/** Maps and lists inside each other. The model needs 10. */
const DEPTH_MAX = 64;

export interface YamlText {
  /**
   * Plain objects, arrays, strings, numbers, booleans, null, and gaps where something could not be read. No two parts of it are the
   * same object.
   */
  readonly value: unknown;
  readonly source: SourceMap;
  readonly problems: readonly TextProblem[];
  readonly positionOf: (offset: number) => Position;
}

/** In YAML 1.1, and in everybody's files. */
const MERGE_KEY = REST;

export function readYaml(file: string, text: string): YamlText {
  const common = text.length > TEXT_LENGTH_MAX ? null : readCommon(text, VALUES_MAX);
  if (common === null) return readWholeYaml(file, text);
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  const positionOf = positionsIn(lines);
  const source = sourceOf(file, common.located, positionOf);
  return { value: common.value, source, problems: [], positionOf };
}

/** The same for all that YAML has, and all that may be wrong with it. */
export function readWholeYaml(file: string, text: string): YamlText {
  const lines = new LineCounter();
  const positionOf = positionsIn(lines);
  const tooLarge = sizeProblem(text);
  if (tooLarge !== null) {
    lines.addNewLine(0);
    return nothing(file, [tooLarge], positionOf);
  }

  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false, // ours name both places
    resolveKnownTags: false, // !!set, !!binary and the like are nothing here
    version: '1.2',
  });
  const syntax = explainSyntax(document, text);
  const reader = new Reader(document, lines, syntax);
  const version = document.directives?.yaml;
  if (version?.explicit === true && version.version !== '1.2') {
    reader.report(0, problem('yaml-directive', { version: version.version }));
  }
  const root = document.contents === null ? null : reader.read(document.contents, 0);
  const { soundUntil } = syntax;
  const problems = [...syntax.problems, ...reader.problems.filter((one) => one.offset < soundUntil)];
  if (root === null || root.value === null || root.value === UNREADABLE) {
    if (problems.length === 0) problems.push({ ...problem('yaml-empty', {}), offset: 0 });
    return nothing(file, problems, positionOf);
  }
  if (soundUntil !== Infinity) markEnd(root);
  const source = sourceOf(file, root.located, positionOf);
  return { value: root.value, source, problems, positionOf };
}

function positionsIn(lines: LineCounter): (offset: number) => Position {
  return (offset) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
}

function sourceOf(file: string, root: Located, positionOf: (offset: number) => Position): SourceMap {
  return { file, locate: (path, part) => ({ file, ...positionOf(locate(root, path, part)) }) };
}

/** Whatever is still open where the text breaks off: more may belong to it. */
function markEnd(root: Read): void {
  let { value, located } = root;
  for (;;) {
    markGap(value);
    let last: [step: string | number, located: Located] | null = null;
    for (const [key, entry] of located.entries ?? []) if (isLater(entry.located, last)) last = [key, entry.located];
    for (const [i, item] of located.items?.entries() ?? []) if (isLater(item, last)) last = [i, item];
    if (last === null) return;
    const [step, part] = last;
    const parent = value as Record<string | number, unknown>;
    // `key:` with nothing behind it: that comes on the next line.
    if (parent[step] === null) parent[step] = UNREADABLE;
    value = parent[step];
    located = part;
  }
}

function isLater({ offset }: Located, last: readonly [unknown, Located] | null): boolean {
  return last === null || offset > last[1].offset;
}

function nothing(file: string, problems: readonly TextProblem[], positionOf: (offset: number) => Position): YamlText {
  return { value: null, source: { file, locate: () => ({ file, line: 1, column: 1 }) }, problems, positionOf };
}

/** What the parser must not be given: its stack, and the expressions it compiles, grow with the nesting. */
function sizeProblem(text: string): TextProblem | null {
  if (text.length > TEXT_LENGTH_MAX) {
    const limit = `at most ${TEXT_LENGTH_MAX / 1024 / 1024} MiB`;
    return { ...problem('yaml-too-large', { what: 'the file is very long', limit }), offset: 0 };
  }
  const nested = /(?:[[{][ \t\r\n]*){64}|(?:[-?:][ \t]+){64}/.exec(text);
  return nested === null ? null : { ...tooDeep(), offset: 0 };
}

function tooDeep(): Problem {
  return problem('yaml-too-large', {
    what: 'maps and lists are nested too deep',
    limit: `at most ${DEPTH_MAX} levels`,
  });
}

/** The offset of what a path leads to, or of the nearest thing around it. */
function locate(root: Located, path: Path, part: 'key' | 'value'): number {
  let offset = root.offset;
  let at = root;
  for (let i = 0; i < path.length; i++) {
    const step = path[i];
    const isLast = i === path.length - 1;
    if (typeof step === 'number') {
      const item = at.items?.[step];
      if (item === undefined) return offset;
      at = item;
      offset = item.offset;
    } else {
      const entry = at.entries?.get(step);
      if (entry === undefined) return offset;
      at = entry.located;
      // A value inside is best found by its own place; a map as a whole by its key.
      offset = isLast && part === 'value' && at.entries === null ? at.offset : entry.keyOffset;
    }
  }
  return offset;
}

class Reader {
  readonly problems: TextProblem[] = [];
  private readonly lines: LineCounter;
  private readonly syntax: Syntax;
  /** Anchors so far, by name: a later one of the same name replaces an earlier. */
  private readonly anchors = new Map<string, Node>();
  /** Nodes that are being read: an alias of one of them has no end. */
  private readonly open = new Set<Node>();
  private count = 0;
  private isStopped = false;

  constructor(document: Document.Parsed, lines: LineCounter, syntax: Syntax) {
    this.lines = lines;
    this.syntax = syntax;
    for (const warning of document.warnings) {
      // The only warnings are tags that could not be resolved.
      this.report(warning.pos[0], problem('yaml-tag', { tag: show(/: (.*)$/.exec(warning.message)?.[1] ?? '') }));
    }
  }

  report(offset: number, found: Problem): void {
    this.problems.push({ ...found, offset });
  }

  read(node: Node, depth: number): Read {
    const offset = node.range?.[0] ?? 0;
    if (this.isBroken(node)) return leaf(UNREADABLE, offset);
    this.count++;
    if (this.count > VALUES_MAX) {
      const what = 'the document has too many values once its aliases are followed';
      return this.stop(offset, problem('yaml-too-large', { what, limit: `at most ${VALUES_MAX}` }));
    }
    if (depth > DEPTH_MAX) return this.stop(offset, tooDeep());

    if (isAlias(node)) return this.readAlias(node.source, offset, depth);
    if ('anchor' in node && typeof node.anchor === 'string') this.anchors.set(node.anchor, node);
    this.open.add(node);
    const read = this.readContents(node, offset, depth);
    this.open.delete(node);
    return read;
  }

  /** Behind the end of what can be understood, over it, or a word that is wrong in itself. */
  private isBroken(node: Node): boolean {
    const [from, to] = node.range ?? [0, 0];
    const { problems, soundUntil } = this.syntax;
    if (from >= soundUntil) return true;
    return isScalar(node) && (to > soundUntil || problems.some(({ offset }) => offset >= from && offset < to));
  }

  /** Its first key ends behind the end of what can be understood. */
  private isCut(map: YAMLMap<Node, Node | null>): boolean {
    return (map.items[0].key?.range?.[1] ?? 0) > this.syntax.soundUntil;
  }

  /** Beyond a bound: said once. */
  private stop(offset: number, found: Problem): Read {
    if (!this.isStopped) this.report(offset, found);
    this.isStopped = true;
    return leaf(UNREADABLE, offset);
  }

  private readAlias(name: string, offset: number, depth: number): Read {
    const target = this.anchors.get(name);
    if (target === undefined) {
      this.report(offset, problem('yaml-undefined-alias', { name }));
      return leaf(UNREADABLE, offset);
    }
    if (this.open.has(target)) {
      this.report(offset, problem('yaml-alias-loop', { name }));
      return leaf(UNREADABLE, offset);
    }
    return this.read(target, depth + 1);
  }

  private readContents(node: Node, offset: number, depth: number): Read {
    if (isScalar(node)) return leaf(plain(node.value), offset);
    if (isSeq(node)) {
      const items = (node.items as Node[])
        .filter((item) => (item.range?.[0] ?? 0) < this.syntax.soundUntil)
        .map((item) => this.read(item, depth + 1));
      return {
        value: items.map((item) => item.value),
        located: { offset, entries: null, items: items.map((item) => item.located) },
      };
    }
    return isMap(node) ? this.readMap(node as YAMLMap<Node, Node | null>, offset, depth) : leaf(UNREADABLE, offset);
  }

  private readMap(map: YAMLMap<Node, Node | null>, offset: number, depth: number): Read {
    const value: Record<string, unknown> = {};
    const entries = new Map<string, { keyOffset: number; located: Located }>();
    const merges: { readonly pair: Pair<Node, Node | null>; readonly keyOffset: number }[] = [];
    for (const pair of map.items) {
      const keyOffset = pair.key?.range?.[0] ?? offset;
      if (keyOffset >= this.syntax.soundUntil) break;
      if (pair.key !== null && this.isBroken(pair.key)) {
        value[REST] = UNREADABLE;
        continue;
      }
      const key = keyText(pair.key);
      if (key === null) {
        this.report(keyOffset, problem('yaml-key', { value: keyKind(pair.key) }));
        value[REST] = UNREADABLE;
        continue;
      }
      if (key === MERGE_KEY && isScalar(pair.key) && pair.key.type === 'PLAIN') {
        merges.push({ pair, keyOffset });
        continue;
      }
      const first = entries.get(key);
      const read = pair.value === null ? leaf(null, keyOffset) : this.read(pair.value, depth + 1);
      if (first !== undefined) {
        const line = String(this.lines.linePos(first.keyOffset).line);
        this.report(keyOffset, problem('duplicate-key', { key, line }));
        continue;
      }
      value[key] = read.value;
      entries.set(key, { keyOffset, located: read.located });
    }
    // A text that would have gone on with the line that cannot be read.
    if (entries.size === 0 && map.items.length > 0 && this.isCut(map)) return leaf(UNREADABLE, offset);
    for (const { pair, keyOffset } of merges) this.merge(pair, keyOffset, value, entries, depth);
    // The first key is where a block map begins; for `{` it is the brace.
    return { value, located: { offset, entries, items: null } };
  }

  /** Adds what is not there yet. */
  private merge(
    pair: Pair<Node, Node | null>,
    keyOffset: number,
    value: Record<string, unknown>,
    entries: Map<string, { keyOffset: number; located: Located }>,
    depth: number,
  ): void {
    const problemsBefore = this.problems.length;
    const read = pair.value === null ? leaf(null, keyOffset) : this.read(pair.value, depth + 1);
    const parts: readonly Read[] =
      read.located.items === null
        ? [read]
        : read.located.items.map((located, i) => ({ value: (read.value as readonly unknown[])[i], located }));
    for (const part of parts) {
      if (part.located.entries === null) {
        // What the map lacks for this reason is not missing.
        value[REST] = UNREADABLE;
        if (this.problems.length === problemsBefore) {
          this.report(keyOffset, problem('yaml-merge', { value: part.value === null ? 'nothing' : show(part.value) }));
        }
        continue;
      }
      for (const [key, entry] of part.located.entries) {
        if (entries.has(key)) continue;
        value[key] = (part.value as Record<string, unknown>)[key];
        entries.set(key, entry);
      }
    }
  }
}

/** A key as text: `80:` is the key "80". Null for what cannot be one. */
function keyText(key: Node | null): string | null {
  if (!isScalar(key) || key.value === null) return null;
  const text = key.source ?? show(key.value);
  // Assigning to this name would change the object's prototype instead.
  return text === '__proto__' ? null : text;
}

function keyKind(key: Node | null): string {
  if (isMap(key)) return 'a map';
  if (isSeq(key)) return 'a list';
  if (isAlias(key)) return 'an alias';
  return isScalar(key) && key.value !== null ? show(key.value) : 'nothing';
}

/** What the core schema makes of a scalar. Anything else comes of a tag, and has been reported. */
function plain(value: unknown): unknown {
  if (value === 0) return 0; // JSON has no -0
  const isPlain =
    value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return isPlain ? value : UNREADABLE;
}
