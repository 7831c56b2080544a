/**
 * Kernel mode: what the kernel forwards, seen from clients and servers; what `nft` says of it; and connections that outlive a server,
 * their balancer's process and their balancer.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { StatusDocument } from '../../src/api/status.ts';
import { processesIn } from '../../src/lab/processes.ts';
import { ADDRESS, ADDRESS_6, address, build, GATEWAY, nft, SERVERS, sysctl, tracked } from '../kernel/place.ts';
import { assertGoOn } from '../kernel/trial.ts';
import { until } from '../waiting.ts';
import { EvenkeelHost } from './evenkeel-host.ts';
import { needsNamespaces, signal } from './virtual-node.ts';

const CONNECTIONS = 12;

const LISTENERS = `
listeners:
  shell: { bind: ["${ADDRESS}:7000", "[fd09:1::3]:7000"], protocol: tcp, mode: kernel, upstream: shells }
  names: { bind: ["${ADDRESS}:7000", "[fd09:1::3]:7000"], protocol: udp, mode: kernel, upstream: shells }
upstreams:
  shells:
    servers: [${SERVERS.map((number) => `"10.9.2.${number}:7000", "[fd09:2::${number}]:7000"`).join(', ')}]
    health: { tcp: true, interval: 1s, timeout: 1s, retry-after: 100ms, rise: 1, fall: 2 }
`;

test('what the kernel forwards outlives a server, another program and the keeper', needsNamespaces, async (t) => {
  const { hosts, servers, client } = await build(t, [5]);
  const [host] = hosts;
  address(host, `${ADDRESS}/24`, 'fd09:1::3/64', `${GATEWAY}/24`, 'fd09:2::1/64');
  sysctl(host, '-w', 'net.ipv4.ip_forward=0');
  const evenkeel = new EvenkeelHost(host, 'lb01', LISTENERS);
  await evenkeel.said(/forwards no IPv4 packets[^]*ready: .*shell .* in the kernel/);
  sysctl(host, '-w', 'net.ipv4.ip_forward=1');

  const first = await client.open(ADDRESS, CONNECTIONS, '192.168.15.50');
  const second = await client.open('fd09:1::3', CONNECTIONS, 'fd09:1::50');
  assert.deepEqual(new Set([...first, ...second]), new Set(['server-11', 'server-12']));
  await client.datagram(ADDRESS, () => true);
  await client.datagram('fd09:1::3', () => true);
  const status = await evenkeel.ask<StatusDocument>('GET', '/v1/status');
  assert.equal(status.listeners[0].accepted, 2 * CONNECTIONS);
  const requests = status.upstreams[0].servers.reduce((sum, server) => sum + server.requests, 0);
  assert.equal(requests, 2 * CONNECTIONS + status.listeners[1].accepted);
  const rules = nft(host, 'list', 'tables');
  const table = /evenkeel-\w+/.exec(rules)![0];
  assert.match(
    nft(host, 'list', 'chain', 'inet', table, 'services'),
    /dnat ip to jhash ip saddr \. tcp sport mod 16361/,
  );

  // Somebody else empties everything. A connection whose packets come meanwhile sends them again.
  nft(host, 'flush', 'ruleset');
  await evenkeel.said(/the table in the kernel is not ours any more: it is gone/);
  await until(() => nft(host, 'list', 'tables').includes(table));
  await client.allAnswer(2 * CONNECTIONS);

  // Its successor goes on with the table, and the predecessor leaves it alone.
  await evenkeel.upgrade();
  await evenkeel.said(/goes on with the table that is there/);
  await client.allAnswer(2 * CONNECTIONS);
  await client.open(ADDRESS, 1, '192.168.15.50');

  // Killed, the keeper takes nothing with it; its successor goes on with what it finds.
  for (const pid of processesIn(host.name)) signal(pid, 'SIGKILL');
  await client.allAnswer(2 * CONNECTIONS + 1);
  await client.open(ADDRESS, 1, '192.168.15.50');
  const next = new EvenkeelHost(host, 'lb01', LISTENERS, undefined, [], evenkeel);
  await next.said(/goes on with the table that is there[^]*ready: /);
  await client.allAnswer(2 * CONNECTIONS + 2);
  assert.equal(client.losses.length, 0, client.losses.join());

  // Who has a server that lives keeps it; who comes now, and who sends datagrams, has one that lives.
  const { length } = next.text;
  signal(servers[0].child.pid!, 'SIGKILL');
  await next.said(/shells\/10\.9\.2\.11:7000.* down/, length);
  await next.said(/shells\/\[fd09:2::11\]:7000.* down/, length);
  const later = await client.open(ADDRESS, CONNECTIONS, '192.168.15.50');
  assert.deepEqual(new Set(later), new Set(['server-12']));
  await client.datagram(ADDRESS, (server) => server === 'server-12');
  await client.datagram('fd09:1::3', (server) => server === 'server-12');
  const lost = new Set(client.losses.map((line) => line.split(' ')[0]));
  for (const id of lost)
    assert.ok(
      client.lines.some((line) => line.startsWith(`${id} server-11 `)),
      `${id} was lost`,
    );

  assert.match(sysctl(host, 'net.netfilter.nf_conntrack_tcp_be_liberal'), /= 1/);
  await next.stop();
  assert.equal(nft(host, 'list', 'tables'), '');
  assert.match(sysctl(host, 'net.netfilter.nf_conntrack_tcp_be_liberal'), /= 0/);
});

const PAIR = `${LISTENERS}
ha:
  VI_1: { interface: eth0, router-id: 51, priority: { lb01: 150, lb02: 100 }, addresses: [ "${ADDRESS}/24", "${GATEWAY}/24" ] }
`;

test('connections outlive their balancer, whoever speaks first, and go back to it', needsNamespaces, async (t) => {
  const { hosts, servers, client } = await build(t, [5, 6]);
  const [first, second] = hosts;
  const active = new EvenkeelHost(first, 'lb01', PAIR);
  await active.is('active');
  const standby = new EvenkeelHost(second, 'lb02', PAIR);
  await standby.is('backup');
  const came = await client.open(ADDRESS, 2 * CONNECTIONS, '192.168.15.50');
  const pushed = came.filter((server) => server === 'server-11').length;

  for (const pid of processesIn(first.name)) signal(pid, 'SIGKILL');
  await standby.is('active');
  // Those of one server hear from it first; the others speak first.
  servers[0].tell('push');
  await client.hear('push', pushed);
  await client.allAnswer(came.length);
  const later = await client.open(ADDRESS, CONNECTIONS, '192.168.15.50');
  assert.deepEqual(client.losses, []);

  // What it knew of before its death it has to forget, or to know rightly, when it takes the addresses back.
  const known = /dst=192\.168\.15\.3 /;
  const isKnown = known.test(tracked(second));
  const again = new EvenkeelHost(first, 'lb01', PAIR, undefined, [], active);
  await again.is('active');
  await standby.is('backup');
  // What the other one knew is of no use to it any more. Not every kernel tells.
  if (isKnown) await until(() => !known.test(tracked(second)));
  await client.allAnswer(came.length + later.length);
  servers[1].tell('push');
  await client.hear('push', [...came, ...later].filter((server) => server === 'server-12').length + pushed);
  assert.deepEqual(client.losses, []);
});

/** The addresses of `forward: snat`. */
const MASKED = '192.168.15.4';
const MASKED_6 = 'fd09:1::4';
const DIRECT_PAIR = `
listeners:
  shell: { bind: ["${ADDRESS}:7000", "[${ADDRESS_6}]:7000"], protocol: tcp, mode: kernel, forward: dsr, upstream: shells }
  names: { bind: ["${ADDRESS}:7000", "[${ADDRESS_6}]:7000"], protocol: udp, mode: kernel, forward: dsr, upstream: shells }
  masked: { bind: ["${MASKED}:7000", "[${MASKED_6}]:7000"], protocol: tcp, mode: kernel, forward: snat, upstream: shells }
${LISTENERS.slice(LISTENERS.indexOf('upstreams:'))}
ha:
  VI_1: { interface: eth0, router-id: 51, priority: { lb01: 150, lb02: 100 }, addresses: [ "${ADDRESS}/24", "${MASKED}/24" ] }
  VI_6: { interface: eth0, router-id: 51, priority: { lb01: 150, lb02: 100 }, addresses: [ "fe80::15:3/64", "${ADDRESS_6}/64", "${MASKED_6}/64" ] }
`;

function are(node: EvenkeelHost, state: string): Promise<void> {
  return node.eventually(
    async () => (await node.ha()).routers.every((router) => router.state === state),
    `is not ${state}`,
  );
}

test(
  'servers that answer directly, and servers that see the balancer, are kept at a takeover',
  needsNamespaces,
  async (t) => {
    const { hosts, servers, client } = await build(t, [5, 6], SERVERS, { isDirect: true });
    const active = new EvenkeelHost(hosts[0], 'lb01', DIRECT_PAIR);
    await active.said(/ready: /);
    await are(active, 'active');
    const standby = new EvenkeelHost(hosts[1], 'lb02', DIRECT_PAIR);
    await standby.said(/ready: /);
    await are(standby, 'backup');
    const came: string[] = [];
    const open = async (): Promise<void> => {
      for (const [to, seen] of [
        [ADDRESS, '192.168.15.50'],
        [ADDRESS_6, 'fd09:1::50'],
        [MASKED, MASKED],
        [MASKED_6, MASKED_6],
      ]) {
        came.push(...(await client.open(to, CONNECTIONS, seen)));
      }
      for (const to of [ADDRESS, ADDRESS_6]) await client.datagram(to, () => true);
    };
    await open();
    assert.deepEqual(new Set(came), new Set(['server-11', 'server-12']));
    const status = await active.ask<StatusDocument>('GET', '/v1/status');
    assert.equal(status.listeners[0].accepted, 2 * CONNECTIONS);
    assert.equal(status.listeners[2].accepted, 2 * CONNECTIONS);
    const requests = status.upstreams[0].servers.reduce((sum, server) => sum + server.requests, 0);
    assert.equal(requests, 4 * CONNECTIONS + status.listeners[1].accepted);
    // Not every version can show every rule.
    assert.match(nft(hosts[0], '-t', 'list', 'ruleset'), /dup to ip daddr drop/);

    for (const pid of processesIn(hosts[0].name)) signal(pid, 'SIGKILL');
    await are(standby, 'active');
    const pushed = came.filter((server) => server === 'server-11').length;
    // A server that sees the balancer is not heard before its client has said something.
    servers[0].tell('push');
    await client.allAnswer(came.length);
    await client.hear('push', pushed);
    await open();
    assert.deepEqual(client.losses, []);
    await standby.stop();
    assert.equal(nft(hosts[1], 'list', 'tables'), '');
  },
);

test('sessions go on, whoever speaks first, while servers change too', needsNamespaces, (t) => assertGoOn(t, 0));

test('what others do to tables while ours is made is found', needsNamespaces, () => {
  const script = fileURLToPath(new URL('interfered-table.js', import.meta.url));
  const { stdout } = spawnSync('unshare', ['-n', process.execPath, script]);
  assert.deepEqual(stdout.toString().trim().split('\n'), [
    'null it is gone',
    'null others have changed tables while it was made',
    'null null',
  ]);
});
