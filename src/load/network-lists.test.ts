/** Lists of networks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../config/model/config.ts';
import { parseList, withLists } from './network-lists.ts';

test('a network a line, with comments', () => {
  assert.deepEqual(parseList('# all\n192.0.2.0/24 ; SBL1\r\n\n2001:db8::/32\n198.51.100.7 # one'), [
    '192.0.2.0/24',
    '2001:db8::/32',
    '198.51.100.7',
  ]);
  assert.deepEqual(parseList(''), []);
});

test('a line that is no network is an error, and not one less', () => {
  assert.throws(() => parseList('192.0.2.1\n<html>\n'), /line 2 is no network: <html>/);
  assert.throws(() => parseList('192.0.2.300'), /line 1/);
  assert.throws(() => parseList('10.0.0.1/8'), /line 1 is no network: 10\.0\.0\.1\/8 \(write 10\.0\.0\.0\/8\)$/);
  assert.throws(() => parseList('192.0.2.1\n'.repeat(20_001)), /more than 20000/);
});

test('what is written goes before what a list says, and the first list before others', () => {
  const value = { networks: { '192.0.2.1': 'allow' }, lists: { a: 'deny', b: 'watch' }, otherwise: '' };
  const config: Config = { values: { who: value, other: { map: '{method}' } } };
  const lists = new Map([
    ['a', ['192.0.2.1', '192.0.2.2']],
    ['b', ['192.0.2.2', '192.0.2.3']],
  ]);
  const { values } = withLists(config, lists);
  assert.deepEqual(values?.['who'].networks, { '192.0.2.1': 'allow', '192.0.2.2': 'deny', '192.0.2.3': 'watch' });
  assert.deepEqual(values?.['other'], { map: '{method}' });
});
