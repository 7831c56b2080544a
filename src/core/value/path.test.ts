import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { NormalPath, normaliseRule } from './path.ts';
import { text } from './fixtures.test.ts';

const path = new NormalPath();

/** The normal form, one character per byte, or null. */
function normal(raw: string): string | null {
  const bytes = new Uint8Array(Buffer.from(`//${raw}..`, 'latin1'));
  if (!path.read(bytes, 2, raw.length)) return null;
  const result = text(path.bytes, path.at, path.at + path.length);
  assert.equal(path.isChanged, result !== (raw === '' ? '/' : raw), raw);
  return result;
}

const EXAMPLES: readonly (readonly [raw: string, normal: string | null, why: string])[] = [
  ['', '/', 'absolute-form without path'],
  ['/', '/', 'the root'],
  ['*', '*', 'asterisk-form'],
  ['/a/b', '/a/b', 'nothing to do'],
  ['/.well-known/x', '/.well-known/x', 'a dot is not a dot segment'],
  ['/...', '/...', 'nor are three'],
  ['/a./b../c', '/a./b../c', 'nor dots at the end of a segment'],
  ['/%61%5Fb%7e', '/a_b~', 'RFC 3986 section 6.2.2.2: unreserved characters'],
  ['/%28x%29%3Bv%3D1', '/(x);v=1', 'other visible ASCII'],
  ['/caf%c3%a9', '/caf\u00c3\u00a9', 'bytes of UTF-8'],
  ['/a%2fb%3fc%23d', '/a%2Fb%3Fc%23d', 'these would change the structure; hex digits in upper case'],
  ['/100%25', '/100%25', 'a percent sign'],
  ['/%2541', '/%2541', 'decoded once, not twice'],
  ['/a%20b', '/a%20b', 'a space'],
  ['/a%01', null, 'a control character'],
  ['/a%7f', null, 'another one'],
  ['/a%00', null, 'servers in C end there'],
  ['/a%c0%afb', null, 'a slash in UTF-8 longer than needed: RFC 3629 section 10'],
  ['/a/%c0%ae%c0%ae/b', null, 'dots as well'],
  ['/a%e0%80%afb', null, 'also in three bytes'],
  ['/a%f0%80%80%afb', null, 'also in four'],
  ['/%c0propos', '/\u00c0propos', 'Latin-1, which old sites have'],
  ['/a%5Cb', '/a\\b', 'a backslash'],
  ['/a.', '/a.', 'a dot at the end'],
  ['//a///b', '/a/b', 'several slashes'],
  ['/a//', '/a/', 'also at the end'],
  ['//', '/', 'also alone'],
  ['/a/./b/.', '/a/b/', 'RFC 3986 section 5.2.4: the same place'],
  ['/a/b/../c', '/a/c', 'RFC 3986 section 5.2.4: one up'],
  ['/a/b/..', '/a/', 'one up at the end'],
  ['/a/..', '/', 'up to the root'],
  ['/a//../b', '/b', 'an empty segment is none, so this leaves a'],
  ['/a/%2e%2E/b', '/b', 'dots with escapes'],
  ['/a/.%2e/%2e/b', '/b', 'dots half with escapes'],
  ['/..', null, 'above the root'],
  ['/a/../../b', null, 'above the root from below'],
  ['/%2e%2e/etc', null, 'above the root with escapes'],
  ['//..', null, 'an empty segment is nothing to leave'],
  ['/%', null, 'no digits'],
  ['/%4', null, 'one digit'],
  ['/%4g', null, 'not a digit'],
  ['/a%', null, 'digits beyond the end do not count'],
];

for (const [raw, expected, why] of EXAMPLES) {
  test(`${raw || 'the empty path'} becomes ${expected ?? 'an error'}: ${why}`, () => {
    assert.equal(normal(raw), expected);
  });
}

const PIECES = [
  '/',
  '/',
  '/',
  'a',
  'B',
  '.',
  '..',
  '%2e',
  '%2E',
  '%2f',
  '%61',
  '%25',
  '%20',
  '%C3',
  '%28',
  ';',
  '%',
  '%4',
];
const rawPath = fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((pieces) => `/${pieces.join('')}`);

/** The same rules on strings, segment by segment. */
function naiveNormal(raw: string): string | null {
  if (/%(?![0-9a-f]{2})/i.test(raw)) return null;
  const decoded = raw.replace(/%([0-9a-f]{2})/gi, (escape, hex: string) => {
    const char = String.fromCharCode(parseInt(hex, 16));
    return char <= ' ' || '\x7f/?#%'.includes(char) ? escape.toUpperCase() : char;
  });
  const segments = decoded.split('/').slice(1);
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === '..' && kept.pop() === undefined) return null;
    if (!['', '.', '..'].includes(segment)) kept.push(segment);
  }
  const isDirectory = ['', '.', '..'].includes(segments.at(-1) as string);
  return kept.length === 0 ? '/' : `/${kept.join('/')}${isDirectory ? '/' : ''}`;
}

test('every path agrees with the rules applied to strings', () => {
  fc.assert(
    fc.property(rawPath, (raw) => assert.equal(normal(raw), naiveNormal(raw))),
    { numRuns: 5000 },
  );
});

test('the normal form of a normal form is itself', () => {
  fc.assert(
    fc.property(rawPath, (raw) => {
      const once = normal(raw);
      if (once !== null) assert.equal(normal(once), once);
    }),
  );
});

test('a path longer than any head is refused, not cut', () => {
  assert.equal(normal(`/%41${'a'.repeat(HEAD_BYTES_MAX)}`), null);
});

function rule(value: string): string {
  const bytes = normaliseRule(value);
  return text(bytes, 0, bytes.length);
}

test('a rule is brought to the same form as the paths it is about, its dots and slashes left alone', () => {
  assert.equal(rule('/caf\u00e9'), normal('/caf%C3%A9'));
  assert.equal(rule('/caf%c3%a9'), normal('/caf%C3%A9'));
  assert.equal(rule('/my files?'), normal('/my%20files%3f'));
  assert.equal(rule('/a%2fb%28'), normal('/a%2Fb('));
  assert.equal(rule('/.'), '/.');
  assert.equal(rule('/a//b/../'), '/a//b/../');
});
