/**
 * The part of YAML that nearly all configurations are written in: block maps and lists, and on one line words, numbers, quoted
 * texts and what is in brackets. It is read here thirty times as fast as by the parser of all of YAML, and with the same outcome
 * (common.test.ts compares both). Whatever else there is, mistakes included, is left to that one: this never has an opinion of
 * its own.
 */
import { type Located, leaf, type Read } from './located.ts';

/** Deeper ones are left to the other. The model needs 10. */
const DEPTH_MAX = 32;

/** Thrown, and caught below: something that is not common. */
const UNCOMMON = new Error('not the common part of YAML');

/** Null: it is not for this to read. At most `valuesMax` values. */
export function readCommon(text: string, valuesMax: number): Read | null {
  if (/[\t\r\ufeff]/.test(text)) return null;
  try {
    return new CommonReader(text, valuesMax).readDocument();
  } catch (error) {
    if (error !== UNCOMMON) throw error;
    return null;
  }
}

const SPACE = 0x20;
const HASH = 0x23;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const COMMA = 0x2c;
const DASH = 0x2d;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Characters that no word begins with, or that begin something else than a word when a space follows. */
const NO_WORD = new Set(Array.from(',[]{}#&*!|>\'"%@`?:-', (character) => character.charCodeAt(0)));
/** Those of them that may begin a word before anything but a space. */
const HALF_WORD = new Set(Array.from('?:-', (character) => character.charCodeAt(0)));

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'],
  ['"', '"'],
  ['/', '/'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

class CommonReader {
  private readonly text: string;
  private readonly valuesMax: number;
  private count = 0;
  /** Of the current line: where it begins, where its first character stands, and where it ends. */
  private start = 0;
  private at = 0;
  private end = -1;
  private isOver = false;
  private depth = 0;

  constructor(text: string, valuesMax: number) {
    this.text = text;
    this.valuesMax = valuesMax;
  }

  readDocument(): Read {
    this.nextLine();
    if (this.isOver || this.at !== this.start) throw UNCOMMON;
    const read = this.readBlock();
    if (!this.isOver || read.located.entries === null) throw UNCOMMON;
    return read;
  }

  // --- lines ---

  /** Goes to the next line that has more than a comment. */
  private nextLine(): void {
    const { text } = this;
    for (;;) {
      this.start = this.end + 1;
      if (this.start >= text.length) {
        this.isOver = true;
        return;
      }
      const end = text.indexOf('\n', this.start);
      this.end = end < 0 ? text.length : end;
      this.at = this.skipSpaces(this.start);
      if (this.at === this.end || text.charCodeAt(this.at) === HASH) continue;
      if (this.at === this.start && /^(?:---|\.\.\.|%)/.test(text.slice(this.at, this.at + 3))) throw UNCOMMON;
      return;
    }
  }

  private get column(): number {
    return this.at - this.start;
  }

  private skipSpaces(at: number): number {
    while (at < this.end && this.text.charCodeAt(at) === SPACE) at++;
    return at;
  }

  /** Behind a value nothing may stand but a comment. */
  private endLine(): void {
    const at = this.skipSpaces(this.at);
    if (at < this.end && (at === this.at || this.text.charCodeAt(at) !== HASH)) throw UNCOMMON;
    this.nextLine();
  }

  // --- blocks ---

  /** What begins at `at`, which may be behind a `- `. */
  private readBlock(): Read {
    if (++this.depth > DEPTH_MAX) throw UNCOMMON;
    const read = this.isItem() ? this.readList() : this.readMapOrLine();
    this.depth--;
    return read;
  }

  private isItem(): boolean {
    const { text, at } = this;
    return text.charCodeAt(at) === DASH && (at + 1 === this.end || text.charCodeAt(at + 1) === SPACE);
  }

  private readList(): Read {
    this.countValue();
    const { column } = this;
    const offset = this.at;
    const value: unknown[] = [];
    const items: Located[] = [];
    do {
      this.at = this.skipSpaces(this.at + 1);
      if (this.isAtEnd()) {
        this.nextLine();
        if (this.isOver || this.column <= column) throw UNCOMMON;
      }
      const read = this.readBlock();
      value.push(read.value);
      items.push(read.located);
    } while (!this.isOver && this.column === column && this.isItem());
    if (!this.isOver && this.column > column) throw UNCOMMON;
    return { value, located: { offset, entries: null, items } };
  }

  private readMapOrLine(): Read {
    const { column } = this;
    const offset = this.at;
    const key = this.readKey(false);
    if (key === null) {
      this.at = offset;
      const read = this.readInline(false);
      this.endLine();
      return read;
    }
    this.countValue();
    const map = new MapBuilder(offset);
    this.readEntry(map, key, offset, column);
    while (!this.isOver && this.column === column && !this.isItem()) {
      const keyOffset = this.at;
      const next = this.readKey(false);
      if (next === null) throw UNCOMMON;
      this.readEntry(map, next, keyOffset, column);
    }
    if (!this.isOver && this.column > column) throw UNCOMMON;
    return map.read;
  }

  private readEntry(map: MapBuilder, key: string, keyOffset: number, column: number): void {
    if (!this.isAtEnd()) {
      map.add(key, keyOffset, this.readInline(false));
      this.endLine();
      // It would go on with the value.
      if (!this.isOver && this.column > column) throw UNCOMMON;
      return;
    }
    this.nextLine();
    const isValue = !this.isOver && (this.column > column || (this.column === column && this.isItem()));
    if (!isValue) throw UNCOMMON;
    map.add(key, keyOffset, this.readBlock());
  }

  /** The rest of the line is empty, or a comment behind a space. */
  private isAtEnd(): boolean {
    const { text, at } = this;
    return at === this.end || (text.charCodeAt(at) === HASH && text.charCodeAt(at - 1) === SPACE);
  }

  // --- on one line ---

  /** A key with its colon and the spaces behind it. Null: there is none. */
  private readKey(isInFlow: boolean): string | null {
    const first = this.text.charCodeAt(this.at);
    const isQuoted = first === DOUBLE_QUOTE || first === SINGLE_QUOTE;
    if (!isQuoted && NO_WORD.has(first)) {
      if (first === OPEN_BRACE || first === OPEN_BRACKET) return null;
      throw UNCOMMON;
    }
    const begin = this.at;
    const key = isQuoted ? this.readQuoted(first) : this.readWord(isInFlow);
    if (this.text.charCodeAt(this.at) !== COLON || this.at >= this.end) return null;
    const after = this.at + 1;
    if (after < this.end && this.text.charCodeAt(after) !== SPACE) throw UNCOMMON;
    // Longer ones, and those that stand for no text, are for the other.
    if (this.at - begin > 1000 || key === '<<' || key === '__proto__' || key === '') throw UNCOMMON;
    if (!isQuoted && scalarOf(key) === null) throw UNCOMMON;
    this.at = this.skipSpaces(after);
    return key;
  }

  private readInline(isInFlow: boolean): Read {
    this.countValue();
    const offset = this.at;
    const first = this.text.charCodeAt(offset);
    if (first === OPEN_BRACE) return this.readFlowMap(offset);
    if (first === OPEN_BRACKET) return this.readFlowList(offset);
    if (first === DOUBLE_QUOTE || first === SINGLE_QUOTE) return leaf(this.readQuoted(first), offset);
    if (NO_WORD.has(first)) {
      const next = this.text.charCodeAt(offset + 1);
      const isWord = HALF_WORD.has(first) && offset + 1 < this.end && next !== SPACE && !isInFlow;
      if (!isWord) throw UNCOMMON;
    }
    const word = this.readWord(isInFlow);
    if (this.at < this.end && this.text.charCodeAt(this.at) === COLON) throw UNCOMMON;
    return leaf(scalarOf(word), offset);
  }

  /** Up to a comment, a colon that ends a key, or in brackets what ends it there. */
  private readWord(isInFlow: boolean): string {
    const { text, end } = this;
    const begin = this.at;
    let at = begin;
    for (; at < end; at++) {
      const code = text.charCodeAt(at);
      if (code === COLON) {
        const next = at + 1 < end ? text.charCodeAt(at + 1) : SPACE;
        if (next === SPACE) break;
        if (isInFlow && isFlowMark(next)) throw UNCOMMON;
      } else if (code === HASH && text.charCodeAt(at - 1) === SPACE) {
        if (isInFlow) throw UNCOMMON;
        break;
      } else if (isInFlow && isFlowMark(code)) {
        if (code === OPEN_BRACE || code === OPEN_BRACKET) throw UNCOMMON;
        break;
      }
    }
    let last = at;
    while (last > begin && text.charCodeAt(last - 1) === SPACE) last--;
    // `a : b`
    if (at < end && text.charCodeAt(at) === COLON && last !== at) throw UNCOMMON;
    // What comes behind it begins with its space.
    this.at = at < end && text.charCodeAt(at) === HASH ? last : at;
    return text.slice(begin, last);
  }

  private readQuoted(quote: number): string {
    const { text, end } = this;
    let value = '';
    let from = this.at + 1;
    for (let at = from; at < end; at++) {
      const code = text.charCodeAt(at);
      if (code === BACKSLASH && quote === DOUBLE_QUOTE) {
        const escaped = at + 1 < end ? ESCAPES.get(text[at + 1]) : undefined;
        if (escaped === undefined) throw UNCOMMON;
        value += text.slice(from, at) + escaped;
        at++;
        from = at + 1;
      } else if (code === quote) {
        if (quote === SINGLE_QUOTE && at + 1 < end && text.charCodeAt(at + 1) === SINGLE_QUOTE) {
          value += text.slice(from, at + 1);
          at++;
          from = at + 1;
          continue;
        }
        this.at = at + 1;
        return value + text.slice(from, at);
      }
    }
    throw UNCOMMON;
  }

  private readFlowMap(offset: number): Read {
    const map = new MapBuilder(offset);
    this.readFlow(CLOSE_BRACE, () => {
      const keyOffset = this.at;
      const key = this.readKey(true);
      if (key === null) throw UNCOMMON;
      map.add(key, keyOffset, this.readInline(true));
    });
    return map.read;
  }

  private readFlowList(offset: number): Read {
    const value: unknown[] = [];
    const items: Located[] = [];
    this.readFlow(CLOSE_BRACKET, () => {
      const read = this.readInline(true);
      value.push(read.value);
      items.push(read.located);
    });
    return { value, located: { offset, entries: null, items } };
  }

  /** From the bracket that opens to behind the one that closes. */
  private readFlow(close: number, readPart: () => void): void {
    if (++this.depth > DEPTH_MAX) throw UNCOMMON;
    const { text } = this;
    this.at = this.skipSpaces(this.at + 1);
    if (this.at < this.end && text.charCodeAt(this.at) === close) {
      this.at++;
      this.depth--;
      return;
    }
    for (;;) {
      if (this.at >= this.end) throw UNCOMMON;
      readPart();
      this.at = this.skipSpaces(this.at);
      const mark = this.at < this.end ? text.charCodeAt(this.at) : 0;
      this.at++;
      if (mark === close) break;
      if (mark !== COMMA) throw UNCOMMON;
      this.at = this.skipSpaces(this.at);
    }
    this.depth--;
  }

  private countValue(): void {
    if (++this.count > this.valuesMax) throw UNCOMMON;
  }
}

class MapBuilder {
  private readonly value: Record<string, unknown> = {};
  private readonly entries = new Map<string, { readonly keyOffset: number; readonly located: Located }>();
  private readonly offset: number;

  constructor(offset: number) {
    this.offset = offset;
  }

  add(key: string, keyOffset: number, { value, located }: Read): void {
    if (this.entries.has(key)) throw UNCOMMON;
    this.value[key] = value;
    this.entries.set(key, { keyOffset, located });
  }

  get read(): Read {
    return { value: this.value, located: { offset: this.offset, entries: this.entries, items: null } };
  }
}

function isFlowMark(code: number): boolean {
  return (
    code === COMMA || code === OPEN_BRACKET || code === CLOSE_BRACKET || code === OPEN_BRACE || code === CLOSE_BRACE
  );
}

/** What the core schema of YAML 1.2 makes of a word. */
function scalarOf(word: string): unknown {
  if (/^[A-Zac-eg-mo-su-z/_*]/.test(word) && !/^[TFN]/.test(word)) return word;
  if (word === 'true') return true;
  if (word === 'false') return false;
  if (/^(?:0|[1-9][0-9]{0,14})$/.test(word)) return Number(word);
  if (/^(?:~|null|Null|NULL|True|TRUE|False|FALSE)?$/.test(word)) throw UNCOMMON;
  // Every other number.
  if (/^(?:0[ox][0-9a-fA-F]+|[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?|[-+]?\.(?:inf|nan))$/i.test(word))
    throw UNCOMMON;
  return word;
}
