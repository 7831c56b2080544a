/** The page about header fields has every value that may stand in braces, and no other one in its tables. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NAMED_RESPONSE_SOURCES, NAMED_SOURCES, RESPONSE_SOURCES, SOURCES } from '../../src/config/words/template.ts';

const PAGE = readFileSync(new URL('../../../docs/headers.md', import.meta.url), 'utf8');

/** The words in braces in the first column of the table below a heading; with a colon where a name follows. */
function wordsBelow(heading: string): string[] {
  const section = PAGE.split(`\n## ${heading}\n`)[1].split('\n## ')[0];
  const cells = section.split('\n').flatMap((line) => /^\| (`\{[^|]*) \|/.exec(line)?.[1] ?? []);
  return sorted(cells.flatMap((cell) => [...cell.matchAll(/\{([a-z-]+:?)/g)].map(([, word]) => word)));
}

function sorted(words: readonly string[]): string[] {
  return [...new Set(words)].sort();
}

function words(plain: object, named: object): string[] {
  return sorted([...Object.keys(plain), ...Object.keys(named).map((word) => `${word}:`)]);
}

test('the table of the values of a request is that of the program', () => {
  assert.deepEqual(wordsBelow('Values of the request'), words(SOURCES, NAMED_SOURCES));
});

test('the table of the values of a response is that of the program', () => {
  assert.deepEqual(wordsBelow('Values of the response'), words(RESPONSE_SOURCES, NAMED_RESPONSE_SOURCES));
});
