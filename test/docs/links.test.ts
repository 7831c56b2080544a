/**
 * Every link between the pages of the documentation leads somewhere: the file is there, and so is the heading or the anchor
 * behind `#`. Links to other sites are not followed.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';

const ROOT = new URL('../../..', import.meta.url);

const pages = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(new URL('docs/', ROOT), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
    .sort(),
];

/** The text of a page without its code, in which brackets mean something else. */
function proseOf(page: URL): string {
  return readFileSync(page, 'utf8')
    .replace(/^```[^]*?^```/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()<>]/g, ' '));
}

/** As GitHub makes it from a heading: lower case, no punctuation, a hyphen for every space, a number for the second of a name. */
function anchorsOf(page: URL): ReadonlySet<string> {
  const text = readFileSync(page, 'utf8').replace(/^```[^]*?^```/gm, '');
  const anchors = new Set([...text.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, anchor]) => anchor));
  for (const [, heading] of text.matchAll(/^#{1,6} +(.*?)\s*$/gm)) {
    const anchor = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-');
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

function brokenLinksOf(page: string): string[] {
  const here = new URL(page, ROOT);
  const targets = [...proseOf(here).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const there = new URL(target, here);
    const anchor = decodeURIComponent(there.hash.slice(1));
    there.hash = '';
    if (!existsSync(there)) return true;
    return anchor !== '' && (statSync(there).isDirectory() || !anchorsOf(there).has(anchor));
  });
}

for (const page of pages) {
  test(`the links of ${page} lead somewhere`, () => {
    assert.deepEqual(brokenLinksOf(page), []);
  });
}

test('docs/README.md has every page once', () => {
  const index = readFileSync(new URL('docs/README.md', ROOT), 'utf8');
  const wrong = readdirSync(new URL('docs/', ROOT))
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .filter((name) => index.split(`(${name})`).length !== 2);
  assert.deepEqual(wrong, []);
});

test('a link to a heading that is not there is found', () => {
  const anchors = anchorsOf(new URL('docs/ha.md', ROOT));
  assert.ok(anchors.has('4-look-at-it'));
  assert.ok(!anchors.has('look-at-it'));
});
