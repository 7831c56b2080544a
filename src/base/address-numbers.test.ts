import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Address } from './address.ts';
import { AddressNumbers } from './address-numbers.ts';

function address(port: number): Address {
  return { family: 4, host: '192.0.2.1', port };
}

test('the same address has one number until it was given back as often as it was taken', () => {
  const numbers = new AddressNumbers();
  const one = numbers.take(address(1), []);
  assert.equal(numbers.take(address(1), []), one);
  const other = numbers.take(address(1), [address(0)]);
  assert.notEqual(other, one);
  assert.equal(numbers.give(one), false);
  assert.equal(numbers.take(address(1), []), one);
  assert.equal(numbers.give(one), false);
  assert.equal(numbers.give(one), true);
  assert.throws(() => numbers.address(one), /forgotten/);
  assert.throws(() => numbers.give(one), /forgotten/);
  assert.equal(numbers.ring(other)?.sources.length, 1);
});

test('whatever is taken and given back: no two addresses have one number, and none is higher than there were at once', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(6)), { maxLength: 200 }), (steps) => {
      const numbers = new AddressNumbers();
      const uses = new Map<number, number[]>();
      let most = 0;
      for (const [isTaken, port] of steps) {
        const held = uses.get(port) ?? [];
        if (isTaken) held.push(numbers.take(address(port), []));
        else if (held.length > 0) assert.equal(numbers.give(held.pop() as number), held.length === 0);
        uses.set(port, held);
        const inUse = [...uses].filter(([, list]) => list.length > 0);
        most = Math.max(most, inUse.length);
        const distinct = new Set(inUse.map(([, list]) => list[0]));
        assert.equal(distinct.size, inUse.length);
        for (const [one, list] of inUse) {
          assert.deepEqual(numbers.address(list[0]), address(one));
          assert.ok(list[0] < most);
        }
      }
    }),
  );
});
