/**
 * One mistake in a keepalived.conf or nginx.conf is said where it is, and nothing that only follows from it; and two of them in the
 * same round.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatDiagnostic } from '../../src/config/findings/diagnostic.ts';
import type { FrontEndName } from '../../src/config/front-end.ts';
import { frontEndFor } from '../../src/config/front-ends.ts';
import { loadDocuments } from '../../src/config/load.ts';

const NO_FILES = { read: () => ({ reason: 'there are none' }), glob: () => [] };

/** What is refused, a line each: `f:line:column: ...`. */
function refusals(language: FrontEndName, text: string): string[] {
  const document = frontEndFor(text, language).read({ name: 'f', text }, { files: NO_FILES, node: 'lb01' });
  const { diagnostics } = loadDocuments([document], 'lb01');
  return diagnostics.filter(({ severity }) => severity !== 'warning').map(formatDiagnostic);
}

/** Those of the adapt files that are right and are one file. */
function rightTexts(language: FrontEndName): string[] {
  const folder = new URL(`../../../test/config/${language}/`, import.meta.url);
  return readdirSync(folder)
    .map((name) =>
      readFileSync(new URL(name, folder), 'utf8')
        .split(/^---- /m)[0]
        .replace(/^==== .*\n/, ''),
    )
    .filter((text) => !text.includes('\n==== ') && refusals(language, text).length === 0);
}

/** A misspelt keyword, and a first word that is none of its. */
function mistakesIn(line: string): string[] {
  const bare = line.trim();
  const [keyword, word] = bare
    .replace(/[{};].*$/, '')
    .trim()
    .split(/\s+/);
  // A brace that is missing, or in a word, is another kind of mistake.
  if (!/^[a-zA-Z_]/.test(bare) || bare.replace(/[{}]$/, '').includes('{')) return [];
  const misspelt = line.replace(keyword, `${keyword}x`);
  return word === undefined ? [misspelt] : [misspelt, line.replace(` ${word}`, ' @@bad')];
}

interface Mistake {
  readonly index: number;
  readonly line: string;
  readonly said: readonly string[];
}

for (const language of ['keepalived', 'nginx'] as const) {
  test(`${language}.conf: one mistake has no echo, and two come in one round`, () => {
    let count = 0;
    for (const text of rightTexts(language)) {
      const lines = text.split('\n');
      const withLines = (...changed: readonly Mistake[]): string =>
        lines.map((line, i) => changed.find(({ index }) => index === i)?.line ?? line).join('\n');
      const mistakes: Mistake[] = [];
      for (const [index, original] of lines.entries()) {
        for (const line of mistakesIn(original)) {
          const said = refusals(language, withLines({ index, line, said: [] }));
          const here = said.filter((one) => one.startsWith(`f:${index + 1}:`));
          if (here.length === 0) continue;
          assert.deepEqual(said, here, `${line}\n${text}`);
          mistakes.push({ index, line, said });
        }
      }
      for (const [i, first] of mistakes.entries()) {
        const second = mistakes.find(({ index }, j) => j > i && isBeside(lines, first.index, index));
        if (second === undefined) continue;
        const said = refusals(language, withLines(first, second));
        assert.deepEqual(said, [...first.said, ...second.said], `${first.line}\n${second.line}\n${text}`);
        count++;
      }
    }
    assert.ok(count > 20, `${count} pairs`);
  });
}

/** Neither is inside of the other's block. */
function isBeside(lines: readonly string[], first: number, second: number): boolean {
  return first < second && !lines[first].includes('{') && lines[first + 1]?.trim() !== '{';
}
