import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { probeUring } from './probe.ts';

test('the probe says yes, or why not and what to do', () => {
  const probe = probeUring();
  if (probe.ok) return;
  assert.ok(probe.reason.length > 0);
  assert.ok(probe.remedy.length > 0);
});

test('the probe leaves no descriptor behind', { skip: process.platform !== 'linux' }, () => {
  const before = readdirSync('/proc/self/fd').length;
  for (let i = 0; i < 20; i++) probeUring();
  assert.equal(readdirSync('/proc/self/fd').length, before);
});
