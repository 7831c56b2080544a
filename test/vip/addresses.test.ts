/** Addresses on this machine: when they appear, and that they go, whatever happens to the process that owns them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routerPlan } from '../../src/vip/testing/router-plan.ts';
import { until } from '../waiting.ts';
import { needsNamespaces, planOf, Segment, signal } from './virtual-node.ts';

const ADDRESS = '192.168.15.3';
/** Becomes active within a third of a second. */
const FAST = { intervalUs: 100_000 };
const ADDRESSES_6 = [
  { address: 'fe80::15:3', prefixLength: 64 },
  { address: '2001:db8:15::3', prefixLength: 64 },
];

test(
  'the active router has the address with a lifetime that is lengthened with the adverts',
  needsNamespaces,
  async (t) => {
    const host = new Segment(t).host(5);
    const node = await host.start(planOf(FAST));
    await node.becomes('active');
    // In whole seconds.
    for (let i = 0; i < 15; i++) {
      const [info] = host.find(ADDRESS);
      assert.equal(info.link, 'eth0');
      assert.equal(info.prefixlen, 32);
      assert.equal(info.valid_life_time, 1);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  },
);

test('a clean stop removes it at once', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  await node.stop();
  assert.equal(host.has(ADDRESS), false);
});

test('kill -9 of all its processes: the kernel removes it', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  node.kill();
  // The lifetime is a second; a machine that is slow to look has some more.
  const tookMs = await until(() => !host.has(ADDRESS));
  assert.ok(tookMs < 5_000, `${tookMs} ms`);
});

test('all its processes are stopped: the kernel removes it', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  const pid = await node.vipPid();
  signal(node.keeper.pid!, 'SIGSTOP');
  signal(pid, 'SIGSTOP');
  // The lifetime is a second; a machine that is slow to look has some more.
  const tookMs = await until(() => !host.has(ADDRESS));
  assert.ok(tookMs < 5_000, `${tookMs} ms`);
});

test('all its processes stand still for 1.5 s: it keeps the address, whenever that is', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf({ priority: 255 }));
  await node.becomes('active');
  while (!(await node.status()).process.hasStandby) await new Promise((resolve) => setTimeout(resolve, 20));
  const pids = [node.keeper.pid!, ...node.children()];
  let frozenMsMax = 0;
  for (let i = 0; i < 5; i++) {
    // Another part of the interval each time.
    await node.sends(1);
    await new Promise((resolve) => setTimeout(resolve, i * 200));
    const from = performance.now();
    for (const pid of pids) signal(pid, 'SIGSTOP');
    while (performance.now() - from < 1_500) {
      const isThere = host.has(ADDRESS);
      // A machine that is slow to look has seen what was there later.
      if (performance.now() - from < 1_550) assert.ok(isThere);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const pid of pids) signal(pid, 'SIGCONT');
    frozenMsMax = Math.max(frozenMsMax, performance.now() - from);
  }
  await node.sends(2);
  const evidence = node.messages.flatMap((message) => (message.type === 'evidence' ? [message.evidence.kind] : []));
  if (frozenMsMax < 1_600) assert.deepEqual(evidence, []);
  assert.ok(!evidence.includes('address-removed'));
  assert.equal(node.changes().at(-1)?.to, 'active');
});

test(
  'a keeper that stands still for ten seconds has its addresses handed over, and gets them again',
  needsNamespaces,
  async (t) => {
    const host = new Segment(t).host(5);
    const node = await host.start(planOf(FAST));
    await node.becomes('active');
    signal(node.keeper.pid!, 'SIGSTOP');
    const tookMs = await until(() => !host.has(ADDRESS));
    assert.ok(tookMs > 8_000, `${tookMs} ms`);
    const from = node.messages.length;
    signal(node.keeper.pid!, 'SIGCONT');
    await node.becomes('active', 'VI_1', from);
    await until(() => host.has(ADDRESS));
  },
);

test('an address that somebody removes is put back at once, and told', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf());
  await node.becomes('active');
  host.ip('address', 'delete', `${ADDRESS}/32`, 'dev', 'eth0');
  await until(() => host.has(ADDRESS));
  await node.told((message) => message.type === 'evidence' && message.evidence.kind === 'address-removed');
  assert.equal(node.changes().at(-1)?.to, 'active');
});

test('what was just added and is told of later was not removed by anybody', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const four = routerPlan({ ...FAST, group: 'both' });
  const six = routerPlan({ ...FAST, group: 'both', name: 'VI_6', family: 6, addresses: ADDRESSES_6 });
  // At one moment: the kernel tells of the IPv4 address at once, and of those of IPv6 when it comes to them.
  const node = await host.start({ routers: [four, six] });
  await node.becomes('active', 'VI_1');
  await node.becomes('active', 'VI_6');
  await until(() => ADDRESSES_6.every(({ address }) => host.has(address)));
  await node.status();
  assert.deepEqual(
    node.messages.filter(({ type }) => type === 'evidence'),
    [],
  );
  host.ip('address', 'delete', 'fe80::15:3/64', 'dev', 'eth0');
  await until(() => host.has('fe80::15:3'));
  await node.told((message) => message.type === 'evidence' && message.evidence.kind === 'address-removed');
});

test('every address of a router is there, those of another network with their route', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const addresses = [
    { address: ADDRESS, prefixLength: 24 },
    { address: '10.9.8.7', prefixLength: 28 },
    { address: '192.168.15.4', prefixLength: 32 },
  ];
  const node = await host.start(planOf({ ...FAST, addresses }));
  await node.becomes('active');
  for (const { address } of addresses) assert.equal(host.find(address)[0].prefixlen, 32);
  const routes = host.ip('route', 'show');
  assert.match(routes, /^10\.9\.8\.0\/28 dev eth0 proto 112 scope link src 10\.9\.8\.7 metric/m);
  assert.equal(routes.match(/^192\.168\.15\.0\/24/gm)?.length, 1);
  await node.stop();
  for (const { address } of addresses) assert.equal(host.has(address), false);
  assert.doesNotMatch(host.ip('route', 'show'), /10\.9\.8\.0/);
});

test('the loss of the carrier is a fault, and its return begins an election', needsNamespaces, async (t) => {
  const segment = new Segment(t);
  const host = segment.host(5);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  segment.setPort(host.port, false);
  assert.equal((await node.becomes('fault')).cause, 'fault');
  assert.equal(host.has(ADDRESS), false);
  const from = node.messages.length;
  segment.setPort(host.port, true);
  await node.becomes('active', undefined, from);
  assert.ok(host.has(ADDRESS));
});

test('an interface that is removed and made again is used again', needsNamespaces, async (t) => {
  const segment = new Segment(t);
  const host = segment.host(5);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  host.ip('link', 'delete', 'eth0');
  await node.becomes('fault');
  const from = node.messages.length;
  segment.connect(host.name, host.port, `${host.address}/24`);
  await node.becomes('active', undefined, from);
  assert.ok(host.has(ADDRESS));
});

test('an interface that is not there yet is waited for', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf({ ...FAST, interfaceName: 'late0' }));
  await node.becomes('fault');
  assert.match(node.log, /there is no interface late0 now/);
  host.ip('link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'late1');
  host.ip('address', 'add', '192.168.15.77/24', 'dev', 'late0');
  host.ip('link', 'set', 'late1', 'up');
  host.ip('link', 'set', 'late0', 'up');
  await node.becomes('active');
  assert.equal(host.find(ADDRESS)[0].link, 'late0');
});

test("the interface's own address is another one: adverts come from that", needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  host.ip('address', 'add', '192.168.15.55/24', 'dev', 'eth0');
  host.ip('address', 'delete', '192.168.15.5/24', 'dev', 'eth0');
  const sourceIs = async (source: string): Promise<boolean> => (await node.status()).status[0].source === source;
  await until(() => sourceIs('192.168.15.55'));
  // The kernel may have removed both with the first one; then the virtual one was put back.
  await until(() => host.has(ADDRESS));
  assert.equal((await node.status()).status[0].state, 'active');
});

test(
  'a tracked interface that loses its carrier is a fault at once, while the keeper stands still',
  needsNamespaces,
  async (t) => {
    const host = new Segment(t).host(5);
    host.ip('link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'other');
    host.ip('link', 'set', 'other', 'up');
    host.ip('link', 'set', 'eth1', 'up');
    const tracked = [{ name: 'interface eth1', weight: 0, interfaceName: 'eth1' }];
    // Nothing is due by itself for a long time.
    const node = await host.start(planOf({ tracked, priority: 255, intervalUs: 40_000_000 }));
    await node.becomes('active');
    signal(node.keeper.pid!, 'SIGSTOP');
    host.ip('link', 'set', 'other', 'down');
    await until(() => !host.has(ADDRESS));
    signal(node.keeper.pid!, 'SIGCONT');
    const { cause, detail } = await node.becomes('fault');
    assert.deepEqual([cause, detail], ['fault', 'interface eth1']);
    await node.logged(/interface eth1 fails: no carrier/);
    const { status } = await node.status();
    assert.equal(status[0].tracked[0].seen?.detail, 'no carrier');
    const from = node.messages.length;
    host.ip('link', 'delete', 'eth1');
    await node.logged(/interface eth1 fails: there is no such interface/);
    host.ip('link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'other');
    host.ip('link', 'set', 'other', 'up');
    host.ip('link', 'set', 'eth1', 'up');
    assert.equal((await node.becomes('backup', undefined, from)).cause, 'fault-cleared');
  },
);
