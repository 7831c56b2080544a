/** Other plans while virtual routers run, on this machine's kernel: what changes, and that nothing else does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VipPlan, VirtualRouterPlan } from '../../src/vip/plan.ts';
import { routerPlan } from '../../src/vip/testing/router-plan.ts';
import { Keepalived, needsKeepalived } from './keepalived.ts';
import { until } from '../waiting.ts';
import { needsNamespaces, planOf, Segment, signal, type VirtualNode } from './virtual-node.ts';

const FIRST = { address: '192.168.15.3', prefixLength: 24 };
const SECOND = { address: '192.168.15.4', prefixLength: 24 };
const FIRST_6 = [
  { address: 'fe80::15:3', prefixLength: 64 },
  { address: '2001:db8:15::3', prefixLength: 64 },
];
const FAST = { intervalUs: 200_000 };

async function hasStandby(node: VirtualNode): Promise<void> {
  while (!(await node.status()).process.hasStandby) await new Promise((resolve) => setTimeout(resolve, 20));
}

function changesSince(node: VirtualNode, from: number): string[] {
  return node.messages.slice(from).flatMap((message) => {
    return message.type === 'change' ? [`${message.change.router} ${message.change.from}>${message.change.to}`] : [];
  });
}

/** An active router and its backup. */
async function pair(segment: Segment, changes: Partial<VirtualRouterPlan> = {}): Promise<[VirtualNode, VirtualNode]> {
  const lb01 = await segment.host(5).start(planOf({ ...FAST, ...changes, priority: 150 }));
  await lb01.becomes('active');
  const lb02 = await segment.host(6).start(planOf({ ...FAST, ...changes, priority: 100 }));
  await lb02.hears(3);
  return [lb01, lb02];
}

for (const hasVirtualMac of [false, true]) {
  const where = hasVirtualMac ? 'on the virtual MAC' : "on the interface's own MAC";
  test(
    `addresses, intervals, priorities and guards change ${where}: nobody changes its role`,
    needsNamespaces,
    async (t) => {
      const [lb01, lb02] = await pair(new Segment(t), { hasVirtualMac });
      await hasStandby(lb01);
      const [ours, theirs] = [lb01.messages.length, lb02.messages.length];
      const pid = await lb01.vipPid();
      const base = { ...FAST, hasVirtualMac };
      const steps: readonly Partial<VirtualRouterPlan>[] = [
        { ...base, priority: 150, addresses: [FIRST, SECOND] },
        { ...base, priority: 160, addresses: [SECOND, FIRST], intervalUs: 1_000_000 },
        { ...base, priority: 160, addresses: [SECOND], intervalUs: 100_000 },
        { ...base, priority: 140, addresses: [FIRST], excluded: [SECOND], tracked: [eth0(0)] },
        { ...base, priority: 140, addresses: [FIRST], tracked: [eth0(5)], guard: gateway('192.168.15.6') },
      ];
      for (const step of steps) {
        const plan = planOf(step);
        await lb01.apply(plan);
        const [router] = plan.routers;
        const held = new Set([...router.addresses, ...router.excluded].map(({ address }) => address));
        for (const { address } of [FIRST, SECOND]) {
          const found = lb01.host.find(address);
          assert.equal(found.length, held.has(address) ? 1 : 0, `${address} after ${JSON.stringify(step)}`);
          for (const { valid_life_time: seconds } of found) assert.ok(seconds <= 3, `for ${seconds} s`);
        }
        await lb02.hears(4);
        assert.equal((await lb02.status()).status[0].peers.at(-1)?.priority, router.priority + weightOf(router));
      }
      assert.deepEqual(changesSince(lb01, ours), []);
      assert.deepEqual(changesSince(lb02, theirs), []);
      assert.equal(await lb01.vipPid(), pid);

      // The one that stands by knows the last plan too.
      signal(pid, 'SIGKILL');
      assert.equal((await lb01.becomes('active', undefined, ours)).cause, 'adopt');
      assert.ok(lb01.host.has(FIRST.address) && !lb01.host.has(SECOND.address));
      await lb02.hears(4);
      assert.deepEqual(changesSince(lb02, theirs), []);
    },
  );
}

test('IPv6 addresses come and go', needsNamespaces, async (t) => {
  const changes = { family: 6, addresses: FIRST_6.slice(0, 1) } as const;
  const [lb01, lb02] = await pair(new Segment(t), changes);
  const [ours, theirs] = [lb01.messages.length, lb02.messages.length];
  await lb01.apply(planOf({ ...FAST, ...changes, priority: 150, addresses: FIRST_6 }));
  assert.ok(lb01.host.has('2001:db8:15::3'));
  await lb01.apply(planOf({ ...FAST, ...changes, priority: 150 }));
  assert.ok(!lb01.host.has('2001:db8:15::3'));
  assert.ok(lb01.host.has('fe80::15:3'));
  await lb02.hears(4);
  assert.deepEqual([changesSince(lb01, ours), changesSince(lb02, theirs)], [[], []]);
});

test('a lower priority than the peer has: the peer takes over, as that asks for', needsNamespaces, async (t) => {
  const [lb01, lb02] = await pair(new Segment(t));
  const [ours, theirs] = [lb01.messages.length, lb02.messages.length];
  await lb01.apply(planOf({ ...FAST, priority: 50 }));
  await lb02.becomes('active', undefined, theirs);
  assert.equal((await lb01.becomes('backup', undefined, ours)).cause, 'higher-advert');
  await until(() => !lb01.host.has(FIRST.address));
});

test('whole routers come and go; one that goes is handed to the peer first', needsNamespaces, async (t) => {
  const [lb01, lb02] = await pair(new Segment(t));
  const second = routerPlan({ ...FAST, name: 'VI_2', virtualRouterId: 52, addresses: [SECOND] });
  const both = (priority: number): VipPlan => ({
    routers: [{ ...second, priority }, ...planOf({ ...FAST, priority }).routers],
  });
  const [ours, theirs] = [lb01.messages.length, lb02.messages.length];
  await lb01.apply(both(150));
  await lb01.becomes('active', 'VI_2', ours);
  await lb02.apply(both(100));
  await lb02.becomes('backup', 'VI_2', theirs);
  await until(() => lb01.host.has(SECOND.address));

  const later = lb02.messages.length;
  await lb01.apply({ routers: both(150).routers.slice(0, 1) });
  assert.equal((await lb02.becomes('active', 'VI_1', later)).cause, 'released');
  await lb01.becomes('initialize', 'VI_1', ours);
  await until(() => !lb01.host.has(FIRST.address));
  assert.ok(lb01.host.has(SECOND.address));
  assert.deepEqual(
    changesSince(lb01, ours).filter((line) => line.startsWith('VI_2')),
    ['VI_2 initialize>backup', 'VI_2 backup>active'],
  );

  // It comes back in another place of the plan, and is the better one.
  await lb01.apply(both(150));
  await lb01.becomes('active', 'VI_1', ours);
  assert.deepEqual((await lb01.status()).status.map(({ name, state }) => `${name} ${state}`).sort(), [
    'VI_1 active',
    'VI_2 active',
  ]);
});

test('another router-id is another router: the one leaves, then the other one begins', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  const from = node.messages.length;
  await node.apply(planOf({ ...FAST, virtualRouterId: 77 }));
  await node.becomes('active', undefined, from);
  assert.deepEqual(changesSince(node, from), [
    'VI_1 active>leaving',
    'VI_1 leaving>initialize',
    'VI_1 initialize>backup',
    'VI_1 backup>active',
  ]);
  assert.ok(host.has(FIRST.address));
});

test('an address that goes from one router to another is not lost on the way', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const plan = (first: typeof FIRST, second: typeof FIRST): VipPlan => ({
    routers: [
      routerPlan({ ...FAST, addresses: [first] }),
      routerPlan({ ...FAST, name: 'VI_2', virtualRouterId: 52, addresses: [second] }),
    ],
  });
  const node = await host.start(plan(FIRST, SECOND));
  await node.becomes('active', 'VI_1');
  await node.becomes('active', 'VI_2');
  const from = node.messages.length;
  await node.apply(plan(SECOND, FIRST));
  assert.ok(host.has(FIRST.address) && host.has(SECOND.address));
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.ok(host.has(FIRST.address) && host.has(SECOND.address));
  assert.deepEqual(
    node.messages.slice(from).filter(({ type }) => type === 'change' || type === 'evidence'),
    [],
  );
});

function eth0(weight: number): VirtualRouterPlan['tracked'][number] {
  return { name: 'interface eth0', weight, interfaceName: 'eth0' };
}

function gateway(address: string): VirtualRouterPlan['guard'] {
  return { probesAddresses: false, gateway: address, hasWitnesses: false, hasLease: false };
}

function weightOf({ tracked }: VirtualRouterPlan): number {
  return tracked.reduce((sum, { weight }) => sum + weight, 0);
}

test(
  'keepalived as the peer: it stays a backup through every change but the one that asks for it',
  needsKeepalived,
  async (t) => {
    const segment = new Segment(t);
    const node = await segment.host(5).start(planOf({ ...FAST, priority: 150 }));
    await node.becomes('active');
    const peer = new Keepalived(segment.host(6), { ...FAST, priority: 100 });
    t.after(() => peer.terminate());
    await peer.becomes('BACKUP');
    const ours = node.messages.length;
    for (const step of [
      { ...FAST, priority: 200 },
      // It believes a longer interval at once.
      { intervalUs: 1_000_000, priority: 200 },
      { intervalUs: 100_000, priority: 120, guard: gateway('192.168.15.6') },
      { ...FAST, priority: 101, tracked: [eth0(0)] },
    ]) {
      await node.apply(planOf(step));
      // Longer than it waits by any of them.
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      assert.deepEqual([peer.states(), changesSince(node, ours)], [['BACKUP'], []], JSON.stringify(step));
    }
    await node.apply(planOf({ ...FAST, priority: 50 }));
    await peer.becomes('MASTER');
    await node.becomes('backup', undefined, ours);
  },
);
