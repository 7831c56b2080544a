import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from './prng.ts';
import { SESSION_BYTES_MAX, TlsSessionTable } from './tls-session-table.ts';

const prng = new Prng(11);

function random(length: number): Uint8Array {
  return Uint8Array.from({ length }, () => prng.below(256));
}

function tables(): readonly [TlsSessionTable, TlsSessionTable, Uint8Array] {
  const memory = new ArrayBuffer(TlsSessionTable.bytes);
  return [new TlsSessionTable(memory), new TlsSessionTable(memory), new Uint8Array(memory)];
}

test('what one puts in the other one finds, until it is removed', () => {
  const [one, other, memory] = tables();
  const kept = Array.from({ length: 200 }, (_, i) => ({ id: random(32 - (i % 8)), session: random(i * 7) }));
  for (const { id, session } of kept) one.put(id, session, 1);
  for (const { id, session } of kept) assert.deepEqual(other.find(id)?.slice(), session);
  assert.equal(other.find(random(32)), null);
  one.put(kept[0].id, random(5), 2);
  assert.equal(other.find(kept[0].id)?.length, 5, 'in the place of the former one');
  for (const { id } of kept) other.remove(id);
  for (const { id } of kept) assert.equal(one.find(id), null);
  assert.ok(
    memory.every((byte) => byte === 0),
    'nothing is left',
  );
});

test('what is too long is not kept', () => {
  const [one] = tables();
  const id = random(32);
  one.put(id, random(SESSION_BYTES_MAX + 1), 1);
  assert.equal(one.find(id), null);
  one.put(random(33), random(5), 1);
  one.put(random(0), random(5), 1);
  one.put(id, random(SESSION_BYTES_MAX), 1);
  assert.equal(one.find(id)?.length, SESSION_BYTES_MAX);
});

test('a table that is full loses its oldest sessions, and never the latest', () => {
  const [one] = tables();
  const ids = Array.from({ length: TlsSessionTable.slots * 2 }, () => random(32));
  for (const [i, id] of ids.entries()) {
    one.put(id, id, i + 1);
    assert.deepEqual(one.find(id)?.slice(), id);
  }
  const found = ids.map((id) => one.find(id) !== null);
  const countIn = (from: number, to: number): number => found.slice(from, to).filter((isThere) => isThere).length;
  assert.ok(countIn(0, ids.length) > TlsSessionTable.slots * 0.99, 'the slots are in use');
  assert.ok(countIn(ids.length - 1000, ids.length) > 990);
  assert.ok(countIn(0, 1000) < 60);
});

test('whatever somebody hostile writes, no session is made of it, and nobody falls', () => {
  const [one, , memory] = tables();
  const ids = Array.from({ length: 300 }, () => random(32));
  for (const id of ids) one.put(id, random(200), 1);
  for (let round = 0; round < 20_000; round++) memory[prng.below(memory.length)] = prng.below(256);
  // Lengths and sums of all slots that are in use, too.
  for (let at = 0; at < memory.length; at += 2048) {
    if (memory[at + 7] === 0) continue;
    memory[at + prng.below(12)] ^= 1 + prng.below(255);
  }
  for (const id of ids) {
    assert.equal(one.find(id), null);
    one.put(id, id, 2);
    assert.deepEqual(one.find(id)?.slice(), id);
    one.remove(id);
  }
});
