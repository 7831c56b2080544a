import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2 } from '../../base/murmur2.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { ValuePlan } from '../../config/plan/value.ts';
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

function mapOf(name: string, of: string, exact: readonly (readonly [string, string])[]): ValuePlan {
  return { kind: 'map', name, of, exact, hosts: [], regexes: [], otherwise: '', isKept: true, isLate: false };
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
    isLate: false,
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

test('a map of ten thousand has each of them', () => {
  const exact = Array.from({ length: 10_000 }, (_, i) => [`key${i}`, `value${i}`] as const);
  const map = mapOf('big', '{query:q}', exact);
  for (let i = 0; i < exact.length; i += 999) assert.equal(valueOf(`/?q=key${i}`, 'big', [map]), `value${i}`);
  assert.equal(valueOf('/?q=key10000', 'big', [map]), '');
});

test('what a value is chosen by may be made of values that are chosen themselves', () => {
  const inner = mapOf('inner', 'q{query:q}-{query:r}', [['q1-2', 'three']]);
  const outer = mapOf('outer', 'the {value:inner} of {query:q}', [['the three of 1', 'right']]);
  assert.equal(valueOf('/?q=1&r=2', 'outer', [outer, inner]), 'right');
  const chain = Array.from({ length: 12 }, (_, i) => mapOf(`v${i}`, `x{value:v${i + 1}}`, [['xyes', 'yes']]));
  assert.equal(valueOf('/?q=1', 'v0', [...chain, mapOf('v12', '{query:q}', [['1', 'yes']])]), 'yes');
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
    unix: 'none',
    otherwise: 'out',
  };
  const ask = (ip: string): string => valueOf(`/?ip=${ip}`, 'n', [networks]);
  assert.deepEqual(['10.2.3.4', '10.1.3.4', '2001:db8::1', '192.0.2.1', 'x', ''].map(ask), [
    'ten',
    'ten-one',
    'six',
    'out',
    'out',
    'none',
  ]);
});
