/** Every command that a page names is one: `evenkeel why`, `evenkeel server drain`. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const ROOT = new URL('../../..', import.meta.url);
const read = (page: string): string => readFileSync(new URL(page, ROOT), 'utf8');

const commands = new Set(
  Array.from(read('docs/reference/commands.md').matchAll(/^#+ evenkeel (.+)$/gm), ([, words]) => words),
);
/** Those that have others below them. */
const groups = new Set(
  Array.from(commands, (words) => words.split(' ')).flatMap((words) => (words.length > 1 ? words[0] : [])),
);

/** In a block of commands, behind a prompt or `sudo`; or in the line. `evenkeel is not running` is what one says. */
function namedOn(page: string): RegExpMatchArray[] {
  const text = read(page);
  const blocks = Array.from(text.matchAll(/^```(?:sh|console)\n([^]*?)^```/gm), ([, block]) => block).join('\n');
  return [
    ...blocks.matchAll(/^(?:[$#] )?(?:sudo )?evenkeel ([a-z-]+)(?: ([a-z-]+))?/gm),
    ...text.matchAll(/`(?:sudo )?evenkeel (?!is not running)([a-z-]+)(?: ([a-z-]+))?/g),
  ];
}

const pages = readdirSync(new URL('docs/', ROOT)).filter((name) => name.endsWith('.md'));

for (const page of ['README.md', ...pages.map((name) => `docs/${name}`)]) {
  test(`${page} names commands that there are`, () => {
    const wrong = namedOn(page)
      .filter(
        ([, first, second]) => !commands.has(groups.has(first) && second !== undefined ? `${first} ${second}` : first),
      )
      .map(([named]) => named);
    assert.deepEqual(wrong, []);
  });
}

test('there are commands', () => {
  assert.ok(commands.size > 20, `${commands.size} were found`);
});
