/**
 * The text of a regular expression to a tree: what ECMAScript has (ECMA-262 section 22.2.1), read by code points, less what
 * no engine matches in linear time. Another dialect, such as that of nginx.conf, is another parser to the same tree.
 */
import type { CharSet } from './char-set.ts';
import { CODE_POINT_MAX, DIGITS, LINE_ENDS, SPACES, WORD_CHARS, charSet, complement } from './char-set.ts';

export type RegexNode =
  | { readonly kind: 'empty' }
  | { readonly kind: 'char'; readonly set: CharSet }
  | { readonly kind: 'sequence'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly options: readonly RegexNode[] }
  | {
      readonly kind: 'repeat';
      readonly item: RegexNode;
      readonly min: number;
      /** Infinity: no bound. */
      readonly max: number;
      readonly isGreedy: boolean;
      /** The groups inside: these numbers, the second excluded. An iteration begins without what they had captured. */
      readonly groups: readonly [from: number, to: number];
    }
  | { readonly kind: 'group'; readonly number: number; readonly item: RegexNode }
  | { readonly kind: 'assert'; readonly what: 'start' | 'end' | 'word' | 'not-word' }
  | { readonly kind: 'look-ahead'; readonly isNegative: boolean; readonly item: RegexNode };

export interface RegexSyntax {
  readonly root: RegexNode;
  /** The whole match, group 0, is one of them. */
  readonly groupCount: number;
  readonly groupNames: ReadonlyMap<string, number>;
  /** A group inside a positive look-ahead: it could be captured only by matching twice. */
  readonly hasGroupInLookAhead: boolean;
}

/** `isCostly`: it is right, and cannot be matched in linear time. */
export interface RegexProblem {
  readonly reason: string;
  readonly fix: string;
  readonly isCostly: boolean;
}

export class RegexError extends Error {
  readonly problem: RegexProblem;
  constructor(reason: string, fix: string, isCostly = false) {
    super(reason);
    this.problem = { reason, fix, isCostly };
  }
}

/** Nesting of groups; more is a mistake, and a parser that recurses has to end somewhere. */
const DEPTH_MAX = 100;
/** A count; more is a length, which a limit should say. */
const COUNT_MAX = 1000;

const EMPTY: RegexNode = { kind: 'empty' };
const QUANTIFIER = /^(?:[*+?]|\{([0-9]+)(?:(,)([0-9]*))?\})(\??)/;
const ESCAPED_CHARS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, v: 11, f: 12 };
const CLASS_ESCAPES: Readonly<Record<string, CharSet>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD_CHARS,
  W: complement(WORD_CHARS),
  s: SPACES,
  S: complement(SPACES),
};
const DOT_SET = complement(LINE_ENDS);

/** Throws a RegexError. */
export function parseRegex(text: string): RegexSyntax {
  return new Parser(text).parse();
}

class Parser {
  private readonly text: string;
  private at = 0;
  private depth = 0;
  private positiveLookAheads = 0;
  private groupCount = 1;
  private hasGroupInLookAhead = false;
  private readonly groupNames = new Map<string, number>();

  constructor(text: string) {
    this.text = text;
  }

  parse(): RegexSyntax {
    const root = this.choice();
    if (this.at < this.text.length) throw new RegexError('unmatched `)`', 'write `\\)` for the character');
    const { groupCount, groupNames, hasGroupInLookAhead } = this;
    return { root, groupCount, groupNames, hasGroupInLookAhead };
  }

  private choice(): RegexNode {
    if (++this.depth > DEPTH_MAX) throw new RegexError(`groups nested deeper than ${DEPTH_MAX}`, 'write it flatter');
    const options = [this.sequence()];
    while (this.take('|')) options.push(this.sequence());
    this.depth--;
    return options.length === 1 ? options[0] : { kind: 'choice', options };
  }

  private sequence(): RegexNode {
    const items: RegexNode[] = [];
    while (this.at < this.text.length && !this.isNext('|') && !this.isNext(')')) items.push(this.term());
    if (items.length === 1) return items[0];
    return items.length === 0 ? EMPTY : { kind: 'sequence', items };
  }

  private term(): RegexNode {
    const firstGroup = this.groupCount;
    const item = this.atom();
    const match = QUANTIFIER.exec(this.text.slice(this.at, this.at + 32));
    if (match === null) return item;
    const [quantifier, least, comma, most, lazy] = match;
    if (item.kind === 'assert' || item.kind === 'look-ahead') throw this.nothingToRepeat(quantifier);
    this.at += quantifier.length;
    let [min, max] = quantifier[0] === '+' ? [1, Infinity] : quantifier[0] === '?' ? [0, 1] : [0, Infinity];
    if (least !== undefined) {
      min = Number(least);
      max = comma === undefined ? min : most === '' ? Infinity : Number(most);
      if (min > max)
        throw new RegexError(`the numbers of \`${quantifier}\` are out of order`, 'write the smaller first');
      if (Math.max(min, max === Infinity ? 0 : max) > COUNT_MAX) {
        throw new RegexError(`\`${quantifier}\` counts further than ${COUNT_MAX}`, 'write `*` or `+`', true);
      }
    }
    return { kind: 'repeat', item, min, max, isGreedy: lazy === '', groups: [firstGroup, this.groupCount] };
  }

  private nothingToRepeat(quantifier: string): RegexError {
    return new RegexError(
      `nothing to repeat before \`${quantifier}\``,
      `write \`\\${quantifier[0]}\` for the character`,
    );
  }

  private atom(): RegexNode {
    const char = this.next();
    switch (char) {
      case '^':
        return { kind: 'assert', what: 'start' };
      case '$':
        return { kind: 'assert', what: 'end' };
      case '.':
        return { kind: 'char', set: DOT_SET };
      case '(':
        return this.group();
      case '[':
        return { kind: 'char', set: this.charClass() };
      case '\\':
        return this.escape();
      case '*':
      case '+':
      case '?':
        throw this.nothingToRepeat(char);
      case '{': {
        const quantifier = QUANTIFIER.exec(this.text.slice(this.at - 1, this.at + 31));
        if (quantifier !== null) throw this.nothingToRepeat(quantifier[0]);
        return literal(char);
      }
      default:
        return literal(char);
    }
  }

  private group(): RegexNode {
    if (!this.take('?')) return this.capture(null);
    if (this.take(':')) return this.closed(this.choice());
    if (this.take('=')) {
      this.positiveLookAheads++;
      const item = this.closed(this.choice());
      this.positiveLookAheads--;
      return { kind: 'look-ahead', isNegative: false, item };
    }
    if (this.take('!')) return { kind: 'look-ahead', isNegative: true, item: this.closed(this.choice()) };
    const rest = this.text.slice(this.at);
    if (/^<[=!]/.test(rest)) {
      throw new RegexError('it looks behind', 'write what stands in front as a part of the expression', true);
    }
    const name = /^<([A-Za-z_$][\w$]*)>/.exec(rest);
    if (name !== null) {
      this.at += name[0].length;
      return this.capture(name[1]);
    }
    const flags = /^[a-z-]+/.exec(rest);
    const fix =
      flags === null
        ? 'write `(?:...)` for a group that captures nothing, `\\?` for the character'
        : `leave out (?${flags[0]}): there are no inline flags; write [Aa] for letters of either case`;
    throw new RegexError('invalid group', fix);
  }

  private capture(name: string | null): RegexNode {
    const number = this.groupCount++;
    if (this.positiveLookAheads > 0) this.hasGroupInLookAhead = true;
    if (name !== null) {
      if (this.groupNames.has(name))
        throw new RegexError(`two groups are called \`${name}\``, 'give each its own name');
      this.groupNames.set(name, number);
    }
    return { kind: 'group', number, item: this.closed(this.choice()) };
  }

  private closed(item: RegexNode): RegexNode {
    if (!this.take(')'))
      throw new RegexError('unterminated group', 'write the missing `)`, or `\\(` for the character');
    return item;
  }

  private escape(): RegexNode {
    const char = this.escapedChar();
    if (char === 'b') return { kind: 'assert', what: 'word' };
    if (char === 'B') return { kind: 'assert', what: 'not-word' };
    if (/[1-9k]/.test(char))
      throw new RegexError(`\`\\${char}\` refers back to a group`, 'write out what may stand there', true);
    return { kind: 'char', set: CLASS_ESCAPES[char] ?? single(this.escapedCode(char)) };
  }

  private escapedChar(): string {
    if (this.at === this.text.length) throw new RegexError('`\\` at the end', 'write `\\\\` for the character');
    return this.next();
  }

  /** The code point of an escape that stands for one, behind `\` and `char`. */
  private escapedCode(char: string): number {
    const code = ESCAPED_CHARS[char];
    if (code !== undefined) return code;
    const rest = this.text.slice(this.at, this.at + 4);
    if (char === '0' && !/^[0-9]/.test(rest)) return 0;
    if (char === 'c' && /^[A-Za-z]/.test(rest)) {
      this.at++;
      return rest.charCodeAt(0) % 32;
    }
    const digits = char === 'x' ? /^[0-9A-Fa-f]{2}/.exec(rest) : char === 'u' ? /^[0-9A-Fa-f]{4}/.exec(rest) : null;
    if (digits !== null) {
      this.at += digits[0].length;
      return parseInt(digits[0], 16);
    }
    if (/[0-9A-Za-z]/.test(char)) {
      throw new RegexError(`\`\\${char}\` is not an escape`, `write \`${char}\` for the character`);
    }
    return char.codePointAt(0) as number;
  }

  private charClass(): CharSet {
    const isNegated = this.take('^');
    const ranges: number[] = [];
    while (!this.take(']')) {
      const from = this.classAtom();
      if (typeof from === 'number' && this.isNext('-') && this.text[this.at + 1] !== ']') {
        this.at++;
        const to = this.classAtom();
        if (typeof to === 'number') {
          if (from > to) throw new RegexError('range out of order in character class', 'write the lower end first');
          ranges.push(from, to);
        } else {
          ranges.push(from, from, 0x2d, 0x2d, ...to);
        }
      } else if (typeof from === 'number') {
        ranges.push(from, from);
      } else {
        ranges.push(...from);
      }
    }
    const set = charSet(ranges);
    return isNegated ? complement(set) : set;
  }

  private classAtom(): number | CharSet {
    if (this.at === this.text.length) {
      throw new RegexError('unterminated character class', 'write the missing `]`, or `\\[` for the character');
    }
    const char = this.next();
    if (char !== '\\') return char.codePointAt(0) as number;
    const escaped = this.escapedChar();
    if (escaped === 'b') return 8;
    if (escaped === '-') return 0x2d;
    return CLASS_ESCAPES[escaped] ?? this.escapedCode(escaped);
  }

  private next(): string {
    const char = String.fromCodePoint(this.text.codePointAt(this.at) as number);
    this.at += char.length;
    return char;
  }

  private isNext(char: string): boolean {
    return this.text[this.at] === char;
  }

  private take(char: string): boolean {
    if (!this.isNext(char)) return false;
    this.at++;
    return true;
  }
}

function single(code: number): CharSet {
  return [code, Math.min(code, CODE_POINT_MAX)];
}

function literal(char: string): RegexNode {
  return { kind: 'char', set: single(char.codePointAt(0) as number) };
}
