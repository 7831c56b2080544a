/** What is on the wire, by the judgement of tcpdump on a third host, and over which ways routers find each other. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { VipPlan } from '../../src/vip/plan.ts';
import { routerPlan } from '../../src/vip/testing/router-plan.ts';
import { Change, until } from '../waiting.ts';
import { type Host, needsTcpdump, planOf, Segment } from './virtual-node.ts';

const FAST = { intervalUs: 100_000 };
const ADDRESS_6 = '2001:db8:15::3';
const ROUTER_6 = {
  ...FAST,
  family: 6,
  addresses: [
    { address: 'fe80::15:3', prefixLength: 64 },
    { address: ADDRESS_6, prefixLength: 64 },
  ],
} as const;

/** Reads what tcpdump says on that host, one packet per line, until `stop`. */
async function listen(
  host: Host,
  filter: string,
): Promise<{ readonly lines: string[]; until(pattern: RegExp): Promise<string> }> {
  const tcpdump = host.spawn('tcpdump', '-i', 'eth0', '-n', '-l', '-e', '-vv', '--immediate-mode', filter);
  const lines: string[] = [];
  const change = new Change();
  createInterface(tcpdump.stdout!).on('line', (line) => {
    // A packet's second line is indented.
    if (/^\s/.test(line) && lines.length > 0) lines.push(`${lines.pop()} ${line.trim()}`);
    else lines.push(line);
    change.wake();
  });
  await once(tcpdump.stderr!, 'data');
  return {
    lines,
    async until(pattern) {
      let found: string | undefined;
      await change.until(
        () => (found = lines.find((line) => pattern.test(line))) !== undefined,
        () => `no packet is ${pattern}:\n${lines.join('\n')}`,
      );
      return found!;
    },
  };
}

function linkLocalOf(host: Host): string {
  return /inet6 (fe80\S+)\//.exec(host.ip('address', 'show', 'eth0'))![1];
}

test('IPv4 adverts and gratuitous ARP come from the interface', needsTcpdump, async (t) => {
  const segment = new Segment(t);
  const [observer, host] = [segment.host(100), segment.host(5)];
  const heard = await listen(observer, 'ip proto 112 or arp');
  const node = await host.start(planOf(FAST));
  const advert = await heard.until(/VRRPv3, Advertisement.*prio 100/);
  assert.match(advert, new RegExp(`${host.mac} > 01:00:5e:00:00:12, ethertype IPv4`));
  assert.match(advert, /tos 0xc0, ttl 255/);
  assert.match(advert, /192\.168\.15\.5 > 224\.0\.0\.18: .*vrid 50, prio 100, intvl 10cs.*addrs: 192\.168\.15\.3$/);
  await heard.until(new RegExp(`${host.mac} > ff:ff:ff:ff:ff:ff.*Request who-has 192.168.15.3 .*tell 192.168.15.3`));
  await heard.until(new RegExp(`Reply 192.168.15.3 is-at ${host.mac}`));
  await node.stop();
  await heard.until(/prio 0, /);
  assert.doesNotMatch(heard.lines.join('\n'), /bad|invalid|incorrect/i);
});

test('IPv4 adverts and gratuitous ARP of the virtual MAC come from it', needsTcpdump, async (t) => {
  const segment = new Segment(t);
  const [observer, host] = [segment.host(100), segment.host(5)];
  const heard = await listen(observer, 'ip proto 112 or arp');
  const node = await host.start(planOf({ ...FAST, hasVirtualMac: true }));
  const advert = await heard.until(/VRRPv3, Advertisement.*prio 100/);
  assert.match(advert, /00:00:5e:00:01:32 > 01:00:5e:00:00:12, .* 192\.168\.15\.5 > 224\.0\.0\.18/);
  await heard.until(/00:00:5e:00:01:32 > ff:ff:ff:ff:ff:ff.*Reply 192\.168\.15\.3 is-at 00:00:5e:00:01:32/);
  await node.stop();
  assert.match(await heard.until(/prio 0, /), /00:00:5e:00:01:32 >/);
});

for (const hasVirtualMac of [false, true]) {
  const where = hasVirtualMac ? 'on the virtual MAC' : 'on the interface';
  test(`IPv6 ${where}: adverts, neighbour advertisements, and a host that answers`, needsTcpdump, async (t) => {
    const segment = new Segment(t);
    const [observer, host] = [segment.host(100), segment.host(5)];
    observer.ip('address', 'add', '2001:db8:15::100/64', 'dev', 'eth0', 'nodad');
    host.ip('address', 'add', '2001:db8:15::5/64', 'dev', 'eth0', 'nodad');
    const heard = await listen(observer, 'ip6 proto 112 or icmp6');
    const node = await host.start(planOf({ ...ROUTER_6, hasVirtualMac }));
    await node.becomes('active');
    const mac = hasVirtualMac ? '00:00:5e:00:02:32' : host.mac;
    const advert = await heard.until(/VRRPv3/);
    assert.match(advert, new RegExp(`${mac} > 33:33:00:00:00:12.*class 0xc0.*hlim 255.*fe80::.* > ff02::12`));
    assert.match(advert, /addrs\(2\): fe80::15:3,2001:db8:15::3/);
    await heard.until(new RegExp(`${mac} > 33:33:00:00:00:01.*hlim 255.*tgt is 2001:db8:15::3.*override`));
    assert.ok(observer.reaches(ADDRESS_6));
    assert.match(observer.ip('neighbor', 'show', ADDRESS_6), new RegExp(mac));
    // Not what connections of this host begin at.
    assert.match(host.ip('route', 'get', '2001:db8:15::100'), /src 2001:db8:15::5/);
    assert.equal(host.ip('-6', 'route', 'show', '2001:db8:15::/64').trim().split('\n').length, 1);
    await node.stop();
    assert.equal(host.has(ADDRESS_6), false);
    assert.doesNotMatch(heard.lines.join('\n'), /bad|invalid|incorrect/i);
  });
}

test('IPv6: two nodes elect one, and kill -9 moves the addresses', needsTcpdump, async (t) => {
  const segment = new Segment(t);
  const [lb01, lb02] = [segment.host(5), segment.host(6)];
  const first = await lb01.start(planOf({ ...ROUTER_6, priority: 150 }));
  await first.becomes('active');
  const second = await lb02.start(planOf(ROUTER_6));
  await second.becomes('backup');
  first.kill();
  await second.becomes('active');
  assert.ok(lb02.has(ADDRESS_6) && lb02.has('fe80::15:3'));
  await until(() => !lb01.has(ADDRESS_6) && !lb01.has('fe80::15:3'));
});

function unicastPlan(family: 4 | 6, priority: number, peer: Host): VipPlan {
  return planOf({
    ...(family === 4 ? FAST : ROUTER_6),
    priority,
    unicast: { peers: [family === 4 ? peer.address : linkLocalOf(peer)], ttlMin: 255 },
    keys: [{ id: 1, secret: '00'.repeat(32) }],
  });
}

for (const family of [4, 6] as const) {
  test(
    `unicast over IPv${family}: peers find each other, and nothing is sent to the group`,
    needsTcpdump,
    async (t) => {
      const segment = new Segment(t);
      const [observer, lb01, lb02] = [segment.host(100), segment.host(5), segment.host(6)];
      const heard = await listen(observer, 'ip proto 112 or ip6 proto 112');
      const first = await lb01.start(unicastPlan(family, 150, lb02));
      const second = await lb02.start(unicastPlan(family, 100, lb01));
      await first.becomes('active');
      await until(async () => (await second.status()).status[0].peers.length > 0);
      const [{ adverts, state }] = (await second.status()).status;
      assert.equal(state, 'backup');
      assert.ok(adverts.accepted > 0);
      assert.deepEqual(
        Object.values(adverts.refused).filter((count) => count > 0),
        [],
      );
      const from = second.messages.length;
      await first.stop();
      await second.becomes('active', undefined, from);
      assert.doesNotMatch(heard.lines.join('\n'), /224\.0\.0\.18|ff02::12/);
    },
  );
}

test('version 2 with a password, and several routers on one interface', needsTcpdump, async (t) => {
  const segment = new Segment(t);
  const [observer, lb01, lb02] = [segment.host(100), segment.host(5), segment.host(6)];
  const heard = await listen(observer, 'ip proto 112');
  const old = { name: 'old', version: 2, virtualRouterId: 2, password: 's3cret99' } as const;
  const plan = (priority: number) => ({
    routers: [
      routerPlan({ ...old, priority, addresses: [{ address: '192.168.15.4', prefixLength: 24 }] }),
      routerPlan({ ...FAST, name: 'new', priority: 250 - priority }),
    ],
  });
  const first = await lb01.start(plan(150));
  const second = await lb02.start(plan(100));
  await first.becomes('active', 'old');
  await second.becomes('active', 'new');
  const advert = await heard.until(/VRRPv2/);
  assert.match(advert, /vrid 2, prio 150, authtype simple, intvl 1s.*addrs: 192\.168\.15\.4 auth "s3cret99"/);
  await until(async () => ((await second.status()).status.find(({ name }) => name === 'old')?.peers.length ?? 0) > 0);
  for (const { status } of [await first.status(), await second.status()]) {
    for (const { adverts } of status) assert.equal(adverts.refused['virtual-router-id'], 0);
  }
  assert.deepEqual([lb01.has('192.168.15.4'), lb02.has('192.168.15.4')], [true, false]);
});

test('the probe and the gateway: who answers is heard', needsTcpdump, async (t) => {
  const segment = new Segment(t);
  const [squatter, host] = [segment.host(100), segment.host(5)];
  squatter.ip('address', 'add', '192.168.15.3/24', 'dev', 'eth0');
  const guard = { probesAddresses: true, gateway: '192.168.15.100', hasWitnesses: false, hasLease: false };
  const node = await host.start(planOf({ ...FAST, guard }));
  await node.told((message) => message.type === 'evidence' && message.evidence.kind === 'held-by-stranger');
  assert.equal(host.has('192.168.15.3'), false);
  squatter.ip('address', 'delete', '192.168.15.3/24', 'dev', 'eth0');
  await node.becomes('active');
  segment.setPort(squatter.port, false);
  assert.equal((await node.becomes('backup', undefined, node.messages.length)).cause, 'guard-lost');
});
