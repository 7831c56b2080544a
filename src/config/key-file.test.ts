import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKeyFile } from './key-file.ts';

const HEX = '00112233445566778899aabbccddeeff'.repeat(2);

test('a key is an id and a secret, as hexadecimal digits or as text; the order stays', () => {
  const text = `# comment\n\n 7  hex:${HEX.toUpperCase()}\n1 ${'k'.repeat(32)}\n255\t${'!'.repeat(64)}`;
  assert.deepEqual(parseKeyFile(text), [
    { id: 7, secret: HEX },
    { id: 1, secret: '6b'.repeat(32) },
    { id: 255, secret: '21'.repeat(64) },
  ]);
});

test('line ends of either kind are taken', () => {
  assert.deepEqual(parseKeyFile(`1 hex:${HEX}\r\n`), [{ id: 1, secret: HEX }]);
});

test('what is wrong is said with its line, and without the secret', () => {
  const cases: [string, RegExp][] = [
    ['', /^there is no key in it$/],
    ['# nothing\n', /^there is no key in it$/],
    [HEX, /^line 1 is not an id and a secret$/],
    [`\n0 hex:${HEX}`, /^the id in line 2 is not from 1 to 255$/],
    [`256 hex:${HEX}`, /^the id in line 1 is not from 1 to 255$/],
    [`1 hex:${HEX}\n01 hex:${HEX}`, /^the id in line 2 is there a second time$/],
    [`1 hex:${HEX.slice(2)}`, /^the secret in line 1 is neither/],
    [`1 hex:${HEX}${HEX}00`, /^the secret in line 1 is neither/],
    [`1 hex:${HEX}0`, /^the secret in line 1 is neither/],
    [`1 hex:${HEX}zz`, /^the secret in line 1 is neither/],
    [`1 ${'k'.repeat(31)}`, /^the secret in line 1 is neither/],
    [`1 ${'k'.repeat(65)}`, /^the secret in line 1 is neither/],
    [`1 ${'k'.repeat(31)} k`, /^the secret in line 1 is neither/],
  ];
  for (const [text, said] of cases) {
    const result = parseKeyFile(text);
    assert.equal(typeof result, 'string', text);
    assert.match(result as string, said);
    assert.doesNotMatch(result as string, /kkk|0011/);
  }
});
