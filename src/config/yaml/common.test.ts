import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import type { Path, SourceMap } from '../findings/diagnostic.ts';
import { readCommon } from './common.ts';
import { readWholeYaml, readYaml } from './read.ts';

const VALUES_MAX = 1_000_000;
const EXAMPLES = new URL('../../../../examples/', import.meta.url);
const ADAPTED = new URL('../../../../test/config/', import.meta.url);

function texts(): readonly string[] {
  const examples = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'));
  const adapted = readdirSync(ADAPTED).filter((name) => name.endsWith('.txt'));
  return [
    ...examples.map((name) => readFileSync(new URL(name, EXAMPLES), 'utf8')),
    ...adapted.flatMap((name) => readFileSync(new URL(name, ADAPTED), 'utf8').split(/^(?:====|----) .*\n/m)),
    ...SAMPLES,
  ];
}

const SAMPLES = [
  'a: 1\nb:\n- x\n- y: { z: "q\\\\d", w: \'it\'\'s\' }\n  v: [ 1, "2", three, [], {} ]\nc: # here\n  d: true # there\n',
  'a:\n  - - x\n    - y\n  - b: c\n\n    # between\n    d: /e#f\n80: "80"\n"k": *x\n',
  'a: 0x1f\nb: 1e3\nc: -0\nd: ~\ne: .5\nf: 1.2.3.4\ng: 12h\nh: 007\ni: -a\nj: :b\nk: ?c\nl: 1_000\n',
  'bind: "*:80"\nurl: http://a:80/b?c=d#e\nx: a: b\ny: \'z\' w\n',
  'a: {b: c, d: e}\nf: [g, h: i]\nk: {"l": m, n: "o"}\np: [q r, s-t]\n',
];

/** Every path of a document, with the places of its key and its value. */
function placesOf(value: unknown, source: SourceMap, path: Path = []): string[] {
  const here = [source.locate(path, 'key'), source.locate(path, 'value')].map(
    ({ line, column }) => `${line}:${column}`,
  );
  const inside =
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, part]) =>
          placesOf(part, source, [...path, Array.isArray(value) ? Number(key) : key]),
        )
      : [];
  return [`${JSON.stringify(path)} ${here.join(' ')}`, ...inside];
}

/** False: it is left to the other reader. */
function isReadAlike(text: string): boolean {
  if (readCommon(text, VALUES_MAX) === null) return false;
  const own = readYaml('f', text);
  const other = readWholeYaml('f', text);
  assert.deepEqual(other.problems, [], text);
  assert.deepEqual(own.value, other.value, text);
  assert.deepEqual(placesOf(own.value, own.source), placesOf(other.value, other.source), text);
  return true;
}

test('it reads nearly all configurations that are right, and reads them as the parser of all of YAML does', () => {
  const read = texts().filter(isReadAlike).length;
  assert.ok(read > 40, `${read} texts`);
});

test('what it has an opinion of, however it was bent, the other reads in the same way', () => {
  const prng = new Prng(7);
  const sources = texts().filter((text) => text.length < 4_000);
  const pieces = [
    ' ',
    '  ',
    '\n',
    ':',
    ': ',
    '- ',
    '#',
    ' #',
    ',',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    '&a ',
    '*a',
    '!',
    '|\n',
    '?',
    '\\',
    'x',
    '0',
    '~',
    '.',
    '<<: ',
  ];
  let read = 0;
  for (let round = 0; round < 4_000; round++) {
    const lines = sources[prng.below(sources.length)].split('\n');
    const first = prng.below(lines.length);
    let text = lines.slice(first, first + 1 + prng.below(12)).join('\n');
    if (prng.oneIn(2)) text = text.replace(new RegExp(`^ {${/^ */.exec(text)![0].length}}`, 'gm'), '');
    for (let change = prng.below(3); change > 0; change--) {
      const at = prng.below(text.length + 1);
      text =
        text.slice(0, at) + (prng.oneIn(3) ? '' : pieces[prng.below(pieces.length)]) + text.slice(at + prng.below(3));
    }
    if (isReadAlike(text)) read++;
  }
  assert.ok(read > 400, `${read} texts`);
});

test('beyond the bound of values it is left to the other', () => {
  assert.equal(readCommon('a: [ 1, 2, 3 ]\n', 4), null);
  assert.notEqual(readCommon('a: [ 1, 2, 3 ]\n', 5), null);
});
