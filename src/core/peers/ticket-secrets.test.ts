import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TicketSecrets } from './ticket-secrets.ts';

test('all nodes make tickets with the secret of the first of them, and take those of all', () => {
  const ofFirst = new TicketSecrets();
  const ofSecond = new TicketSecrets();
  assert.ok(ofFirst.handleSecret('lb01', 'a'));
  assert.ok(ofSecond.handleSecret('lb02', 'b'));
  assert.deepEqual(ofSecond.list(), ['b'], 'alone, each has its own');
  assert.ok(ofFirst.handleSecret('lb02', 'b'));
  assert.ok(ofSecond.handleSecret('lb01', 'a'));
  assert.deepEqual(ofFirst.list(), ['a', 'b']);
  assert.deepEqual(ofSecond.list(), ['a', 'b']);
  assert.ok(!ofSecond.handleSecret('lb01', 'a'), 'it comes again');
  // The first one was restarted, twice.
  assert.ok(ofSecond.handleSecret('lb01', 'c'));
  assert.deepEqual(ofSecond.list(), ['c', 'b', 'a']);
  ofSecond.handleSecret('lb01', 'd');
  assert.deepEqual(ofSecond.list(), ['d', 'b', 'c']);
});
