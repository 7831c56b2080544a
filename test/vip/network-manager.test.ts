/**
 * What a network manager does to an interface while a router is active on it, with a client that uses the virtual address.
 * A network manager may do all of it at any time, and means no harm.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { VirtualRouterPlan } from '../../src/vip/plan.ts';
import { until } from '../waiting.ts';
import { type Host, needsNamespaces, planOf, Segment, type VirtualNode } from './virtual-node.ts';

const ADDRESS = '192.168.15.3';
const FAST = { intervalUs: 100_000 };

interface Scene {
  readonly segment: Segment;
  readonly host: Host;
  readonly client: Host;
  readonly node: VirtualNode;
}

/** `promotes`: as systemd sets it; 0 is the kernel's own default. */
async function play(
  t: TestContext,
  changes: Partial<VirtualRouterPlan> = {},
  prepare: (host: Host) => void = () => undefined,
): Promise<Scene> {
  const segment = new Segment(t);
  const [host, client] = [segment.host(5), segment.host(6)];
  prepare(host);
  const node = await host.start(planOf({ ...FAST, ...changes }));
  await node.becomes('active');
  await until(() => client.reaches(ADDRESS));
  return { segment, host, client, node };
}

/** It was active all the time, and is used; this machine reaches its segment too. */
async function isUntouched({ client, host, node }: Scene): Promise<void> {
  await until(() => client.reaches(ADDRESS) && host.reaches(client.address));
  assert.deepEqual(
    node.changes().map(({ to }) => to),
    ['backup', 'active'],
  );
}

for (const promotes of [0, 1]) {
  test(
    `the own address is changed, the new one first (promote_secondaries ${promotes} before)`,
    needsNamespaces,
    async (t) => {
      const scene = await play(t, {}, (host) => {
        host.run('sysctl', '-qw', `net.ipv4.conf.eth0.promote_secondaries=${promotes}`);
      });
      const { host, node } = scene;
      host.ip('address', 'add', '192.168.15.55/24', 'dev', 'eth0');
      host.ip('address', 'delete', '192.168.15.5/24', 'dev', 'eth0');
      await until(async () => (await node.status()).status[0].source === '192.168.15.55');
      await isUntouched(scene);
      assert.match(
        host.ip('route', 'show'),
        /^192\.168\.15\.0\/24 dev eth0 proto kernel scope link src 192\.168\.15\.55/m,
      );
      assert.doesNotMatch(host.ip('address', 'show', 'dev', 'eth0'), /inet 192\.168\.15\.3\/\d+.* secondary/);
    },
  );
}

test('the own address is changed, the old one removed first', needsNamespaces, async (t) => {
  const scene = await play(t);
  const { host, node } = scene;
  host.ip('address', 'delete', '192.168.15.5/24', 'dev', 'eth0');
  while ((await node.status()).status[0].source !== '192.168.15.5');
  host.ip('address', 'add', '192.168.15.55/24', 'dev', 'eth0');
  while ((await node.status()).status[0].source !== '192.168.15.55');
  await isUntouched(scene);
  assert.match(host.ip('route', 'show'), /^192\.168\.15\.0\/24 dev eth0 proto kernel scope link src 192\.168\.15\.55/m);
});

test('all addresses are flushed and the own one added again', needsNamespaces, async (t) => {
  const scene = await play(t);
  scene.host.ip('address', 'flush', 'dev', 'eth0');
  scene.host.ip('address', 'add', '192.168.15.5/24', 'dev', 'eth0');
  await isUntouched(scene);
});

test(
  'the own address does not come back: a release, and the peer takes over after its skew',
  needsNamespaces,
  async (t) => {
    const segment = new Segment(t);
    const [first, second] = [segment.host(5), segment.host(6)];
    // A peer that hears no release would wait for half a minute.
    const slow = { intervalUs: 10_000_000 };
    const node = await first.start(planOf({ ...slow, priority: 255 }));
    await node.becomes('active');
    const peer = await second.start(planOf({ ...slow, priority: 250 }));
    await peer.hears(1);
    const from = performance.now();
    first.ip('address', 'delete', '192.168.15.5/24', 'dev', 'eth0');
    const { detail } = await node.becomes('fault');
    assert.equal(detail, 'eth0 has no IPv4 address of its own');
    await peer.becomes('active');
    const tookMs = performance.now() - from;
    assert.ok(tookMs < 15_000, `${tookMs} ms`);
  },
);

test(
  'the routes of the interface are flushed: the one to a network of its own is put back',
  needsNamespaces,
  async (t) => {
    const scene = await play(t, {
      addresses: [
        { address: ADDRESS, prefixLength: 24 },
        { address: '10.9.8.7', prefixLength: 28 },
      ],
    });
    const { host } = scene;
    const hasRoute = (): boolean => host.ip('route', 'show').includes('10.9.8.0/28 dev eth0');
    assert.ok(hasRoute());
    host.ip('route', 'flush', 'dev', 'eth0');
    await until(hasRoute);
    host.ip('route', 'add', '192.168.15.0/24', 'dev', 'eth0', 'src', '192.168.15.5');
    await isUntouched(scene);
  },
);

test('an own address comes into the network of a virtual one, and goes', needsNamespaces, async (t) => {
  const scene = await play(t, {
    addresses: [
      { address: ADDRESS, prefixLength: 24 },
      { address: '10.9.8.7', prefixLength: 28 },
    ],
  });
  const { host, client, node } = scene;
  client.ip('address', 'add', '10.9.8.1/28', 'dev', 'eth0');
  await until(() => client.reaches('10.9.8.7'));
  host.ip('address', 'add', '10.9.8.6/28', 'dev', 'eth0');
  // New connections are from the interface's own address again.
  assert.match(host.ip('route', 'get', '10.9.8.1'), /src 10\.9\.8\.6/);
  host.ip('address', 'delete', '10.9.8.6/28', 'dev', 'eth0');
  await until(() => client.reaches('10.9.8.7'));
  await isUntouched(scene);
  await node.stop();
  assert.doesNotMatch(host.ip('route', 'show'), /10\.9\.8\.0/);
});

test('the MAC address is changed: the segment is told at once', needsNamespaces, async (t) => {
  const scene = await play(t);
  const { host, client, node } = scene;
  // What follows from having become active has been told by then; the next time is a minute later.
  await node.sends(60);
  client.ip('neighbor', 'replace', ADDRESS, 'lladdr', host.mac, 'nud', 'reachable', 'dev', 'eth0');
  host.ip('link', 'set', 'eth0', 'address', '02:00:00:00:99:05');
  // A neighbour that is reachable is not asked again; it is only told.
  const tookMs = await until(() => client.ip('neighbor', 'show', ADDRESS, 'dev', 'eth0').includes('02:00:00:00:99:05'));
  assert.ok(tookMs < 30_000, `${tookMs} ms`);
  await isUntouched(scene);
});

test(
  'the interface becomes a port of a bridge: a fault that says so, until it is none any more',
  needsNamespaces,
  async (t) => {
    const scene = await play(t);
    const { host, node } = scene;
    host.ip('link', 'add', 'br1', 'type', 'bridge');
    host.ip('link', 'set', 'eth0', 'master', 'br1');
    assert.match((await node.becomes('fault')).detail, /eth0 is a port of a bridge/);
    await until(() => !host.has(ADDRESS));
    const from = node.messages.length;
    host.ip('link', 'set', 'eth0', 'nomaster');
    await node.becomes('active', undefined, from);
    await until(() => scene.client.reaches(ADDRESS));
  },
);

test('the interface is switched off and on', needsNamespaces, async (t) => {
  const { host, client, node } = await play(t);
  host.ip('link', 'set', 'eth0', 'down');
  assert.equal((await node.becomes('fault')).detail, 'eth0 is down');
  const from = node.messages.length;
  host.ip('link', 'set', 'eth0', 'up');
  await node.becomes('active', undefined, from);
  await until(() => client.reaches(ADDRESS) && host.reaches(client.address));
});

test('DHCP renews the own address, the MTU changes, rules are flushed and made again', needsNamespaces, async (t) => {
  const scene = await play(t);
  const { host } = scene;
  host.ip('address', 'replace', '192.168.15.5/24', 'dev', 'eth0', 'valid_lft', '3600', 'preferred_lft', '1800');
  host.ip('link', 'set', 'eth0', 'mtu', '1400');
  host.ip('rule', 'flush');
  host.ip('rule', 'add', 'lookup', 'main', 'pref', '32766');
  host.ip('rule', 'add', 'lookup', 'default', 'pref', '32767');
  await isUntouched(scene);
});

test(
  'the virtual address is configured as if it were the own one: it is removed with the role',
  needsNamespaces,
  async (t) => {
    const { host, node } = await play(t);
    host.ip('address', 'add', `${ADDRESS}/24`, 'dev', 'eth0');
    await node.status();
    await node.stop();
    assert.equal(host.has(ADDRESS), false);
  },
);

test('the virtual address is configured on a backup: it is removed there', needsNamespaces, async (t) => {
  const { segment } = await play(t, { priority: 150 });
  const second = segment.host(7);
  const peer = await second.start(planOf(FAST));
  await peer.hears(1);
  second.ip('address', 'add', `${ADDRESS}/24`, 'dev', 'eth0');
  await until(() => !second.has(ADDRESS));
  await peer.logged(/192\.168\.15\.3 was configured on the interface and is removed/);
  assert.equal(peer.changes().at(-1)?.to, 'backup');
});

test('IPv6 is switched off and on again', needsNamespaces, async (t) => {
  const segment = new Segment(t);
  const host = segment.host(5);
  const addresses = [
    { address: 'fe80::15:3', prefixLength: 64 },
    { address: '2001:db8:15::3', prefixLength: 64 },
  ];
  const node = await host.start(planOf({ ...FAST, family: 6, addresses }));
  await node.becomes('active');
  host.run('sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=1');
  assert.equal((await node.becomes('fault')).detail, 'eth0 has no link-local address of its own');
  const from = node.messages.length;
  host.run('sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=0');
  await node.becomes('active', undefined, from);
  await until(() => addresses.every(({ address }) => host.has(address)));
});

test('the IPv6 address of the network is changed: the way to the network stays', needsNamespaces, async (t) => {
  const segment = new Segment(t);
  const [host, client] = [segment.host(5), segment.host(6)];
  host.ip('address', 'add', '2001:db8:15::5/64', 'dev', 'eth0', 'nodad');
  client.ip('address', 'add', '2001:db8:15::6/64', 'dev', 'eth0', 'nodad');
  const addresses = [
    { address: 'fe80::15:3', prefixLength: 64 },
    { address: '2001:db8:15::3', prefixLength: 64 },
  ];
  const node = await host.start(planOf({ ...FAST, family: 6, addresses }));
  await node.becomes('active');
  await until(() => client.reaches('2001:db8:15::3'));
  host.ip('address', 'delete', '2001:db8:15::5/64', 'dev', 'eth0');
  await node.sends(3);
  await until(() => client.reaches('2001:db8:15::3'));
  host.ip('address', 'add', '2001:db8:15::55/64', 'dev', 'eth0', 'nodad');
  await until(() => client.reaches('2001:db8:15::3') && host.reaches('2001:db8:15::6'));
  assert.equal(node.changes().at(-1)?.to, 'active');
});

test('the address that adverts are sent from is missing: it is named', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const unicast = { peers: ['192.168.15.6'], ttlMin: 255 };
  const node = await host.start(planOf({ ...FAST, source: '192.168.15.77', unicast }));
  const { detail } = await node.becomes('fault');
  assert.equal(detail, '192.168.15.77, which adverts are sent from, is not an address of eth0');
  host.ip('address', 'add', '192.168.15.77/24', 'dev', 'eth0');
  await node.becomes('active');
});

test(
  'a firewall on this machine drops adverts: they are not counted, and the machine is named',
  needsNamespaces,
  async (t) => {
    const segment = new Segment(t);
    const [host, peer] = [segment.host(5), segment.host(6)];
    const unicast = { peers: [peer.address], ttlMin: 255 };
    host.run(
      'nft',
      'add table inet f; add chain inet f o { type filter hook output priority 0; }; add rule inet f o ip protocol 112 drop',
    );
    const node = await host.start(planOf({ ...FAST, unicast }));
    await node.becomes('active');
    await node.told((message) => message.type === 'evidence' && message.evidence.kind === 'unsent');
    await node.logged(/this machine does not send adverts: EPERM/);
    const { sent, unsent } = (await node.status()).status[0].adverts;
    assert.equal(sent, 0);
    assert.ok(unsent > 0);
  },
);

test('there is no route to the peer: adverts are not counted, and no peer is blamed', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  // Over IPv4 the kernel takes a peer without a route for a neighbour.
  const addresses = [{ address: 'fe80::15:3', prefixLength: 64 }];
  const unicast = { peers: ['fd00:9::9'], ttlMin: 255 };
  const node = await host.start(planOf({ ...FAST, family: 6, addresses, unicast }));
  await node.becomes('active');
  await node.logged(/this machine does not send adverts: ENETUNREACH/);
  await until(async () => ((await node.status()).status[0]?.adverts.unsent ?? 0) > 0);
  const { adverts, observed } = (await node.status()).status[0];
  assert.equal(adverts.sent, 0);
  assert.deepEqual(Object.keys(observed), ['unsent']);
});

test('adverts that are larger than the MTU: a fault that says so, until they fit', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const addresses = Array.from({ length: 100 }, (_, i) => ({ address: `10.7.0.${i + 1}`, prefixLength: 24 }));
  const node = await host.start(planOf({ ...FAST, addresses }));
  await node.becomes('active');
  host.ip('link', 'set', 'eth0', 'mtu', '400');
  assert.equal((await node.becomes('fault')).detail, 'an advert has 428 bytes, and the MTU of eth0 is 400');
  const from = node.messages.length;
  host.ip('link', 'set', 'eth0', 'mtu', '1500');
  await node.becomes('active', undefined, from);
});
