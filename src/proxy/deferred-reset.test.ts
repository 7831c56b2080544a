/** A socket that is to be reset behind its last byte, before peers that read, read a little, and do not read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timers } from '../base/timers.ts';
import { TICK_MS } from '../base/limits.ts';
import type { Socket } from '../port/transport.ts';
import type { Context } from './context.ts';
import { DeferredReset } from './deferred-reset.ts';
import type { Expiring } from './expiring.ts';

const STALL_MS = 10_000;

/** How long, in ms, a peer that has `bytes` before it and takes `bytesPerS` is waited for, for `forMs` at most. */
function waitsFor(bytes: number, bytesPerS: number, forMs: number, pendingSegments = 0): number {
  const begun = 1_000;
  let now = begun;
  const timers = new Timers(now);
  let gone = 0;
  const socket = {
    pendingSegments,
    unacknowledgedBytes: bytes,
    resume: () => undefined,
    reset: () => undefined,
  };
  const transport = {
    get now() {
      return now;
    },
  };
  const isThere = (): boolean => gone === 0;
  const context = { transport, timers } as unknown as Context;
  DeferredReset.begin(context, socket as unknown as Socket, STALL_MS, () => gone++);
  while (isThere() && now < begun + forMs) {
    now += TICK_MS;
    socket.unacknowledgedBytes = Math.max(0, bytes - Math.floor(((now - begun) * bytesPerS) / 1000));
    timers.advance(now, { handleExpiry: (timed) => (timed as Expiring).handleExpiry(now) });
  }
  assert.ok(gone <= 1);
  return now - begun;
}

test('who has everything is not waited for', () => assert.equal(waitsFor(0, 0, 60_000), 0));

test('who reads is waited for to the last byte', () => {
  const tookMs = waitsFor(1_000_000, 20_000, 100_000);
  assert.ok(tookMs >= 50_000 && tookMs < 51_000, `${tookMs} ms`);
});

for (const [who, bytesPerS, pendingSegments] of [
  ['does not read', 0, 0],
  ['takes a byte now and then', 1, 0],
  ['does not read what has not even been sent', 0, 2],
] as const) {
  test(`who ${who} is not waited for any longer`, () => {
    const tookMs = waitsFor(1_000_000, bytesPerS, 600_000, pendingSegments);
    assert.ok(tookMs <= STALL_MS + TICK_MS, `${tookMs} ms`);
  });
}
