import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { keepalivedPage } from '../keepalived/reference.ts';
import { nginxPage } from '../nginx/reference.ts';
import { configurationPage, errorsPage } from './reference.ts';

const FOLDER = new URL('../../../../docs/reference/', import.meta.url);

for (const [name, content] of [
  ['configuration.md', configurationPage()],
  ['errors.md', errorsPage()],
  ['keepalived-conf.md', keepalivedPage()],
  ['nginx-conf.md', nginxPage()],
]) {
  test(`docs/reference/${name} is what the model makes (EVENKEEL_WRITE_DOCS=1 writes it)`, () => {
    const file = new URL(name, FOLDER);
    if (process.env['EVENKEEL_WRITE_DOCS'] === '1') {
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(file, content);
    }
    assert.equal(readFileSync(file, 'utf8'), content, 'run `npm run docs`');
  });
}

test('every link inside the configuration reference leads to a heading of it', () => {
  const page = configurationPage();
  const anchors = new Set(
    [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading.toLowerCase().replace(/[^a-z0-9_ -]/g, '')),
  );
  const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor]) => anchor);
  assert.ok(links.length > 20);
  for (const link of links) assert.ok(anchors.has(link), link);
});
