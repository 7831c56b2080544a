import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Address, addressText } from '../../base/address.ts';
import { assignAddresses } from './addresses.ts';

const at = (last: number): Address => ({ family: 4, host: `192.0.2.${last}`, port: 80 });
const texts = (slots: readonly (Address | null)[]): (string | null)[] =>
  slots.map((address) => (address === null ? null : addressText(address).slice('192.0.2.'.length, -':80'.length)));

test('an empty answer changes nothing', () => {
  assert.equal(assignAddresses([at(1), at(2)], []), null);
  assert.equal(assignAddresses([null, null], []), null);
});

test('the same addresses in another order change nothing', () => {
  assert.equal(assignAddresses([at(1), at(2), null], [at(2), at(1)]), null);
});

test('an address keeps its slot while others come and go', () => {
  const change = assignAddresses([at(1), at(2), at(3), null], [at(9), at(3), at(1)])!;
  assert.deepEqual(texts(change.slots), ['1', null, '3', '9']);
  assert.deepEqual(texts(change.added), ['9']);
  assert.deepEqual(texts(change.removed), ['2']);
});

test('a slot that was just left is taken again only if there is no other', () => {
  assert.deepEqual(texts(assignAddresses([at(1), null], [at(2)])!.slots), [null, '2']);
  assert.deepEqual(texts(assignAddresses([at(1)], [at(2)])!.slots), ['2']);
});

test('more addresses than slots: those in use stay, the rest is told', () => {
  const change = assignAddresses([at(1), null], [at(5), at(4), at(3), at(1)])!;
  assert.deepEqual(texts(change.slots), ['1', '5']);
  assert.equal(change.surplus, 2);
});

test('whatever is answered, slots hold answered addresses once each, as many as fit, and nobody moves', () => {
  const answer = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 20 }), (answers) => {
      let slots: readonly (Address | null)[] = [null, null, null, null, null];
      for (const numbers of answers) {
        const before = texts(slots);
        const change = assignAddresses(slots, numbers.map(at));
        if (change !== null) slots = change.slots;
        const now = texts(slots);
        if (numbers.length === 0) {
          assert.deepEqual(now, before);
          continue;
        }
        const wanted = new Set(numbers.map(String));
        const held = now.filter((text) => text !== null);
        assert.ok(held.every((text) => wanted.has(text)));
        assert.equal(held.length, Math.min(wanted.size, slots.length));
        assert.equal(new Set(held).size, held.length);
        before.forEach((text, i) => {
          if (text !== null && wanted.has(text)) assert.equal(now[i], text);
        });
      }
    }),
  );
});
