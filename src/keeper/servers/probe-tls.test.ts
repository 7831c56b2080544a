import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServersTlsPlan } from '../../config/plan.ts';
import { NO_MATERIAL } from '../../port/tls.ts';
import { ProbeContexts } from './probe-tls.ts';

const PLAN = {
  credential: 'own',
  trust: null,
  versions: ['1.2'],
  ciphers: '',
  suites: '',
} as unknown as ServersTlsPlan;

test('what OpenSSL does not take fails the check, and nothing else', () => {
  const contexts = new ProbeContexts();
  const noBytes = new Uint8Array(3);
  const credentials = [{ id: 'own', chain: [noBytes], key: noBytes, staple: null }];
  const reason = contexts.of(PLAN, { ...NO_MATERIAL, credentials });
  assert.equal(typeof reason, 'string');
  assert.notEqual(typeof contexts.of({ ...PLAN, credential: null }, NO_MATERIAL), 'string');
});
