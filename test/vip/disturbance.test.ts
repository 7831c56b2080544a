/** What others do to the interface, its addresses and its settings while a router is active on it, and what follows. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ETHERNET_HEADER_BYTES } from '../../src/wire/ethernet.ts';
import { emitIpv4, IPV4_HEADER_BYTES, TRAFFIC_CLASS_CONTROL } from '../../src/wire/ipv4.ts';
import { VRRP_GROUP_4, VRRP_PROTOCOL, VRRP_TTL } from '../../src/wire/vrrp/advert.ts';
import { AUTHENTICATION_HEADER_PROTOCOL } from '../../src/wire/vrrp/authentication-header.ts';
import { forge, Forger } from './forger.ts';
import { until } from '../waiting.ts';
import { type Host, ip, needsNamespaces, planOf, Segment, signal } from './virtual-node.ts';

const ADDRESS = '192.168.15.3';
const FAST = { intervalUs: 100_000 };
/** Active at once, and then nothing is due by itself for a long time. */
const SLOW = { intervalUs: 40_000_000, priority: 255 };

test('all addresses of the interface are removed: a fault, until its own one is back', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  host.ip('address', 'flush', 'dev', 'eth0');
  assert.match((await node.becomes('fault')).detail, /eth0 has no IPv4 address of its own/);
  const from = node.messages.length;
  host.ip('address', 'add', `${host.address}/24`, 'dev', 'eth0');
  await node.becomes('active', undefined, from);
  assert.ok(host.has(ADDRESS));
});

test('all virtual addresses are removed at once: all are put back', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const addresses = [ADDRESS, '192.168.15.4', '10.9.8.7'].map((address) => ({ address, prefixLength: 24 }));
  const node = await host.start(planOf({ ...SLOW, addresses }));
  await node.becomes('active');
  host.ip('address', 'flush', 'dev', 'eth0', 'dynamic');
  await until(() => addresses.every(({ address }) => host.has(address)));
  assert.equal(node.changes().at(-1)?.to, 'active');
});

test('an interface that is renamed is gone, and is used again under its name', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  host.ip('link', 'set', 'eth0', 'down');
  host.ip('link', 'set', 'eth0', 'name', 'lan0');
  host.ip('link', 'set', 'lan0', 'up');
  await node.becomes('fault');
  // What was not removed before the name was another one goes at the end of its life.
  await until(() => !host.has(ADDRESS));
  const from = node.messages.length;
  host.ip('link', 'set', 'lan0', 'down');
  host.ip('link', 'set', 'lan0', 'name', 'eth0');
  host.ip('link', 'set', 'eth0', 'up');
  await node.becomes('active', undefined, from);
  assert.ok(host.has(ADDRESS));
});

for (const hasVirtualMac of [false, true]) {
  const where = hasVirtualMac ? ', with the macvlan on it,' : '';
  test(`an interface${where} that is moved to another namespace and back`, needsNamespaces, async (t) => {
    const segment = new Segment(t);
    const [host, other] = [segment.host(5), segment.host(6)];
    const node = await host.start(planOf({ ...FAST, hasVirtualMac }));
    await node.becomes('active');
    host.ip('link', 'set', 'eth0', 'name', 'moved0', 'netns', other.name);
    await node.becomes('fault');
    assert.equal(host.has(ADDRESS), false);
    const from = node.messages.length;
    other.ip('link', 'set', 'moved0', 'name', 'eth0', 'netns', host.name);
    host.ip('address', 'replace', `${host.address}/24`, 'dev', 'eth0');
    host.ip('link', 'set', 'eth0', 'up');
    await node.becomes('active', undefined, from);
    assert.ok(host.has(ADDRESS));
    await node.stop();
    assert.equal(host.has(ADDRESS), false);
  });
}

test(
  'the smallest MTU of IPv4 does not matter to it; below that of IPv6 that is a fault',
  needsNamespaces,
  async (t) => {
    const host = new Segment(t).host(5);
    const [v4] = planOf(FAST).routers;
    const v6 = { ...v4, name: 'VI_6', family: 6 as const, addresses: [{ address: 'fe80::15:3', prefixLength: 64 }] };
    const node = await host.start({ routers: [v4, v6] });
    await node.becomes('active', 'VI_1');
    await node.becomes('active', 'VI_6');
    const from = node.messages.length;
    host.ip('link', 'set', 'eth0', 'mtu', '68');
    await node.becomes('fault', 'VI_6', from);
    assert.ok(host.has(ADDRESS));
    assert.deepEqual(
      node.changes().filter(({ router, to }) => router === 'VI_1' && to === 'fault'),
      [],
    );
    host.ip('link', 'set', 'eth0', 'mtu', '1500');
    await node.becomes('active', 'VI_6', from);
    await until(() => host.has('fe80::15:3'));
  },
);

test('more events than the kernel keeps for a process: it looks at everything again', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf(SLOW));
  await node.becomes('active');
  const pid = await node.vipPid();
  // The keeper would end a process that does not turn.
  signal(node.keeper.pid!, 'SIGSTOP');
  signal(pid, 'SIGSTOP');
  await overflow(host);
  host.ip('address', 'delete', `${host.address}/24`, 'dev', 'eth0');
  signal(pid, 'SIGCONT');
  await until(() => !host.has(ADDRESS));
  signal(node.keeper.pid!, 'SIGCONT');
  assert.match((await node.becomes('fault')).detail, /eth0 has no IPv4 address of its own/);
  assert.equal(await node.vipPid(), pid);
});

/** Changes addresses until the kernel has thrown away an event for somebody who hears of them. */
async function overflow(host: Host): Promise<void> {
  const file = join(host.segment.directory, 'batch');
  const lines = Array.from({ length: 2_000 }, (_, i) => {
    const address = `10.77.${i >> 8}.${i & 255}/32`;
    return `address add ${address} dev lo\naddress delete ${address} dev lo\n`;
  });
  writeFileSync(file, lines.join(''));
  // The last columns: drops, inode.
  const isFull = (): boolean =>
    /\s00000111(\s+\d+){4}\s+[1-9]\d*\s+\d+\s*$/m.test(host.run('cat', '/proc/net/netlink'));
  while (!isFull()) ip('-n', host.name, '-batch', file);
}

test(
  'no descriptors left when the interface is there again: a fault, until there are some',
  needsNamespaces,
  async (t) => {
    const segment = new Segment(t);
    const host = segment.host(5);
    const node = await host.start(planOf(FAST));
    await node.becomes('active');
    const pid = await node.vipPid();
    limitDescriptors(pid, 8);
    host.ip('link', 'delete', 'eth0');
    await node.becomes('fault');
    const from = node.messages.length;
    segment.connect(host.name, host.port, `${host.address}/24`);
    await node.logged(/eth0 cannot be used: cannot open a raw socket: EMFILE/);
    assert.equal((await node.status()).status[0].state, 'fault');
    limitDescriptors(pid, 1024);
    await node.becomes('active', undefined, from);
    assert.equal(await node.vipPid(), pid);
  },
);

test(
  'no descriptors left for another vip process: the address goes, and all is well again by itself',
  needsNamespaces,
  async (t) => {
    const host = new Segment(t).host(5);
    const node = await host.start(planOf(FAST));
    await node.becomes('active');
    while (!(await node.status()).process.hasStandby) await new Promise((resolve) => setTimeout(resolve, 20));
    limitDescriptors(node.keeper.pid!, 8);
    for (const last of ['active', 'fault'] as const) {
      const from = node.messages.length;
      signal(await node.vipPid(), 'SIGKILL');
      await node.becomes(last, undefined, from);
    }
    assert.match(node.log, /no vip process can be started \(cannot create a pipe: EMFILE\); tried again in \d+ ms/);
    assert.match(node.log, /cannot tell the peers, nor remove the addresses: cannot open a netlink socket: EMFILE/);
    assert.match((await node.status()).process.problem ?? '', /^the vip process ended/);
    // The kernel does it.
    await until(() => !host.has(ADDRESS));
    const from = node.messages.length;
    limitDescriptors(node.keeper.pid!, 1024);
    await node.becomes('active', undefined, from);
    assert.ok(host.has(ADDRESS));
  },
);

function limitDescriptors(pid: number, count: number): void {
  execFileSync('prlimit', ['--pid', `${pid}`, `--nofile=${count}:`]);
}

test(
  'an advert in an Authentication Header, as keepalived sends it with auth_type AH, is refused by that name',
  needsNamespaces,
  async (t) => {
    const segment = new Segment(t);
    const node = await segment.host(5).start(planOf(FAST));
    await node.becomes('active');
    const forger = new Forger(t, segment.host(77));
    const advert = forge({ priority: 254, intervalUs: 100_000, source: '192.168.15.77' });
    forger.repeat([inAuthenticationHeader(advert)], 50);
    await node.logged(/refused-authentication-header: .*192\.168\.15\.77/);
    const refusedByThen = async (): Promise<number> => {
      return (await node.status()).status[0].adverts.refused['authentication-header'];
    };
    while ((await refusedByThen()) < 5) await node.sends(1);
    assert.equal(node.changes().at(-1)?.to, 'active');
  },
);

/** RFC 2402's header for HMAC-MD5-96: 24 bytes between the IP header and the advert. */
function inAuthenticationHeader(frame: Uint8Array): Uint8Array {
  const at = ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES;
  const advert = frame.subarray(at);
  const wrapped = new Uint8Array(frame.length + 24);
  wrapped.set(frame.subarray(0, ETHERNET_HEADER_BYTES));
  wrapped.set([VRRP_PROTOCOL, 4], at);
  wrapped.set(advert, at + 24);
  const header = {
    source: Uint8Array.of(192, 168, 15, 77),
    destination: VRRP_GROUP_4,
    protocol: AUTHENTICATION_HEADER_PROTOCOL,
    ttl: VRRP_TTL,
    trafficClass: TRAFFIC_CLASS_CONTROL,
    identification: 1,
  };
  emitIpv4(header, 24 + advert.length, wrapped, ETHERNET_HEADER_BYTES);
  return wrapped;
}
