import assert from 'node:assert/strict';
import { test } from 'node:test';
import { downIntervalUs } from './intervals.ts';
import { addressLifetimeS } from './lifetime.ts';
import { PROBE_US } from './probe.ts';

test('The life of an address ends before any peer asks for it or takes it, where the kernel counts finely enough', () => {
  const lifetimes: [number, number][] = [
    [10_000, 1],
    [100_000, 1],
    [450_000, 1],
    [750_000, 1],
    [1_000_000, 2],
    [2_000_000, 5],
    [10_000_000, 28],
    [40_950_000, 121],
  ];
  for (const [intervalUs, lifetimeS] of lifetimes) {
    assert.equal(addressLifetimeS(3, intervalUs), lifetimeS, `at ${intervalUs}`);
    assert.ok(lifetimeS * 1e6 > intervalUs, 'refreshed before it ends');
    if (intervalUs < 450_000) continue;
    assert.ok(lifetimeS * 1e6 + 200_000 <= downIntervalUs(3, 254, intervalUs) - PROBE_US, `at ${intervalUs}`);
  }
});
