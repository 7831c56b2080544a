/**
 * A regular expression of nginx.conf, which is PCRE over bytes, as one of `base/regex` that matches the same texts; or why there
 * is none. Nothing is reinterpreted: what both write alike and mean differently is written anew, what only backtracking can do is
 * refused.
 */
import { lookUp } from '../../base/look-up.ts';
import { checkRegexText } from '../../base/regex/regex.ts';

export interface Translation {
  /** Null: it cannot be said, for this reason. */
  readonly regex: string | null;
  readonly reason: string;
}

const POSIX: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: '0-9A-Za-z',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\t-\\r ',
  blank: '\\t ',
  xdigit: '0-9A-Fa-f',
  word: '\\w',
  punct: '!-/:-@\\[-`{-~',
  cntrl: '\\x00-\\x1f\\x7f',
  print: ' -~',
  graph: '!-~',
};
/** Of PCRE, which counts bytes; those of Unicode are none. */
const CLASSES: Readonly<Record<string, string>> = {
  d: '0-9',
  w: '\\w',
  s: '\\t-\\r ',
  h: '\\t ',
  v: '\\n-\\r',
};
const NEGATED: Readonly<Record<string, string>> = {
  D: '[^0-9]',
  W: '\\W',
  S: '[^\\t-\\r ]',
  H: '[^\\t ]',
  V: '[^\\n-\\r]',
  N: '[^\\n]',
};

/** `\p{...}`: of these properties, the characters of ASCII. */
const PROPERTIES: Readonly<Record<string, string>> = {
  L: 'A-Za-z',
  'L&': 'A-Za-z',
  Ll: 'a-z',
  Lu: 'A-Z',
  N: '0-9',
  Nd: '0-9',
  P: '!-#%-*,-\\/:;?@\\[-\\]_{}',
  S: '$+<=>\\^`|~',
  Z: ' ',
  Zs: ' ',
  Cc: '\\x00-\\x1f\\x7f',
};

/** Characters that stand as escapes in the normal form of a path (core/value/path.ts). */
const KEPT: Readonly<Record<string, string>> = { ' ': '%20', '#': '%23', '%': '%25', '?': '%3F' };
/** They, and all that their escapes are written with. */
const KEPT_AND_WRITTEN: readonly string[] = [...Object.keys(KEPT), '0', '2', '3', '5', 'F'];

class Untranslatable extends Error {}

/** `isCaseless`: as `~*` and names of servers are compared. */
export function translatePcre(text: string, isCaseless: boolean, captures = false): Translation {
  return translate(new Translator(text, isCaseless, false), captures);
}

/** An expression for the whole path, which nginx decodes and which has some escapes here. */
export function translatePathPcre(text: string, isCaseless: boolean): Translation {
  return translate(new Translator(text, isCaseless, true), false);
}

function translate(translator: Translator, captures: boolean): Translation {
  try {
    const regex = translator.run();
    const found = checkRegexText(regex, captures);
    return found === null ? { regex, reason: '' } : { regex: null, reason: found.reason };
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    return { regex: null, reason: error.message };
  }
}

class Translator {
  private readonly text: string;
  private at = 0;
  private isCaseless: boolean;
  private readonly isPath: boolean;

  constructor(text: string, isCaseless: boolean, isPath: boolean) {
    this.text = text;
    this.isCaseless = isCaseless;
    this.isPath = isPath;
  }

  run(): string {
    const { text } = this;
    if (text.startsWith('(*')) throw new Untranslatable('verbs such as `(*...)` are not there');
    if (text.startsWith('(?i)')) {
      this.isCaseless = true;
      this.at = 4;
    }
    let out = '';
    while (this.at < text.length) out += this.piece();
    return out;
  }

  private piece(): string {
    const { text, at } = this;
    const char = text[at];
    switch (char) {
      case '\\':
        return this.escape();
      case '[':
        return this.charClass();
      case '(':
        return this.group();
      case '.':
        this.at++;
        return this.set('[^\\n]');
      case '$':
        this.at++;
        // PCRE's also matches in front of a line feed at the end, which no path, host or field value has.
        return '$';
      case '*':
      case '+':
      case '?':
      case '}':
        this.at++;
        if (text[this.at] === '+') throw new Untranslatable('possessive quantifiers need backtracking');
        return char === '}' ? '\\}' : char;
      case '{': {
        const count = /^\{[0-9]+(,[0-9]*)?\}/.exec(text.slice(at, at + 24));
        this.at += count === null ? 1 : count[0].length;
        if (count !== null && text[this.at] === '+') {
          throw new Untranslatable('possessive quantifiers need backtracking');
        }
        return count === null ? '\\{' : count[0];
      }
      default:
        return this.literal();
    }
  }

  private literal(): string {
    const char = String.fromCodePoint(this.text.codePointAt(this.at)!);
    this.at += char.length;
    return this.char(char);
  }

  /** One character that stands for itself. */
  private char(char: string): string {
    if (char.codePointAt(0)! > 0x7f && /[*+?{]/.test(this.text[this.at] ?? '')) {
      throw new Untranslatable('PCRE repeats the last byte of a character that is not ASCII');
    }
    if (/[A-Za-z]/.test(char)) return this.isCaseless ? `[${char.toUpperCase()}${char.toLowerCase()}]` : char;
    if (this.isPath && KEPT[char] !== undefined) return `(?:${KEPT[char]})`;
    return /[\^$.*+?()[\]{}|\\/]/.test(char) && char !== '/' && char !== '|' && char !== '^' && char !== ')'
      ? `\\${char}`
      : char;
  }

  private escape(): string {
    const { text } = this;
    const char = text[this.at + 1];
    if (char === undefined) throw new Untranslatable('a backslash ends it');
    if (char === 'Q') {
      const end = text.indexOf('\\E', this.at + 2);
      const quoted = text.slice(this.at + 2, end < 0 ? text.length : end);
      this.at = end < 0 ? text.length : end + 2;
      return Array.from(quoted, (one) => this.one(one)).join('');
    }
    const code = this.escapedCode();
    if (code !== null) return this.one(String.fromCodePoint(code));
    this.at += 2;
    if (char === 'p' || char === 'P') {
      const { set, isNegated } = this.property(char);
      return this.set(`[${isNegated ? '^' : ''}${set}]`);
    }
    if (char === 'E') return '';
    if (char === 'A') return '^';
    if (char === 'z' || char === 'Z') return '$';
    if (char === 'b' || char === 'B') return `\\${char}`;
    if (CLASSES[char] !== undefined) return this.set(char === 'w' ? '\\w' : `[${CLASSES[char]}]`);
    if (NEGATED[char] !== undefined) return this.set(NEGATED[char]);
    if (/[0-9gk]/.test(char))
      throw new Untranslatable(`\`\\${char}\` refers back to a group, which needs backtracking`);
    if (/[A-Za-z]/.test(char)) throw new Untranslatable(`\`\\${char}\` is not there`);
    return this.one(char);
  }

  /** A character that was quoted or written as an escape. */
  private one(char: string): string {
    return /[A-Za-z]/.test(char) || (this.isPath && KEPT[char] !== undefined) ? this.char(char) : escaped(char);
  }

  /** What one character of a class is. In a path some of them are three. */
  private set(text: string): string {
    if (!this.isPath) return text;
    const regex = new RegExp(`^${text}$`, 'u');
    const kept = Object.keys(KEPT).filter((char) => regex.test(char));
    // Any number of them is the same with and without escapes.
    const isRepeated = /[*+]/.test(this.text[this.at] ?? '');
    if (kept.length === 0 || (isRepeated && KEPT_AND_WRITTEN.every((char) => regex.test(char)))) return text;
    return `(?:${withoutPercent(text)}|${kept.map((char) => KEPT[char]).join('|')})`;
  }

  /** Behind `\p` or `\P`: one letter, or a name in braces, which `^` negates. */
  private property(char: string): { readonly set: string; readonly isNegated: boolean } {
    const found = /^(?:([A-Z])|\{(\^?)([A-Za-z&]+)\})/.exec(this.text.slice(this.at));
    const name = found?.[1] ?? found?.[3] ?? '';
    if (found === null || lookUp(PROPERTIES, name) === undefined) {
      throw new Untranslatable(`\`\\${char}\` is only there for ${Object.keys(PROPERTIES).join(', ')}`);
    }
    this.at += found[0].length;
    return { set: PROPERTIES[name], isNegated: (char === 'P') !== (found[2] === '^') };
  }

  /** The code of an escape that stands for one character, or null; then nothing was taken. */
  private escapedCode(): number | null {
    const rest = this.text.slice(this.at + 1, this.at + 14);
    const take = (length: number, code: number): number => {
      this.at += 1 + length;
      if (code > 0x7f) throw new Untranslatable('an escape stands for a byte that is not ASCII');
      return code;
    };
    const fixed: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 };
    if (fixed[rest[0]] !== undefined) return take(1, fixed[rest[0]]);
    const control = /^c([\x20-\x7e])/.exec(rest);
    if (control !== null) return take(2, control[1].toUpperCase().charCodeAt(0) ^ 64);
    const braced = /^x\{([0-9A-Fa-f]{1,6})\}/.exec(rest);
    if (braced !== null) return take(braced[0].length, parseInt(braced[1], 16));
    const hex = /^x([0-9A-Fa-f]{0,2})/.exec(rest);
    if (hex !== null) return take(hex[0].length, hex[1] === '' ? 0 : parseInt(hex[1], 16));
    const octal = /^0([0-7]{0,2})/.exec(rest);
    return octal === null ? null : take(octal[0].length, parseInt(`0${octal[1]}`, 8));
  }

  private group(): string {
    const rest = this.text.slice(this.at);
    if (rest.startsWith('(*')) throw new Untranslatable('verbs such as `(*...)` are not there');
    if (!rest.startsWith('(?')) {
      this.at++;
      return '(';
    }
    const comment = /^\(\?#[^)]*\)/.exec(rest);
    if (comment !== null) {
      this.at += comment[0].length;
      return '';
    }
    for (const plain of ['(?:', '(?=', '(?!']) {
      if (!rest.startsWith(plain)) continue;
      this.at += 3;
      return plain;
    }
    const named = /^\(\?P?<([A-Za-z_]\w*)>/.exec(rest) ?? /^\(\?'([A-Za-z_]\w*)'/.exec(rest);
    if (named !== null) {
      this.at += named[0].length;
      return `(?<${named[1]}>`;
    }
    if (/^\(\?(<[=!]|>|R|[0-9&+-]|P[>=]|\(|\|)/.test(rest)) {
      throw new Untranslatable(`\`${rest.slice(0, 4)}\` needs backtracking`);
    }
    throw new Untranslatable(`\`${rest.slice(0, 4)}\`: options are only possible as \`(?i)\` at the beginning`);
  }

  private charClass(): string {
    const { text } = this;
    this.at++;
    let out = '[';
    if (text[this.at] === '^') {
      out += '^';
      this.at++;
    }
    let isFirst = true;
    for (; ; isFirst = false) {
      const char = text[this.at];
      if (char === undefined) throw new Untranslatable('a `[` is never closed');
      if (char === ']' && !isFirst) break;
      const posix = /^\[:(\^?)([a-z]+):\]/.exec(text.slice(this.at));
      if (posix !== null) {
        const set = lookUp(POSIX, posix[2]);
        if (set === undefined || posix[1] === '^') throw new Untranslatable(`\`${posix[0]}\` is not there`);
        out += this.isCaseless && /^(upper|lower)$/.test(posix[2]) ? 'A-Za-z' : set;
        this.at += posix[0].length;
        continue;
      }
      out += this.classItem();
    }
    this.at++;
    return this.set(`${out}]`);
  }

  /** A character, a range or the name of a set. */
  private classItem(): string {
    const from = this.classChar();
    if (typeof from === 'string') return from;
    const { text } = this;
    if (text[this.at] !== '-' || text[this.at + 1] === ']' || text[this.at + 1] === undefined)
      return this.inBothCases(from, from);
    this.at++;
    const to = this.classChar();
    if (typeof to === 'string') return `${this.inBothCases(from, from)}\\-${to}`;
    if (to < from) throw new Untranslatable('a range is out of order');
    return this.inBothCases(from, to);
  }

  private classChar(): number | string {
    const { text } = this;
    if (text[this.at] !== '\\') {
      const code = text.codePointAt(this.at)!;
      if (code > 0x7f) throw new Untranslatable('PCRE reads a character that is not ASCII as several bytes of a class');
      this.at++;
      return code;
    }
    const char = text[this.at + 1];
    if (char === 'b') {
      this.at += 2;
      return 8;
    }
    const code = this.escapedCode();
    if (code !== null) return code;
    if (char === undefined) throw new Untranslatable('a backslash ends it');
    this.at += 2;
    if (CLASSES[char] !== undefined) return CLASSES[char];
    if (char === 'p') {
      const { set, isNegated } = this.property(char);
      if (!isNegated) return set;
    }
    if (char === 'D' || char === 'W') return `\\${char}`;
    if (/[0-9A-Za-z]/.test(char)) throw new Untranslatable(`\`\\${char}\` is not there inside of \`[...]\``);
    return char.charCodeAt(0);
  }

  private inBothCases(from: number, to: number): string {
    let out = rangeText(from, to);
    if (!this.isCaseless) return out;
    for (const [low, high, offset] of [
      [0x41, 0x5a, 32],
      [0x61, 0x7a, -32],
    ]) {
      const first = Math.max(from, low);
      const last = Math.min(to, high);
      if (first <= last) out += rangeText(first + offset, last + offset);
    }
    return out;
  }
}

/** The same class without `%`, which begins an escape wherever it stands. */
function withoutPercent(text: string): string {
  if (text.startsWith('[^')) return `${text.slice(0, -1)}%]`;
  return text === '\\W' ? '[^\\w%]' : `(?!%)${text}`;
}

function rangeText(from: number, to: number): string {
  const first = escaped(String.fromCharCode(from));
  return from === to ? first : `${first}-${escaped(String.fromCharCode(to))}`;
}

/** Never anything but itself, in a class and outside. */
function escaped(char: string): string {
  if (/[0-9A-Za-z_]/.test(char)) return char;
  const code = char.codePointAt(0)!;
  if (code > 0x7f) return char;
  return `\\x${code.toString(16).padStart(2, '0')}`;
}

/** Matches what `regex` matches in a text that begins with `prefix`. */
export function behindPrefix(prefix: string, regex: string): string {
  return `^(?=${Array.from(prefix, escaped).join('')})[^]*?(?:${regex})`;
}
