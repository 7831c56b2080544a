/** Addresses that are the operator's as well as virtual: on the loopback interface, and as the machine's only one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routerPlan } from '../../src/vip/testing/router-plan.ts';
import { until } from '../waiting.ts';
import { type Host, needsNamespaces, planOf, Segment } from './virtual-node.ts';

const ADDRESS = '192.168.15.3';
const FAST = { intervalUs: 100_000 };

test(
  'an address that the operator has put on the loopback interface stays there after a move',
  needsNamespaces,
  async (t) => {
    const segment = new Segment(t);
    const [first, second] = [segment.host(5), segment.host(6)];
    first.ip('address', 'add', `${ADDRESS}/32`, 'dev', 'lo');
    const node = await first.start(planOf({ ...FAST, priority: 150 }));
    await node.becomes('active');
    const peer = await second.start(planOf({ ...FAST, priority: 100 }));
    await peer.hears(1);
    node.send({ type: 'hand-over', router: 'VI_1' });
    await peer.becomes('active');
    await until(() => !first.has(ADDRESS));
    await node.stop();
    assert.match(
      first.ip('address', 'show', 'dev', 'lo'),
      /inet 192\.168\.15\.3\/32 scope global lo\s+valid_lft forever/,
    );
  },
);

function isPermanent(host: Host): boolean {
  return /inet 192\.168\.15\.3\/24 .*\n\s+valid_lft forever/.test(host.ip('address', 'show', 'dev', 'eth0'));
}

test(
  "the machine's only address is virtual and it owns that: it stays, with its routes, and is given back",
  needsNamespaces,
  async (t) => {
    const segment = new Segment(t);
    const [host, client] = [segment.host(3), segment.host(6)];
    host.ip('route', 'add', 'default', 'via', client.address);
    const routes = host.ip('route', 'show');
    const node = await host.start(planOf({ ...FAST, priority: 255 }));
    await node.becomes('active');
    assert.equal(host.ip('route', 'show'), routes);
    assert.equal((await node.status()).status[0].source, ADDRESS);
    await until(() => client.reaches(ADDRESS));
    // It has an end now, as any virtual address.
    assert.equal(isPermanent(host), false);
    assert.match(host.ip('address', 'show', 'dev', 'eth0'), /192\.168\.15\.3\/24/);
    await node.stop();
    assert.ok(isPermanent(host));
    assert.deepEqual(host.find(ADDRESS).length, 1);
  },
);

test('the same, and it was killed: whoever ends next gives it back', needsNamespaces, async (t) => {
  const host = new Segment(t).host(3);
  const plan = planOf({ ...FAST, priority: 255 });
  const killed = await host.start(plan);
  await killed.becomes('active');
  killed.kill();
  await until(() => !host.has(ADDRESS));
  const node = await host.start(plan);
  await node.becomes('active');
  assert.equal(isPermanent(host), false);
  await node.stop();
  assert.ok(isPermanent(host));
});

test(
  "the machine's only address is virtual and it does not own that: it stays, and the node takes no part",
  needsNamespaces,
  async (t) => {
    const host = new Segment(t).host(3);
    const node = await host.start(planOf(FAST));
    assert.equal((await node.becomes('fault')).detail, 'eth0 has no IPv4 address of its own');
    await node.logged(/192\.168\.15\.3 is the only address of eth0 and stays/);
    assert.ok(isPermanent(host));
    await node.stop();
    assert.ok(isPermanent(host));
  },
);

test(
  "what another program has left serves on while the node listens; then it is the node's, whatever prefix it had",
  needsNamespaces,
  async (t) => {
    const segment = new Segment(t);
    const [host, client] = [segment.host(5), segment.host(6)];
    host.ip('address', 'add', `${ADDRESS}/24`, 'dev', 'eth0');
    await until(() => client.reaches(ADDRESS));
    const node = await host.start(planOf({ ...FAST, intervalUs: 500_000 }));
    await node.becomes('backup');
    assert.ok(isPermanent(host));
    await node.becomes('active');
    await until(() => host.find(ADDRESS).length === 1);
    assert.equal(isPermanent(host), false);
    assert.ok(client.reaches(ADDRESS));
    await node.stop();
    assert.equal(host.has(ADDRESS), false);
  },
);

test('the same, and a peer has the address by then: it goes at once', needsNamespaces, async (t) => {
  const segment = new Segment(t);
  const [first, second] = [segment.host(5), segment.host(6)];
  const peer = await first.start(planOf({ ...FAST, priority: 50 }));
  await peer.becomes('active');
  second.ip('address', 'add', `${ADDRESS}/24`, 'dev', 'eth0');
  const node = await second.start(planOf({ ...FAST, preempt: false }));
  await node.hears(1);
  await until(() => !second.has(ADDRESS));
  await peer.stop();
  await node.becomes('active');
});

test('two interfaces with the same link-local address: each router has its own', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  host.ip('link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'other');
  host.run('sysctl', '-qw', 'net.ipv6.conf.eth1.accept_dad=0');
  host.ip('link', 'set', 'other', 'up');
  host.ip('link', 'set', 'eth1', 'up');
  const addresses = [{ address: 'fe80::15:3', prefixLength: 64 }];
  const routers = ['eth0', 'eth1'].map((interfaceName) =>
    routerPlan({ ...FAST, name: interfaceName, interfaceName, family: 6, addresses }),
  );
  const node = await host.start({ routers });
  for (const { name } of routers) await node.becomes('active', name);
  const places = (): string[] => host.find('fe80::15:3').map(({ link }) => link);
  await until(() => places().length === 2);
  host.ip('address', 'flush', 'dev', 'eth1');
  await node.becomes('fault', 'eth1');
  assert.deepEqual(places(), ['eth0']);
});

test(
  'addresses on another interface, and of the other family: there, announced there, and gone with the others',
  needsNamespaces,
  async (t) => {
    const segment = new Segment(t);
    const [host, client] = [segment.host(5), segment.host(6)];
    host.ip('link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'eth1', 'netns', client.name);
    for (const [each, own] of [
      [host, '10.9.0.5/24'],
      [client, '10.9.0.6/24'],
    ] as const) {
      each.ip('address', 'add', own, 'dev', 'eth1');
      each.ip('link', 'set', 'eth1', 'up');
    }
    client.ip('address', 'add', '2001:db8:15::6/64', 'dev', 'eth0', 'nodad');
    const tracked = [{ name: 'interface eth1', weight: 0, interfaceName: 'eth1' }];
    const node = await host.start(
      planOf({
        ...FAST,
        tracked,
        addresses: [
          { address: ADDRESS, prefixLength: 24 },
          { address: '10.9.0.3', prefixLength: 24, interfaceName: 'eth1' },
        ],
        excluded: [{ address: '2001:db8:15::3', prefixLength: 64 }],
      }),
    );
    await node.becomes('active');
    const all = [ADDRESS, '10.9.0.3', '2001:db8:15::3'];
    await until(() => all.every((address) => client.reaches(address)));
    assert.deepEqual(
      all.map((address) => host.find(address)[0].link),
      ['eth0', 'eth1', 'eth0'],
    );
    assert.deepEqual((await node.status()).status[0].addresses, ['192.168.15.3/24', '10.9.0.3/24 on eth1']);
    // Put back there too.
    host.ip('address', 'delete', '10.9.0.3/32', 'dev', 'eth1');
    await until(() => host.has('10.9.0.3'));
    host.ip('link', 'set', 'eth1', 'down');
    assert.equal((await node.becomes('fault')).detail, 'interface eth1');
    assert.deepEqual(
      all.map((address) => host.has(address)),
      [false, false, false],
    );
    const from = node.messages.length;
    host.ip('link', 'set', 'eth1', 'up');
    await node.becomes('active', undefined, from);
    await until(() => all.every((address) => client.reaches(address)));
    await node.stop();
    assert.deepEqual(
      all.map((address) => host.has(address)),
      [false, false, false],
    );
  },
);
