/** keepalived's two ways to cut a line into words (alloc_strvec_r and alloc_strvec_quoted_escaped of lib/parser.c). */

export interface Word {
  readonly text: string;
  readonly index: number;
  readonly isQuoted: boolean;
}

/** White space separates, `"` quotes and ends the word before it; nothing is escaped. */
export function wordsOf(line: string): readonly Word[] {
  const words: Word[] = [];
  const pattern = /"([^"]*)"?|[^\s"]+/g;
  for (let match = pattern.exec(line); match !== null; match = pattern.exec(line)) {
    const isQuoted = match[0].startsWith('"');
    words.push({ text: isQuoted ? match[1] : match[0], index: match.index, isQuoted });
  }
  return words;
}

const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ a: '\u0007', b: '\b', E: '\u001b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }),
);

/** Of keywords that name a program: both kinds of quotes, which join what touches, and backslashes. Null: a quote is not closed. */
export function scriptWordsOf(line: string): readonly Word[] | null {
  const words: Word[] = [];
  let at = 0;
  while (at < line.length) {
    if (/\s/.test(line[at])) {
      at++;
      continue;
    }
    const index = at;
    let text = '';
    let quote = '';
    let isQuoted = false;
    for (; at < line.length && (quote !== '' || !/\s/.test(line[at])); at++) {
      const character = line[at];
      if (character === quote) quote = '';
      else if (quote === '' && (character === '"' || character === "'")) {
        quote = character;
        isQuoted = true;
      } else if (character === '\\' && at + 1 < line.length) {
        const escape = escapeAt(line, at);
        text += escape.text;
        at += escape.length - 1;
      } else text += character;
    }
    if (quote !== '') return null;
    words.push({ text, index, isQuoted });
  }
  return words;
}

function escapeAt(line: string, at: number): { readonly text: string; readonly length: number } {
  const coded = /^\\(?:x([0-9A-Fa-f]{1,2})|([0-3][0-7]{0,2})|[cC](.))/.exec(line.slice(at, at + 4));
  if (coded === null) return { text: ESCAPES.get(line[at + 1]) ?? line[at + 1], length: 2 };
  const [written, hex, octal, control] = coded;
  const code =
    hex !== undefined ? parseInt(hex, 16) : octal !== undefined ? parseInt(octal, 8) : control.charCodeAt(0) & 31;
  return { text: String.fromCharCode(code), length: written.length };
}

/** The text of one word as a program and its arguments: spaces separate, single quotes keep together. */
export function argumentsOf(text: string): readonly string[] {
  return [...text.matchAll(/'([^']*)'?|[^\s']+/g)].map(([whole, inside]) => (whole.startsWith("'") ? inside : whole));
}
