import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerNames } from './server-names.ts';

const NAMES = new ServerNames([
  { names: ['example.com', 'www.example.com'] },
  { names: ['*.example.com', 'example.com'] },
  { names: ['*.deep.example.com'] },
]);

test('a name of an entry is that entry, before any wildcard, and the first one where two have it', () => {
  assert.equal(NAMES.find('example.com'), 0);
  assert.equal(NAMES.find('www.example.com'), 0);
});

test('a wildcard is for one label, and for none less', () => {
  assert.equal(NAMES.find('api.example.com'), 1);
  assert.equal(NAMES.find('a.deep.example.com'), 2);
  assert.equal(NAMES.find('deep.example.com'), 1);
  assert.equal(NAMES.find('a.b.example.com'), -1);
  assert.equal(NAMES.find('.example.com'), -1);
});

test('a dot at the end is no part of a name', () => {
  assert.equal(NAMES.find('example.com.'), 0);
  assert.equal(NAMES.find('api.example.com.'), 1);
});

test("what no entry is for, and no name at all, is nobody's", () => {
  for (const name of ['', '.', 'com', 'example.org', '*.example.com.org', '\0']) assert.equal(NAMES.find(name), -1);
});

test("a name that an object would have by itself is nobody's", () => {
  for (const name of ['constructor', '__proto__', 'a.__proto__']) assert.equal(NAMES.find(name), -1);
});
