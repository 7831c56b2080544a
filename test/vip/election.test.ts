/** Two nodes on one segment: who has the address, and how it moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsNamespaces, planOf, Segment, type VirtualNode } from './virtual-node.ts';

const ADDRESS = '192.168.15.3';

async function pair(segment: Segment, intervalUs: number): Promise<[VirtualNode, VirtualNode]> {
  const [first, second] = [segment.host(5), segment.host(6)];
  const nodes = await Promise.all([
    first.start(planOf({ priority: 150, intervalUs })),
    second.start(planOf({ priority: 100, intervalUs })),
  ]);
  await settled(nodes[0], nodes[1]);
  return nodes;
}

/** Whoever was there first may have been active for a moment. */
async function settled(active: VirtualNode, backup: VirtualNode): Promise<void> {
  await active.becomes('active');
  for (;;) {
    const [ours] = (await active.status()).status;
    const [theirs] = (await backup.status()).status;
    if (ours.state === 'active' && theirs.state === 'backup' && theirs.peers.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('the higher priority becomes active, and only that', needsNamespaces, async (t) => {
  const [lb01, lb02] = await pair(new Segment(t), 100_000);
  assert.ok(lb01.host.has(ADDRESS));
  assert.ok(!lb02.host.has(ADDRESS));
  const { status } = await lb02.status();
  assert.equal(status[0].state, 'backup');
  assert.equal(status[0].peers[0].address, '192.168.15.5');
});

test('kill -9 of the active node: the other takes over after its down interval', needsNamespaces, async (t) => {
  const [lb01, lb02] = await pair(new Segment(t), 100_000);
  const from = lb02.messages.length;
  lb01.kill();
  const { cause } = await lb02.becomes('active', undefined, from);
  assert.equal(cause, 'peer-silent');
  assert.ok(lb02.host.has(ADDRESS));
});

test('a clean stop: the other takes over first, then the address is removed', needsNamespaces, async (t) => {
  const [lb01, lb02] = await pair(new Segment(t), 1_000_000);
  const stopped = lb01.stop();
  await lb02.becomes('active');
  await stopped;
  assert.ok(!lb01.host.has(ADDRESS));
  assert.ok(lb02.host.has(ADDRESS));
  // Why it became active depends on which of the two was there first.
  assert.deepEqual(
    lb01.changes().map(({ to, cause }) => (to === 'active' ? to : `${to} ${cause}`)),
    ['backup start', 'active', 'leaving stop', 'initialize successor'],
  );
});
