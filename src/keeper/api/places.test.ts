import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASKING_MAX, Places, SILENT_MAX } from './places.ts';

function placesOf(): { readonly places: Places<string>; readonly dropped: string[] } {
  const dropped: string[] = [];
  return { places: new Places((connection) => dropped.push(connection)), dropped };
}

test('who says nothing makes room for the next one, and who has asked does not', () => {
  const { places, dropped } = placesOf();
  places.take('asks');
  assert.ok(places.admit('asks', false));
  for (let i = 0; i < SILENT_MAX + 2; i++) places.take(`s${i}`);
  assert.deepEqual(dropped, ['s0', 's1']);
});

test('who has a token takes the place of one who has none, and nobody else does', () => {
  const { places, dropped } = placesOf();
  const ask = (name: string, isKnown: boolean): boolean => {
    places.take(name);
    return places.admit(name, isKnown);
  };
  for (let i = 0; i < ASKING_MAX; i++) assert.ok(ask(`a${i}`, false));
  assert.equal(ask('late', false), false);
  assert.deepEqual(dropped, []);
  for (let i = 0; i < ASKING_MAX; i++) assert.ok(ask(`t${i}`, true));
  assert.deepEqual(dropped.length, ASKING_MAX);
  assert.equal(ask('token too', true), false);
  places.give('t0');
  assert.ok(ask('token now', true));
});

test('who has ended takes no place, though its request comes to be looked at after that', () => {
  const { places } = placesOf();
  for (let i = 0; i < ASKING_MAX; i++) {
    places.take(`a${i}`);
    places.give(`a${i}`);
    assert.equal(places.admit(`a${i}`, false), false);
  }
  places.take('late');
  assert.ok(places.admit('late', false));
});
