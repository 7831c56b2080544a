import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressText } from '../../base/address.ts';
import type { Plan } from '../../config/plan/plan.ts';
import { bucketsOf, type KnownServer, rulesOf, takersOf } from './plan-rules.ts';

function server(number: number, more: Partial<KnownServer> = {}): KnownServer {
  return {
    address: { family: 4, host: `10.9.2.${number}`, port: 22 },
    isUp: true,
    weight: 256,
    isBackup: false,
    ...more,
  };
}

function owners(servers: readonly KnownServer[], family: 4 | 6 = 4, directPort: number | null = null): Set<string> {
  const buckets = bucketsOf(takersOf(servers, { family, directPort }), 16_361);
  return new Set(buckets.map((address) => (address === null ? 'nobody' : addressText(address))));
}

test('backups have buckets while nobody else is up', () => {
  const backup = server(3, { isBackup: true });
  assert.deepEqual(owners([server(1), server(2), backup]), new Set(['10.9.2.1:22', '10.9.2.2:22']));
  assert.deepEqual(owners([server(1, { isUp: false }), backup]), new Set(['10.9.2.3:22']));
});

test('a server that is down, or of weight 0, or of the other family has none', () => {
  const six: KnownServer = server(1, { address: { family: 6, host: 'fd09::1', port: 22 } });
  assert.deepEqual(
    owners([server(1), server(2, { isUp: false }), server(3, { weight: 0 }), six]),
    new Set(['10.9.2.1:22']),
  );
  assert.deepEqual(owners([server(1), six], 6), new Set(['[fd09::1]:22']));
  assert.deepEqual(owners([server(1, { isUp: false })]), new Set(['nobody']));
});

test('an address that stands there twice has both weights', () => {
  const [only] = takersOf([server(1), server(1, { weight: 512 })], { family: 4, directPort: null });
  assert.equal(only.weight, 768);
});

test('what is sent on as it is goes to no other port', () => {
  const other = server(2, { address: { family: 4, host: '10.9.2.2', port: 2222 } });
  assert.deepEqual(owners([server(1), other], 4, 22), new Set(['10.9.2.1:22']));
});

function sizeWith(count: number, discovery: object | undefined): number {
  const servers = Array.from({ length: count }, () => ({}));
  const upstream = { name: 'web', slot: 0, servers, discovery };
  const listener = { inKernel: 'nat', upstream: 0, binds: [{ address: server(1).address, isUdp: false }] };
  return rulesOf({ listeners: [listener], upstreams: [upstream] } as unknown as Plan, () => []).maps[0].size;
}

test('tables have one size however many servers are found', () => {
  assert.deepEqual(
    [3, 40].map((count) => sizeWith(count, {})),
    [65_537, 65_537],
  );
  assert.deepEqual(
    [3, 40].map((count) => sizeWith(count, undefined)),
    [16_361, 65_537],
  );
});
