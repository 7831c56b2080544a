import assert from 'node:assert/strict';
import { test } from 'node:test';
import { peersChanges } from './peers-changes.ts';
import type { PeersPlan } from './peers.ts';

const A = { name: 'lb02', host: '192.0.2.2', port: 7946, fingerprint: 'sha256:a' };
const B = { name: 'lb03', host: '192.0.2.3', port: 7946, fingerprint: 'sha256:b' };
const PLAN: PeersPlan = { node: 'lb01', host: '192.0.2.1', port: 7946, peers: [A, B] };

test('what changes of the peers is told by their names', () => {
  assert.deepEqual(peersChanges(PLAN, PLAN), []);
  assert.deepEqual(peersChanges(PLAN, { ...PLAN, port: 7947, peers: [{ ...A, fingerprint: 'sha256:c', port: 1 }] }), [
    'peers: address of this node changed',
    'peer lb02: address changed',
    'peer lb02: fingerprint changed',
    'peer lb03 removed',
  ]);
  assert.deepEqual(peersChanges(null, PLAN), ['peer lb02 added', 'peer lb03 added']);
  assert.deepEqual(peersChanges(PLAN, null), ['peer lb02 removed', 'peer lb03 removed']);
});
