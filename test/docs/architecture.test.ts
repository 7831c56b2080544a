/** docs/architecture.md leads file by file: each that it names is there. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const ROOT = new URL('../../..', import.meta.url);

test('every file and folder that the architecture names exists', () => {
  const page = readFileSync(new URL('docs/architecture.md', ROOT), 'utf8');
  const named = Array.from(page.matchAll(/`((?:[a-z0-9-]+\/)+[a-z0-9-]+(?:\.[a-z]+)*)`/g), ([, path]) => path);
  assert.ok(named.length > 50, `${named.length} were found`);
  const missing = named.filter((path) => !existsSync(new URL(path, ROOT)) && !existsSync(new URL(`src/${path}`, ROOT)));
  assert.deepEqual(missing, []);
});
