import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressLifetimeS, downIntervalUs, longestSkewUs, skewUs } from './intervals.ts';

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

test('The life of an address ends before the most impatient peer takes over, where the kernel counts finely enough', () => {
  const lifetimes: [number, number][] = [
    [10_000, 1],
    [100_000, 1],
    [400_000, 1],
    [1_000_000, 2],
    [2_000_000, 5],
    [10_000_000, 28],
    [40_950_000, 121],
  ];
  for (const [intervalUs, lifetimeS] of lifetimes) {
    assert.equal(addressLifetimeS(3, intervalUs), lifetimeS, `at ${intervalUs}`);
    if (intervalUs < 400_000) continue;
    assert.ok(lifetimeS * 1e6 + 200_000 < downIntervalUs(3, 254, intervalUs));
    assert.ok(lifetimeS * 1e6 > intervalUs, 'refreshed before it ends');
  }
});
