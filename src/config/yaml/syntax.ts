/** What the YAML parser's errors mean for somebody who wanted to write a configuration, and what to write instead. */
import type { Document, ErrorCode, YAMLError } from 'yaml';
import { visit } from 'yaml';
import type { Problem } from '../findings/diagnostic.ts';
import { problem, show } from '../findings/diagnostic.ts';
import { findLayoutFault } from './layout.ts';

/** Something wrong with a text, at an offset of it. */
export interface TextProblem extends Problem {
  readonly offset: number;
}

/** What follows the first few errors mostly follows from them. */
const LINES_MAX = 20;
const ERRORS_MAX = 100;
/** Nobody reads a longer one, and looking for what is wrong in it would take long. */
const LINE_LENGTH_MAX = 2_000;

/** After one of these nobody knows what belongs to what: whatever else the parser says follows from it. */
const STRUCTURAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BAD_INDENT',
  'BLOCK_AS_IMPLICIT_KEY',
  'BLOCK_IN_FLOW',
  'IMPOSSIBLE',
  'MISSING_CHAR',
  'MULTILINE_IMPLICIT_KEY',
  'TAB_AS_INDENT',
  'UNEXPECTED_TOKEN',
]);

export interface Syntax {
  readonly problems: readonly TextProblem[];
  /** Where the line begins from which on nobody knows what belongs to what. Infinity: there is none. */
  readonly soundUntil: number;
}

/** Everything up to the first error of the structure, which is said in the words of whoever sees the lines. */
export function explainSyntax(document: Document.Parsed, text: string): Syntax {
  const exhausted = document.errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  if (exhausted !== undefined) {
    const [offset] = exhausted.pos;
    return { problems: [{ ...explain(exhausted, text, offset), offset }], soundUntil: 0 };
  }
  const byLine = new Map<number, TextProblem>();
  let structural: TextProblem | null = null;
  for (const error of document.errors.slice(0, ERRORS_MAX)) {
    const isUnclosed = error.code === 'MISSING_CHAR' || error.code === 'BAD_INDENT';
    const offset = isUnclosed ? openingOf(document, error.pos[0]) : error.pos[0];
    if (!STRUCTURAL.has(error.code)) {
      if (byLine.size < LINES_MAX) byLine.set(startOfLine(text, offset), { ...explain(error, text, offset), offset });
      continue;
    }
    const isClearer = error.code === 'MULTILINE_IMPLICIT_KEY';
    const isFirst = structural === null || startOfLine(text, offset) < startOfLine(text, structural.offset);
    const isSameLine = structural !== null && startOfLine(text, offset) === startOfLine(text, structural.offset);
    if (isFirst || (isClearer && isSameLine)) structural = { ...explain(error, text, offset), offset };
  }
  const first = structural === null ? null : (clearer(text, structural.offset) ?? structural);
  const others = [...byLine.values()].filter(({ offset }) => first === null || offset < first.offset);
  if (first === null) return { problems: others, soundUntil: Infinity };
  return { problems: [...others, first], soundUntil: startOfLine(text, first.offset) };
}

/** What the lines say about an error that the parser noticed at this offset, if they say anything. */
function clearer(text: string, offset: number): TextProblem | null {
  if (lineAround(text, offset).length > LINE_LENGTH_MAX) return null;
  const comma = findMissingComma(text, offset);
  if (comma !== null) return comma;
  const fault = findLayoutFault(text);
  const line = text.slice(0, offset).split('\n').length;
  return fault === null || fault.line > line + 1 ? null : { ...syntax(fault.reason, fault.fix), offset: fault.offset };
}

/** In a line with brackets: `{ a: 1 b: 2 }`, `[ "a" "b" ]`. */
function findMissingComma(text: string, offset: number): TextProblem | null {
  const start = startOfLine(text, offset);
  const line = lineAround(text, offset);
  const bracket = line.search(/[[{]/);
  if (bracket < 0) return null;
  const between = /(?:"[^"]*"|'[^']*'|[^\s,{}[\]"'#:]+|[\]}])\s+(?=("[^"]*"|'[^']*'|[\w-]+:\s))/g;
  between.lastIndex = bracket + 1;
  for (let match = between.exec(line); match !== null; match = between.exec(line)) {
    const end = match.index + match[0].length;
    if (/(^|\s)#/.test(line.slice(0, end))) return null;
    const isKey = /^[\w-]+:\s/.test(line.slice(end));
    if (!isKey && !/^["']/.test(match[0])) continue;
    const before = match[0].trim();
    const after = /^\S+/.exec(line.slice(end))?.[0] ?? '';
    return {
      ...syntax(`a comma is missing before ${show(after)}`, `write \`${before}, ${after}\``),
      offset: start + end,
    };
  }
  return null;
}

function startOfLine(text: string, offset: number): number {
  return text.lastIndexOf('\n', Math.max(0, offset - 1)) + 1;
}

/** Where the quoted text, or the list or map in brackets, begins that ends, unclosed, at an offset; else the offset itself. */
function openingOf(document: Document.Parsed, end: number): number {
  let opening = end;
  visit(document, {
    Scalar: (_, node) => {
      const isQuoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE';
      if (isQuoted && node.range?.[1] === end) opening = node.range[0];
    },
    Collection: (_, node) => {
      if (node.flow === true && node.range?.[1] === end && opening === end) opening = node.range[0];
    },
  });
  return opening;
}

function syntax(reason: string, fix: string): Problem {
  return problem('yaml-syntax', { reason, fix });
}

/** The place of an error. */
interface Scene {
  readonly message: string;
  /** The line, the rest of the word, and the character there. */
  readonly line: string;
  readonly word: string;
  readonly character: string;
}

function explain(error: YAMLError, text: string, offset: number): Problem {
  const scene: Scene = {
    message: error.message,
    line: lineAround(text, offset),
    word: wordAt(text, offset),
    character: text.charAt(offset),
  };
  const explained = EXPLANATIONS[error.code]?.(scene);
  if (explained !== undefined) return explained;
  const reason = error.message.split('\n')[0];
  return syntax(
    reason.charAt(0).toLowerCase() + reason.slice(1),
    'look at the indentation, the colons and the quotes of this line and the one above',
  );
}

const EXPLANATIONS: Readonly<Partial<Record<ErrorCode, (scene: Scene) => Problem>>> = {
  TAB_AS_INDENT: () => syntax('a tab is used to indent', 'indent with spaces'),
  MULTIPLE_DOCS: () => problem('yaml-documents', {}),
  RESOURCE_EXHAUSTION: () =>
    problem('yaml-too-large', { what: 'maps and lists are nested too deep', limit: 'fewer levels' }),
  BAD_SCALAR_START: ({ character, word }) =>
    syntax(`a value cannot begin with ${show(character)} unless it is in quotes`, `write ${quoted(word)}`),
  BAD_DQ_ESCAPE: ({ word }) =>
    syntax(
      `${show(word.slice(0, 2))} means nothing inside double quotes`,
      "write two backslashes, or use single quotes ('...'), in which a backslash is a backslash",
    ),
  MISSING_CHAR: ({ line, word, character }) =>
    /^["']/.test(word)
      ? syntax('these quotes are never closed', `write ${character} at the end of the text`)
      : unclosed(line),
  BAD_INDENT: ({ message, line }) =>
    message.startsWith('Flow')
      ? unclosed(line)
      : syntax(
          'this line is indented less or more than its neighbours',
          'begin all keys of one map in the same column',
        ),
  BLOCK_AS_IMPLICIT_KEY: () =>
    syntax(
      'two keys on one line',
      'put the second on a line of its own, indented more; or, if this is one text with a colon and a space in it, put it in quotes',
    ),
  MULTILINE_IMPLICIT_KEY: ({ line }) => {
    if (/^\s*(- +)?[\w-]+:[^\s]/.test(line)) return syntax('there is no space after the colon', 'write `key: value`');
    if (/^\s*(- +)?[\w-]+: /.test(line)) {
      const reason = 'the next line is indented as if it went on with this value';
      return syntax(reason, 'begin it in the same column as the key of this line');
    }
    return syntax('this line has no key', 'write `key: value`, in the same column as its neighbours');
  },
  UNEXPECTED_TOKEN: ({ line, word, character }) => {
    if (character === '}' || character === ']') {
      return syntax(`there is one ${show(character)} too many`, 'remove it, or open it before');
    }
    const bracketed = /[:-]\s+(\[[^\]]*\]\S+)/.exec(line);
    if (bracketed !== null) {
      return syntax('`[` begins a list, and something follows its `]`', `put the value in quotes: "${bracketed[1]}"`);
    }
    if (/["']/.test(line.slice(0, line.length - word.length)) && !word.endsWith(':')) {
      const reason = 'something follows the quote that ends a text';
      return syntax(reason, 'end the text where it should end, and begin a comment with a space and `#`');
    }
    const fix = 'indent it like its neighbours; in one block write only `key: value` or only `- item` lines';
    return syntax(`${show(word)} is not expected here`, fix);
  },
};

function unclosed(line: string): Problem {
  const reason = 'a `[` or `{` list is not closed, or a comma is missing in it';
  const address = /\[[0-9a-fA-F:.]*::?[0-9a-fA-F:.]*\]:[0-9]+/.exec(line);
  const fix =
    address === null
      ? 'close it with `]` or `}`, put commas between its parts, and indent its lines more than the key'
      : `an IPv6 address needs quotes: "${address[0]}"`;
  return syntax(reason, fix);
}

function lineAround(text: string, offset: number): string {
  const start = startOfLine(text, offset);
  const end = text.indexOf('\n', start);
  return text.slice(start, end < 0 ? text.length : end);
}

function wordAt(text: string, offset: number): string {
  return /^[^\s,\]}]{0,60}/.exec(text.slice(offset, offset + 60))?.[0] ?? '';
}

function quoted(word: string): string {
  return word.length < 2 ? 'it in quotes' : `"${word}"`;
}
