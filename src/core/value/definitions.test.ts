import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2 } from '../../base/murmur2.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { ValuePlan } from '../../config/plan.ts';
import { defineValue } from './definitions.ts';
import { request } from './fixtures.test.ts';
import { Source } from './source.ts';
import { Span } from './span.ts';

function valueOf(target: string, name: string, plans: readonly ValuePlan[]): string {
  const view = request(target);
  view.variables.define(plans.map(defineValue));
  view.variables.begin();
  const span = new Span();
  Source.of({ kind: 'value', name }).find(view, span);
  return Buffer.from(span.bytes.subarray(span.at, span.end)).toString();
}

test('MurmurHash2: the values of the reference', () => {
  for (const [text, hash] of [
    ['', 0],
    ['a', 0x92685f5e],
    ['abc', 0x13577c9b],
    ['hello world', 0x44a81419],
  ] as const) {
    const bytes = encodeUtf8(text);
    assert.equal(murmur2(bytes, 0, bytes.length), hash, text);
  }
});

test('a map: exact texts, then hosts, then expressions; what nothing says is the default', () => {
  const map: ValuePlan = {
    kind: 'map',
    name: 'm',
    of: '{query:q}',
    exact: [['one', '1']],
    hosts: [
      ['*.example', 'suffix'],
      ['*.b.example', 'longer'],
      ['www.*', 'prefix'],
    ],
    regexes: [['^x([0-9]+)$', 'number {capture:1}']],
    otherwise: 'none',
    isKept: true,
  };
  const ask = (q: string): string => valueOf(`/?q=${q}`, 'm', [map]);
  assert.deepEqual(['one', 'ONE', 'a.example', 'a.b.example', 'www.org', 'x12', 'two', ''].map(ask), [
    '1',
    '1',
    'suffix',
    'longer',
    'prefix',
    'number 12',
    'none',
    'none',
  ]);
});

test('a map of ten thousand is one look-up', () => {
  const exact = Array.from({ length: 10_000 }, (_, i) => [`key${i}`, `value${i}`] as const);
  const map: ValuePlan = {
    kind: 'map',
    name: 'big',
    of: '{query:q}',
    exact,
    hosts: [],
    regexes: [],
    otherwise: '',
    isKept: true,
  };
  const definition = defineValue(map);
  const view = request('/?q=key9876');
  assert.equal(Buffer.from(definition.choose(view)?.constant ?? []).toString(), 'value9876');
  const began = performance.now();
  for (let i = 0; i < 100_000; i++) definition.choose(view);
  assert.ok(performance.now() - began < 2_000, 'it took more than 20 microseconds each');
});

test('networks: the longest that has the address', () => {
  const networks: ValuePlan = {
    kind: 'networks',
    name: 'n',
    of: '{query:ip}',
    networks: [
      [{ family: 4, address: '10.0.0.0', bits: 8 }, 'ten'],
      [{ family: 4, address: '10.1.0.0', bits: 16 }, 'ten-one'],
      [{ family: 6, address: '2001:db8::', bits: 32 }, 'six'],
    ],
    otherwise: 'out',
  };
  const ask = (ip: string): string => valueOf(`/?ip=${ip}`, 'n', [networks]);
  assert.deepEqual(['10.2.3.4', '10.1.3.4', '2001:db8::1', '192.0.2.1', 'x'].map(ask), [
    'ten',
    'ten-one',
    'six',
    'out',
    'out',
  ]);
});
