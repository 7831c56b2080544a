import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { AnswerTimes } from './answer-times.ts';
import { endpoints } from './fixtures.test.ts';
import { Tier } from './tier.ts';

test('what is not known is always thought to be as quick as the quickest that is', () => {
  const list = endpoints(4);
  const tier = Tier.usable(list, false);
  const answer = fc.record({ position: fc.nat(2), afterMs: fc.nat(3_000), tookMs: fc.integer({ min: 1, max: 500 }) });
  fc.assert(
    fc.property(fc.array(answer, { minLength: 1 }), (answers) => {
      const times = new AnswerTimes(tier, list, null);
      const known = new Set<number>();
      let now = 0;
      for (const { afterMs, position, tookMs } of answers) {
        now += afterMs;
        times.note(tier.slots[position], now, tookMs);
        known.add(position);
        // picked just now: nothing of what is known is forgotten
        const means = [...known].map((one) => {
          times.handlePick(one, now);
          return times.expectedMs(one, now);
        });
        assert.equal(times.expectedMs(3, now), Math.min(...means));
      }
    }),
  );
});
