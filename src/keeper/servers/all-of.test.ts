import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HealthPlan } from '../../config/plan/health.ts';
import { askAll } from './all-of.ts';
import type { ProbeResult } from './probe.ts';

const HEALTH = {
  probe: { kind: 'http', path: '/a' },
  address: { family: 4, host: '192.0.2.9' },
  port: null,
  tls: {},
  also: [
    { probe: { kind: 'http', path: '/b' }, port: null, isClear: false },
    { probe: { kind: 'tcp' }, port: 22, isClear: true },
  ],
} as unknown as HealthPlan;

async function asked(results: readonly ProbeResult[]): Promise<{ result: ProbeResult; ports: (number | null)[] }> {
  const left = [...results];
  const ports: (number | null)[] = [];
  const result = await askAll(HEALTH, ({ address, also, port, tls }) => {
    assert.equal(also, undefined);
    // the address of a part is its own
    assert.equal(address === undefined, ports.length > 0);
    assert.equal(tls === null, port === 22);
    ports.push(port);
    return Promise.resolve(left.shift()!);
  });
  return { result, ports };
}

const WELL: ProbeResult = { isPassed: true, reason: 'status 200' };

test('all parts have to pass, and what has failed is said with its reason', async () => {
  assert.deepEqual(await asked([{ ...WELL, weight: 7 }, WELL, { isPassed: true, reason: 'connected' }]), {
    result: { isPassed: true, reason: 'tcp on port 22: connected', weight: 7 },
    ports: [null, null, 22],
  });
  assert.deepEqual(await asked([WELL, { isPassed: false, reason: 'status 500' }]), {
    result: { isPassed: false, reason: 'http /b over TLS: status 500' },
    ports: [null, null],
  });
  assert.deepEqual(await asked([{ isPassed: null, reason: 'nothing is left' }]), {
    result: { isPassed: null, reason: 'nothing is left' },
    ports: [null],
  });
});
