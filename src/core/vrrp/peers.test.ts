import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PeerTable } from './peers.ts';
import { heard } from './testing.ts';

test('A peer is there once, with its last advert and how many there were; the one heard last comes last', () => {
  const table = new PeerTable();
  const a = Uint8Array.of(192, 0, 2, 1);
  const b = Uint8Array.of(192, 0, 2, 2);
  table.heard(heard(100, { source: a }), 1);
  table.heard(heard(90, { source: b }), 2);
  table.heard(heard(0, { source: a }), 3);
  assert.deepEqual(
    table.list().map(({ address, priority, lastHeardUs, adverts }) => [address, priority, lastHeardUs, adverts]),
    [
      ['192.0.2.2', 90, 2, 1],
      ['192.0.2.1', 0, 3, 2],
    ],
  );
});

test('The table is bounded: the longest unheard peer is forgotten', () => {
  const table = new PeerTable();
  for (let i = 0; i < 20; i++) table.heard(heard(100, { source: Uint8Array.of(10, 0, 0, i) }), i);
  assert.equal(table.list().length, 16);
  assert.equal(table.list()[0].address, '10.0.0.4');
});
