import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lobby } from './lobby.ts';

const PEER = '192.0.2.1';

/** Enters these one after the other, `ADDRESS PORT` each. Returns who had to go. */
function enter(lobby: Lobby<string>, ...keys: readonly string[]): readonly (string | null)[] {
  return keys.map((key) => {
    const [address] = key.split(' ');
    return lobby.enter(key, key, address, address === PEER);
  });
}

test('of whom there are the most, the one goes that waits longest', () => {
  const lobby = new Lobby<string>(4);
  assert.deepEqual(enter(lobby, 'b 1', 'a 1', 'a 2', 'a 3'), [null, null, null, null]);
  assert.deepEqual(enter(lobby, 'a 4', 'c 1', 'c 2', 'd 1'), ['a 1', 'a 2', 'a 3', 'c 1']);
  assert.deepEqual(enter(lobby, 'e 1'), ['b 1'], 'none has more than another one');
});

test('a peer has a place, however many strangers come from however many addresses', () => {
  const lobby = new Lobby<string>(4);
  enter(lobby, `${PEER} 1`);
  for (let i = 0; i < 1_000; i++) {
    const [gone] = enter(lobby, `${i % 7} ${i}`);
    assert.notEqual(gone, `${PEER} 1`);
    assert.equal(gone === null, i < 3);
  }
  const [gone] = enter(lobby, `${PEER} 2`);
  assert.ok(gone !== null && !gone.startsWith(PEER));
});

test('who has shown a key, or is gone, leaves the place to another one', () => {
  const lobby = new Lobby<string>(2);
  enter(lobby, `${PEER} 1`, `${PEER} 2`);
  lobby.leave(`${PEER} 1`);
  assert.deepEqual(enter(lobby, `${PEER} 3`), [null]);
  assert.deepEqual(enter(lobby, `${PEER} 4`), [`${PEER} 2`], 'also with one of them alone');
  assert.deepEqual(enter(lobby, 'a 1'), ['a 1']);
});
