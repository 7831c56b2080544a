import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingCapabilities, missingIn } from './capabilities.ts';

const WANTED = ['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_NET_BIND_SERVICE'] as const;

test('exactly those that are missing are named', () => {
  assert.deepEqual(missingIn('Name:\tx\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n', WANTED), []);
  assert.deepEqual(missingIn('CapEff:\t0000000000000000\n', WANTED), [...WANTED]);
  assert.deepEqual(missingIn('CapEff:\t0000000000003400\n', WANTED), []);
  assert.deepEqual(missingIn('CapEff:\t0000000000001400\n', WANTED), ['CAP_NET_RAW']);
});

test('where nothing is known nothing is missing', () => {
  assert.deepEqual(missingIn('', WANTED), []);
});

test('this process has some set of them', { skip: process.platform === 'linux' ? false : 'needs Linux' }, () => {
  assert.ok(missingCapabilities(WANTED).length <= 3);
});
