import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientsWanted } from './descriptors.ts';

test('numbers that were given are meant, and defaults are bounds', () => {
  assert.equal(clientsWanted([], 20_000), 0);
  assert.equal(clientsWanted([20_000], 20_000), 5_000);
  assert.equal(clientsWanted([20_000, 20_000, 20_000], 20_000), 5_000, 'however many listeners');
  assert.equal(clientsWanted([12_000, 20_000, 9_000], 20_000), 21_000);
  assert.equal(clientsWanted([100, 20_000], 20_000), 5_000);
  assert.equal(clientsWanted([100, 30_000], 20_000), 30_100);
});
