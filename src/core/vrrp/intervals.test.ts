import assert from 'node:assert/strict';
import { test } from 'node:test';
import { downIntervalUs, longestSkewUs, skewUs } from './intervals.ts';

test('RFC 9568 6.1: Skew_Time is a part of the active interval, and never zero', () => {
  assert.equal(skewUs(3, 100, 1_000_000), 609_375);
  assert.equal(skewUs(3, 254, 10_000), 79);
  assert.equal(skewUs(3, 255, 10_000), 40);
  assert.equal(downIntervalUs(3, 100, 1_000_000), 3_609_375);
  assert.equal(longestSkewUs(3, 1_000_000), 996_094);
});

test('RFC 3768 6.1: in version 2 it is a part of a second, whatever the interval', () => {
  assert.equal(skewUs(2, 100, 5_000_000), 609_375);
  assert.equal(downIntervalUs(2, 100, 5_000_000), 15_609_375);
});
