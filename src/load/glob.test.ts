import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { glob } from './glob.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-glob-'));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'sites'));
for (const name of ['b.conf', 'a.conf', '.hidden.conf', 'c.txt', 'sites/x1.conf', 'sites/x2.conf', 'sites/y(1).conf']) {
  writeFileSync(join(folder, name), '');
}

const names = (pattern: string): string[] => glob(join(folder, pattern)).map((path) => path.slice(folder.length + 1));

test('a star is any name but a hidden one, sorted', () => {
  assert.deepEqual(names('*.conf'), ['a.conf', 'b.conf']);
  assert.deepEqual(names('.*.conf'), ['.hidden.conf']);
  assert.deepEqual(names('*/*.conf'), ['sites/x1.conf', 'sites/x2.conf', 'sites/y(1).conf']);
});

test('a question mark, a set and its complement are one character', () => {
  assert.deepEqual(names('?.conf'), ['a.conf', 'b.conf']);
  assert.deepEqual(names('sites/x[2-9].conf'), ['sites/x2.conf']);
  assert.deepEqual(names('sites/x[!1].conf'), ['sites/x2.conf']);
  assert.deepEqual(names('sites/x[^1].conf'), ['sites/x2.conf']);
});

test('what is special to regular expressions is not here', () => {
  assert.deepEqual(names('sites/y(1)*'), ['sites/y(1).conf']);
  assert.deepEqual(names('sites/*(*'), ['sites/y(1).conf']);
  assert.deepEqual(names('[b-a]*'), []);
});

test('without special characters it is the path itself, if it is there', () => {
  assert.deepEqual(names('a.conf'), ['a.conf']);
  assert.deepEqual(names('none.conf'), []);
  assert.deepEqual(names('none/*.conf'), []);
});
