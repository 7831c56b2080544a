import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NginxSyntaxError, Tokenizer } from './tokens.ts';

/** All words, with what ends each run; or the error with its place. */
function tokens(text: string): string {
  const tokenizer = new Tokenizer('f', text);
  const out: string[] = [];
  try {
    for (;;) {
      const { words, end } = tokenizer.next();
      out.push(...words.map((word) => `<${word.text}>`), end);
      if (end === 'end') return out.join('');
    }
  } catch (error) {
    if (!(error instanceof NginxSyntaxError)) throw error;
    return `${error.reason} at ${error.place.line}:${error.place.column}`;
  }
}

const ROWS: readonly (readonly [text: string, expected: string, why: string])[] = [
  ['a b;', '<a><b>;end', 'words'],
  ['a{b;}', '<a>{<b>;}end', 'a brace ends a bare word'],
  ['a b#c;', '<a><b#c>;end', 'a comment begins only where a word could'],
  ['a #b;\nc;', '<a><c>;end', 'a comment ends with its line'],
  ['a b}c;', '<a><b}c>;end', 'a closing brace inside of a word'],
  ['a ${b}c;', '<a><${b}c>;end', 'the brace of a variable'],
  ['a "${b} c";', '<a><${b} c>;end', 'the same in quotes'],
  ['a "b c" \'d e\';', '<a><b c><d e>;end', 'both quotes'],
  ['a b"c"d;', '<a><b"c"d>;end', 'a quote inside of a word is a character'],
  ['a "";', '<a><>;end', 'nothing in quotes is a word'],
  ['a "b\\"c\\\\d\\te\\.f";', '<a><b"c\\d\te\\.f>;end', 'escapes'],
  ['a b\\ c\\;d;', '<a><b\\ c\\;d>;end', 'a backslash hides what would end the word, and stays'],
  ['if ($a = "b") { }', '<if><($a><=><b><)>{}end', 'a bracket may follow a quote'],
  ['a "b\nc";', '<a><b\nc>;end', 'a word of two lines'],
  ['a\r\nb;\r\n', '<a><b>;end', 'CRLF'],
  ['\ufeffuser x;', '<\ufeffuser><x>;end', 'a byte order mark is a character of the first word'],
  ['a "b"c;', 'unexpected "c" at 1:6', 'behind a closing quote'],
  ['a', 'unexpected end of file, expecting ";" or "}" at 1:1', 'no end'],
  ['a "b', 'unexpected end of file, expecting ";" or "}" at 1:3', 'no closing quote'],
  [';', 'unexpected ";" at 1:1', 'nothing to end'],
  ['a b }', 'unexpected "}" at 1:5', 'a directive without end'],
  [`a "${'b'.repeat(5000)}";`, 'too long parameter, probably missing terminating """ character at 1:3', 'too long'],
  [`a ${'b'.repeat(5000)};`, 'too long parameter "bbbbbbbbbb..." started at 1:3', 'too long without quotes'],
];

for (const [text, expected, why] of ROWS) {
  test(`${why}: ${JSON.stringify(text.slice(0, 40))}`, () => assert.equal(tokens(text), expected));
}

test('places count lines and columns', () => {
  const tokenizer = new Tokenizer('f', 'a b;\n  c "d\n" e;');
  tokenizer.next();
  const places = tokenizer.next().words.map(({ place }) => `${place.line}:${place.column}`);
  assert.deepEqual(places, ['2:3', '2:5', '3:3']);
});
