import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Correspondents, DIRECT } from '../../base/correspondents.ts';
import { SourceShares } from './source-shares.ts';

function at(ip3: number): Correspondents {
  const to = { local0: 0, local1: 0, local2: 0, local3: 0, localPort: 0 };
  return { ip0: 0, ip1: 0, ip2: 0xffff, ip3, port: 1, ...to, ...DIRECT };
}

test('it counts as a map of lists does, whoever comes, is proven and goes', () => {
  const event = fc.record({ ip: fc.nat(20), kind: fc.constantFrom('enter', 'enter', 'prove', 'leave') });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 600, minLength: 300, size: 'max' }), (events) => {
      let capacity = 2;
      const shares = new SourceShares(capacity, 7);
      // By address: sessions that are not proven, and those that are.
      const model = new Map<number, [number[], number[]]>();
      let next = 0;
      for (const { ip, kind } of events) {
        const [unproven, proven] = model.get(ip) ?? [[], []];
        model.set(ip, [unproven, proven]);
        if (kind === 'enter') {
          if (next === capacity) {
            shares.grow();
            capacity *= 2;
          }
          shares.enter(next, at(ip));
          unproven.push(next++);
        } else if (kind === 'prove' && unproven.length > 0) {
          const session = unproven.splice(unproven.length >> 1, 1)[0];
          shares.prove(session);
          proven.push(session);
        } else if (kind === 'leave' && unproven.length + proven.length > 0) {
          const list = unproven.length > 0 ? unproven : proven;
          shares.leave(list.splice(list.length >> 1, 1)[0]);
        }
        for (const [address, [first, second]] of model) {
          const source = shares.find(at(address));
          assert.equal(shares.countOf(source), first.length + second.length);
          if (source >= 0) assert.equal(shares.oldestOf(source), first[0] ?? second[0]);
        }
        const most = Math.max(...Array.from(model.values(), ([first, second]) => first.length + second.length));
        assert.equal(shares.topCount, most);
        assert.equal(most === 0 ? -1 : shares.countOf(shares.top), most === 0 ? -1 : most);
        if (most === 0) assert.equal(shares.top, -1);
      }
    }),
    { numRuns: 30 },
  );
});
