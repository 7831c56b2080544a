import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNREADABLE } from '../gaps.ts';
import type { Path } from '../findings/diagnostic.ts';
import { readYaml } from './read.ts';

const TEXT = `# a comment
top:
  text: plain
  "quoted key": 'single'
  number: 0x1F
  float: 1.5
  yes: yes
  flag: true
  empty:
  list:
    - one
    - key: value
      other: [ a, { b: c } ]
`;

function at(text: string, path: Path, part: 'key' | 'value'): string {
  const { line, column } = readYaml('f', text).source.locate(path, part);
  return `${line}:${column}`;
}

test('values are those of the YAML 1.2 core schema', () => {
  assert.deepEqual(readYaml('f', TEXT).value, {
    top: {
      text: 'plain',
      'quoted key': 'single',
      number: 31,
      float: 1.5,
      yes: 'yes',
      flag: true,
      empty: null,
      list: ['one', { key: 'value', other: ['a', { b: 'c' }] }],
    },
  });
});

test('everything is found where it was written', () => {
  assert.equal(at(TEXT, [], 'value'), '2:1');
  assert.equal(at(TEXT, ['top'], 'key'), '2:1');
  assert.equal(at(TEXT, ['top', 'text'], 'key'), '3:3');
  assert.equal(at(TEXT, ['top', 'text'], 'value'), '3:9');
  assert.equal(at(TEXT, ['top', 'quoted key'], 'value'), '4:17');
  assert.equal(at(TEXT, ['top', 'list', 0], 'value'), '11:7');
  assert.equal(at(TEXT, ['top', 'list', 1, 'other', 1, 'b'], 'value'), '13:24');
});

test('what is not there is found at the nearest thing around it', () => {
  assert.equal(at(TEXT, ['top', 'missing'], 'key'), '2:1');
  assert.equal(at(TEXT, ['top', 'list', 7], 'value'), '10:3');
  assert.equal(at(TEXT, ['top', 'list', 1, 'missing', 'deeper'], 'key'), '12:7');
  assert.equal(at(TEXT, ['nothing', 'at', 'all'], 'key'), '2:1');
});

test('a byte order mark and CR LF change nothing', () => {
  const { value, source } = readYaml('f', '\ufeffa: 1\r\nb:\r\n  c: 2\r\n');
  assert.deepEqual(value, { a: 1, b: { c: 2 } });
  assert.deepEqual(source.locate(['b', 'c'], 'value'), { file: 'f', line: 3, column: 6 });
});

test('keys are text, whatever they look like', () => {
  assert.deepEqual(readYaml('f', '80: a\ntrue: b\n1.0: c\n"": d\n').value, {
    '80': 'a',
    true: 'b',
    '1.0': 'c',
    '': 'd',
  });
});

test('an anchor gives each alias a value of its own, at the place where it was written', () => {
  const { value, source } = readYaml('f', 'a: &x { b: 1 }\nc: *x\nd: { <<: *x, e: 2 }\n');
  const { a, c, d } = value as { a: object; c: object; d: object };
  assert.deepEqual([a, c, d], [{ b: 1 }, { b: 1 }, { e: 2, b: 1 }]);
  assert.notEqual(a, c);
  assert.deepEqual(source.locate(['c', 'b'], 'value'), { file: 'f', line: 1, column: 12 });
});

test('a merge does not replace what is there, and the first of several wins', () => {
  assert.deepEqual(readYaml('f', 'a: &a { x: 1, y: 1 }\nb: &b { y: 2, z: 2 }\nc: { z: 3, <<: [ *a, *b ] }\n').value, {
    a: { x: 1, y: 1 },
    b: { y: 2, z: 2 },
    c: { z: 3, x: 1, y: 1 },
  });
});

test('aliases that multiply are stopped, and said once', () => {
  const lines = ['a0: &a0 [ x, x, x, x, x, x, x, x, x, x ]'];
  for (let i = 1; i < 20; i++) {
    lines.push(`a${i}: &a${i} [ ${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')} ]`);
  }
  const { problems } = readYaml('f', lines.join('\n'));
  assert.deepEqual(
    problems.map((found) => found.code),
    ['yaml-too-large'],
  );
});

test('an alias inside its own anchor is an error and not a loop', () => {
  const { value, problems } = readYaml('f', 'a: &x { b: *x }\n');
  assert.deepEqual(value, { a: { b: UNREADABLE } });
  assert.equal(problems[0].code, 'yaml-alias-loop');
});

test('nesting is bounded before the parser sees it', () => {
  for (const text of [
    '['.repeat(100_000),
    '- '.repeat(100_000),
    '{ '.repeat(100_000),
    '[a,'.repeat(100_000),
    '? '.repeat(100_000),
  ]) {
    assert.ok(readYaml('f', text).problems.some((found) => found.code === 'yaml-too-large'));
  }
  const deep = `${'['.repeat(60)}${']'.repeat(60)}`;
  assert.deepEqual(readYaml('f', deep).problems, []);
});

test('a file that is far too long is not parsed', () => {
  const { value, problems } = readYaml('f', '#'.repeat(17 * 1024 * 1024));
  assert.equal(value, null);
  assert.equal(problems[0].code, 'yaml-too-large');
});
