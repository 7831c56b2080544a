import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SegmentTable } from './segments.ts';

test('queues in one table behave like arrays of their own', () => {
  const step = fc.record({ queue: fc.nat(3), take: fc.boolean(), slot: fc.nat(9), length: fc.nat(100_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 2000, size: 'max' }), (steps) => {
      const table = new SegmentTable();
      const models: { slot: number; length: number }[][] = [[], [], [], []];
      const firsts = [-1, -1, -1, -1];
      const lasts = [-1, -1, -1, -1];
      for (const { queue, take, slot, length } of steps) {
        const model = models[queue];
        if (!take) {
          const node = table.allocate(slot, slot * 7, length);
          if (firsts[queue] < 0) firsts[queue] = node;
          else table.append(lasts[queue], node);
          lasts[queue] = node;
          model.push({ slot, length });
        } else if (model.length > 0) {
          const first = firsts[queue];
          assert.deepEqual({ slot: table.slot(first), length: table.length(first) }, model.shift());
          assert.equal(table.offset(first), table.slot(first) * 7);
          firsts[queue] = table.remove(first);
          assert.equal(firsts[queue] < 0, model.length === 0);
        }
      }
    }),
    { numRuns: 50 },
  );
});
