import assert from 'node:assert/strict';
import { test } from 'node:test';
import { downIntervalUs } from './intervals.ts';
import { addressLifetimeS, RENEWAL_LATE_US_MAX, renewalsUs } from './lifetime.ts';
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

test('It is renewed between adverts too, never so late that it outlasts the patience of peers', () => {
  for (const version of [2, 3] as const) {
    for (let intervalUs = 10_000; intervalUs <= 40_000_000; intervalUs += 10_000) {
      if (version === 2 && intervalUs % 1e6 !== 0) continue;
      const lifetimeS = addressLifetimeS(version, intervalUs);
      const slackUs = lifetimeS > 5 ? 1_200_000 : 200_000;
      const patienceUs = downIntervalUs(version, 254, intervalUs) - PROBE_US;
      const times = renewalsUs(version, intervalUs);
      assert.ok(times.length <= 5, `${times.length} at ${intervalUs}`);
      for (const atUs of times) {
        assert.ok(atUs > 0 && atUs < intervalUs);
        assert.ok(atUs + RENEWAL_LATE_US_MAX + lifetimeS * 1e6 + slackUs <= patienceUs, `${atUs} at ${intervalUs}`);
      }
    }
  }
});

test('A process that stands still for 1.5 s, whenever that begins, keeps its addresses with adverts each second', () => {
  const times = [0, ...renewalsUs(3, 1_000_000), 1_000_000];
  for (let i = 1; i < times.length; i++) assert.ok(times[i] - times[i - 1] + 1_500_000 < 2_000_000);
});
