/** Addresses on the virtual MAC: the macvlan, the settings that it needs, and what other hosts see. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLineOf } from '../../src/lab/processes.ts';
import { routerPlan } from '../../src/vip/testing/router-plan.ts';
import { until } from '../waiting.ts';
import { type Host, needsNamespaces, planOf, Segment, signal, type VirtualNode } from './virtual-node.ts';

const ADDRESS = '192.168.15.3';
const VIRTUAL_MAC = '00:00:5e:00:01:32';
const FAST = { intervalUs: 100_000, hasVirtualMac: true };

const SETTINGS = ['arp_ignore', 'arp_announce', 'promote_secondaries', 'rp_filter'].map(
  (name) => `net/ipv4/conf/eth0/${name}`,
);

function settingsOf(host: Host): string[] {
  return SETTINGS.map((name) => host.sysctl(name));
}

function macvlans(host: Host): string[] {
  const links = JSON.parse(host.ip('-json', 'link', 'show', 'type', 'macvlan')) as { ifname?: string }[];
  return links.flatMap(({ ifname }) => (ifname === undefined ? [] : [ifname]));
}

function at(number: number): { address: string; prefixLength: number }[] {
  return [{ address: `192.168.15.${number}`, prefixLength: 24 }];
}

/** What `host` believes to be the MAC address of the virtual address, after asking for it anew. */
function resolve(host: Host): string {
  host.ip('neighbor', 'flush', 'all');
  assert.ok(host.reaches(ADDRESS));
  return /lladdr (\S+)/.exec(host.ip('neighbor', 'show', ADDRESS))?.[1] ?? 'nobody';
}

test('other hosts see the virtual MAC address, before and after the address has moved', needsNamespaces, async (t) => {
  const segment = new Segment(t);
  const client = segment.host(100);
  const first = await segment.host(5).start(planOf({ ...FAST, priority: 150 }));
  await first.becomes('active');
  const second = await segment.host(6).start(planOf(FAST));
  await second.becomes('backup');
  assert.equal(resolve(client), VIRTUAL_MAC);
  // The host asks for others with its own address, and answers for its own with its own MAC address.
  // The active host answers for its own address with its own MAC address, and asks with its own address.
  const { mac } = first.host;
  assert.ok(client.reaches('192.168.15.5'));
  assert.match(client.ip('neighbor', 'show', '192.168.15.5'), new RegExp(mac));
  first.host.ip('neighbor', 'flush', 'all');
  assert.ok(client.reaches(ADDRESS));
  assert.match(client.ip('neighbor', 'show', ADDRESS), new RegExp(VIRTUAL_MAC));
  await first.stop();
  assert.ok(second.host.has(ADDRESS));
  assert.ok(client.reaches(ADDRESS));
  assert.match(client.ip('neighbor', 'show', ADDRESS), new RegExp(VIRTUAL_MAC));
  assert.equal(resolve(client), VIRTUAL_MAC);
});

test('the macvlan is down in a backup, up in the active router, and gone after a stop', needsNamespaces, async (t) => {
  const segment = new Segment(t);
  const [host, other] = [segment.host(5), segment.host(6)];
  const node = await host.start(planOf({ ...FAST, priority: 150 }));
  await node.becomes('active');
  const backup = await other.start(planOf(FAST));
  await backup.becomes('backup');
  const [name] = macvlans(host);
  assert.match(host.ip('link', 'show', name), new RegExp(`[<,]UP[,>].*link/ether ${VIRTUAL_MAC}`, 's'));
  assert.equal(host.find(ADDRESS)[0].link, name);
  assert.doesNotMatch(other.ip('link', 'show', macvlans(other)[0]), /[<,]UP[,>]/);
  // No address of its own, and no second route to the network.
  assert.doesNotMatch(host.ip('address', 'show', name), /fe80/);
  assert.doesNotMatch(host.ip('route', 'show'), new RegExp(name));
  await node.stop();
  assert.deepEqual(macvlans(host), []);
});

test('settings of the interface are changed while they are needed, and restored', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const before = settingsOf(host);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  assert.deepEqual(settingsOf(host).slice(0, 2), ['1', '2']);
  await node.stop();
  assert.deepEqual(settingsOf(host), before);
});

test('a setting that somebody else has changed meanwhile is left alone', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  host.run('sysctl', '-qw', 'net.ipv4.conf.eth0.arp_ignore=3');
  await node.stop();
  assert.equal(host.sysctl('net/ipv4/conf/eth0/arp_ignore'), '3');
});

test('after kill -9 a successor with another plan undoes everything', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const before = settingsOf(host);
  const addresses = [{ address: '10.1.1.1', prefixLength: 24 }];
  // Lives long enough to be left behind.
  const slow = { intervalUs: 10_000_000, priority: 255, addresses };
  const first = await host.start({
    routers: [
      { ...planOf(FAST).routers[0], name: 'VI_1' },
      { ...planOf(slow).routers[0], name: 'VI_2', virtualRouterId: 51 },
    ],
  });
  await first.becomes('active', 'VI_1');
  await first.becomes('active', 'VI_2');
  first.kill();
  await first.exit;
  assert.equal(macvlans(host).length, 1);
  assert.ok(host.has('10.1.1.1'));
  const second = await host.start(
    planOf({ virtualRouterId: 60, addresses: [{ address: '192.168.15.9', prefixLength: 24 }] }),
  );
  assert.deepEqual(macvlans(host), []);
  assert.equal(host.has('10.1.1.1'), false);
  assert.deepEqual(settingsOf(host).slice(0, 2), before.slice(0, 2));
  await second.stop();
  assert.deepEqual(settingsOf(host), before);
});

test(
  'two evenkeels on one interface: the settings stay as long as one of them needs them',
  needsNamespaces,
  async (t) => {
    const host = new Segment(t).host(5);
    const before = settingsOf(host);
    const start = async (virtualRouterId: number): Promise<VirtualNode> => {
      const node = await host.start(planOf({ ...FAST, virtualRouterId, addresses: at(virtualRouterId) }));
      await node.becomes('active');
      return node;
    };
    const [first, second] = [await start(50), await start(51)];
    await first.stop();
    assert.deepEqual(settingsOf(host).slice(0, 2), ['1', '2']);
    assert.equal(macvlans(host).length, 1);
    // A third one, and the second is killed: what the third needs stays, and what the second had is undone.
    const third = await start(52);
    const processes = second.children();
    second.kill();
    await until(() => processes.every((pid) => commandLineOf(pid) === ''));
    const fourth = await start(53);
    assert.equal(macvlans(host).length, 2);
    await third.stop();
    assert.deepEqual(settingsOf(host).slice(0, 2), ['1', '2']);
    await fourth.stop();
    assert.deepEqual(settingsOf(host), before);
    assert.deepEqual(macvlans(host), []);
  },
);

test(
  'two routers on one interface, one of them on the virtual MAC: each setting is restored',
  needsNamespaces,
  async (t) => {
    const host = new Segment(t).host(5);
    host.run('sysctl', '-qw', 'net.ipv4.conf.eth0.promote_secondaries=0');
    const before = settingsOf(host);
    const routers = [
      routerPlan({ intervalUs: 100_000, addresses: at(200) }),
      routerPlan({ ...FAST, addresses: at(201), name: 'VI_2', virtualRouterId: 51 }),
      routerPlan({ ...FAST, addresses: at(202), name: 'VI_3', virtualRouterId: 52 }),
    ];
    const node = await host.start({ routers });
    for (const { name } of routers) await node.becomes('active', name);
    assert.deepEqual(settingsOf(host).slice(0, 3), ['1', '2', '1']);
    // Its successor goes on with what the first one has changed, and knows what it was.
    const from = node.messages.length;
    while (!(await node.status()).process.hasStandby) await new Promise((resolve) => setTimeout(resolve, 20));
    signal(await node.vipPid(), 'SIGKILL');
    for (const { name } of routers) await node.becomes('active', name, from);
    await node.stop();
    assert.deepEqual(settingsOf(host), before);
  },
);

test('a macvlan that somebody removes or sets down is put back', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  const [name] = macvlans(host);
  host.ip('link', 'set', name, 'down');
  await until(() => /[<,]UP[,>]/.test(host.ip('link', 'show', name)));
  host.ip('link', 'delete', name);
  await until(() => host.has(ADDRESS));
  assert.deepEqual(macvlans(host), [name]);
});

test('strict reverse path filtering on the whole machine does not matter', needsNamespaces, async (t) => {
  const segment = new Segment(t);
  const [client, host] = [segment.host(100), segment.host(5)];
  host.run('sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=1');
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  assert.equal(resolve(client), VIRTUAL_MAC);
});
