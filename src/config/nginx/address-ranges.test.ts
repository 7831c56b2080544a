import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressRanges, rangeOf } from './address-ranges.ts';

const range = (text: string) => rangeOf(text)!;

test('a range is the networks that it has in it', () => {
  const ranges = new AddressRanges();
  ranges.set(range('192.0.2.1-192.0.2.6'), 'a');
  ranges.set(range('0.0.0.0-127.255.255.255'), 'b');
  ranges.set(range('255.255.255.255-255.255.255.255'), 'c');
  assert.deepEqual(ranges.networks(), {
    '0.0.0.0/1': 'b',
    '192.0.2.1/32': 'a',
    '192.0.2.2/31': 'a',
    '192.0.2.4/31': 'a',
    '192.0.2.6/32': 'a',
    '255.255.255.255/32': 'c',
  });
});

test('all addresses are one network', () => {
  const ranges = new AddressRanges();
  ranges.set(range('0.0.0.0-255.255.255.255'), 'all');
  assert.deepEqual(ranges.networks(), { '0.0.0.0/0': 'all' });
});

test('a later range replaces its part of those before', () => {
  const ranges = new AddressRanges();
  ranges.set(range('10.0.0.0-10.0.0.7'), 'a');
  ranges.set(range('10.0.0.2-10.0.0.3'), 'b');
  ranges.set(range('10.0.0.3-10.0.0.4'), 'c');
  assert.deepEqual(ranges.networks(), {
    '10.0.0.0/31': 'a',
    '10.0.0.2/32': 'b',
    '10.0.0.3/32': 'c',
    '10.0.0.4/32': 'c',
    '10.0.0.5/32': 'a',
    '10.0.0.6/31': 'a',
  });
});

test('a range is removed as it is, or as what is left of it', () => {
  const ranges = new AddressRanges();
  ranges.set(range('10.0.0.0-10.0.0.3'), 'a');
  assert.equal(ranges.remove(range('10.0.0.0-10.0.0.1')), false);
  ranges.set(range('10.0.0.2-10.0.0.3'), 'b');
  assert.equal(ranges.remove(range('10.0.0.0-10.0.0.1')), true);
  assert.deepEqual(ranges.networks(), { '10.0.0.2/31': 'b' });
});

test('what is no range', () => {
  for (const text of [
    '10.0.0.1',
    '10.0.0.2-10.0.0.1',
    '10.0.0-10.0.0.1',
    '10.0.0.256-10.0.1.0',
    '::1-::2',
    '10.0.0.1-',
  ])
    assert.equal(rangeOf(text), null, text);
});
