import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandshakeRate, sourceOf } from './handshake-rate.ts';

/** How many of so many are admitted. */
function admitted(rate: HandshakeRate, count: number, now: number, source = 'a', isResuming = false): number {
  return Array.from({ length: count }, () => rate.admit(now, source, isResuming)).filter(Boolean).length;
}

test('a second of handshakes may come at once, and later ones as time passes', () => {
  const rate = new HandshakeRate({ perSecond: 10, perSource: 0 });
  assert.equal(admitted(rate, 20, 5_000), 10);
  assert.equal(admitted(rate, 20, 5_300, 'b'), 3);
  assert.equal(admitted(rate, 20, 60_000), 10);
});

test('one source does not take what others may have', () => {
  const rate = new HandshakeRate({ perSecond: 0, perSource: 2 });
  assert.equal(admitted(rate, 5, 0, 'a'), 2);
  assert.equal(admitted(rate, 5, 0, 'b'), 2);
  assert.equal(admitted(rate, 5, 500, 'a'), 1);
  assert.equal(admitted(rate, 5, 500, ''), 5);
});

test('what is resumed takes nothing, and what only said so is charged', () => {
  const rate = new HandshakeRate({ perSecond: 0, perSource: 2 });
  assert.equal(admitted(rate, 50, 0, 'a', true), 50);
  for (let i = 0; i < 3; i++) rate.charge(0, 'a');
  assert.equal(admitted(rate, 5, 0, 'a', true), 0);
  assert.equal(admitted(rate, 5, 0, 'b', true), 5);
  assert.equal(admitted(rate, 5, 500, 'a', true), 5);
  assert.equal(admitted(rate, 5, 1_000, 'a'), 1);
});

test('without limits nothing is refused', () => {
  const rate = new HandshakeRate({ perSecond: 0, perSource: 0 });
  assert.equal(rate.isLimited, false);
  assert.equal(admitted(rate, 100, 0), 100);
});

test('sources are forgotten when they may begin as many as ever', () => {
  const rate = new HandshakeRate({ perSecond: 0, perSource: 4 });
  const { sources } = rate as unknown as { readonly sources: ReadonlyMap<string, unknown> };
  for (let i = 0; i < 1_000; i++) rate.admit(0, `${i}`, false);
  assert.equal(sources.size, 1_000);
  rate.admit(2_000, 'x', false);
  assert.equal(sources.size, 1);
});

test('one source that is deep in debt does not keep others from being forgotten, and is not forgotten itself', () => {
  const rate = new HandshakeRate({ perSecond: 0, perSource: 4 });
  const { sources } = rate as unknown as { readonly sources: ReadonlyMap<string, unknown> };
  for (let i = 0; i < 400; i++) rate.charge(0, 'debtor');
  for (let second = 1; second <= 50; second++) {
    for (let i = 0; i < 100; i++) rate.admit(second * 1_000, `${second} ${i}`, false);
  }
  assert.equal(sources.size, 101);
  assert.equal(admitted(rate, 5, 98_000, 'debtor', true), 0);
  assert.equal(admitted(rate, 5, 100_000, 'debtor'), 4);
});

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function v4(last: string): string {
  return sourceOf(bytes(`00000000000000000000ffffc00002${last}`));
}

function v6(network: string, host: string): string {
  return sourceOf(bytes(`20010db8000000${network}00000000000000${host}`));
}

test('a source is an IPv4 address, or an IPv6 network of 64 bits', () => {
  assert.notEqual(v4('01'), v4('02'));
  assert.equal(v4('01').length, 4);
  assert.equal(v6('01', '01'), v6('01', '02'));
  assert.notEqual(v6('01', '01'), v6('02', '01'));
  assert.equal(sourceOf(new Uint8Array(16)), '');
});
