/**
 * Kernel mode: what the kernel forwards, seen from clients and servers; what `nft` says of it; and connections that outlive a server,
 * their balancer's process and their balancer.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { StatusDocument } from '../../src/api/status.ts';
import { processesIn } from '../../src/lab/processes.ts';
import { Change, until } from '../waiting.ts';
import { EvenkeelHost } from './evenkeel-host.ts';
import { type Host, ip, needsNamespaces, Segment, signal } from './virtual-node.ts';

const ADDRESS = '192.168.15.3';
const GATEWAY = '10.9.2.1';
const SERVERS = [11, 12];
const CONNECTIONS = 12;

/** Says who it is and who has come, echoes lines, and says `push` when it is told to on its stdin. */
const SERVER = `
const name = process.argv[1];
const net = require('node:net');
const sockets = new Set();
net.createServer((socket) => {
  sockets.add(socket.setNoDelay());
  socket.write(name + ' ' + socket.remoteAddress.replace('::ffff:', '') + '\\n');
  socket.on('data', (data) => socket.write(data)).on('error', () => undefined).on('close', () => sockets.delete(socket));
}).listen(7000, '::', () => console.log('listening'));
for (const type of ['udp4', 'udp6']) {
  const datagrams = require('node:dgram').createSocket({ type, ipv6Only: type === 'udp6' });
  datagrams.on('message', (_, { address, port }) => datagrams.send(name, port, address)).bind(7000);
}
process.stdin.on('data', () => { for (const socket of sockets) socket.write('push\\n'); });
`;

/** By lines on its stdin: \`open HOST COUNT\`, \`say TEXT\` on all connections, \`udp HOST\`; tells what comes of it. */
const CLIENT = `
const net = require('node:net');
const sockets = [];
const udp = { 4: require('node:dgram').createSocket('udp4'), 6: require('node:dgram').createSocket('udp6') };
for (const one of Object.values(udp)) one.on('message', (data) => console.log('datagram ' + data)).bind(0);
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [what, first, count] = line.split(' ');
  if (what === 'udp') udp[net.isIP(first)].send('x', 7000, first);
  if (what === 'say') for (const { socket } of sockets) socket.write(first + '\\n');
  for (let i = 0; what === 'open' && i < Number(count); i++) {
    const id = sockets.length;
    const socket = net.connect(7000, first).setNoDelay();
    sockets.push({ socket });
    require('node:readline').createInterface({ input: socket }).on('line', (text) => console.log(id + ' ' + text));
    socket.on('error', ({ code }) => console.log(id + ' error ' + code)).on('close', () => console.log(id + ' closed'));
  }
});
console.log('started');
`;

/** A program on a host that is told things and tells things, by lines. */
class Script {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  private readonly change = new Change();

  constructor(host: Host, text: string, ...args: readonly string[]) {
    this.child = host.spawn(process.execPath, '-e', text, ...args);
    let rest = '';
    this.child.stderr!.on('data', (data: Buffer) => this.lines.push(data.toString()));
    this.child.stdout!.on('data', (data: Buffer) => {
      const lines = (rest + data.toString()).split('\n');
      rest = lines.pop()!;
      this.lines.push(...lines);
      this.change.wake();
    });
  }

  tell(line: string): void {
    this.child.stdin!.write(`${line}\n`);
  }

  async until(isSo: (lines: readonly string[]) => boolean, what: string): Promise<void> {
    await this.change.until(
      () => isSo(this.lines),
      () => `${what}:\n${this.lines.join('\n')}`,
    );
  }
}

class Client extends Script {
  private opened = 0;
  private said = 0;

  constructor(host: Host) {
    super(host, CLIENT);
  }

  /** The servers that they came to. */
  async open(address: string, count: number, from: string): Promise<readonly string[]> {
    const first = this.opened;
    this.opened += count;
    this.tell(`open ${address} ${count}`);
    const greetings = (lines: readonly string[]): string[][] =>
      lines.map((line) => line.split(' ')).filter(([id, who]) => Number(id) >= first && who.startsWith('server-'));
    await this.until((lines) => greetings(lines).length === count, 'not all were greeted');
    for (const greeting of greetings(this.lines)) assert.equal(greeting[2], from);
    return greetings(this.lines).map(([, who]) => who);
  }

  /** Every connection that is `alive` has its echo. */
  async allAnswer(alive: number): Promise<void> {
    const text = `word-${this.said++}`;
    this.tell(`say ${text}`);
    await this.hear(text, alive);
  }

  async hear(text: string, count: number): Promise<void> {
    await this.until(
      (lines) => lines.filter((line) => line.endsWith(` ${text}`)).length === count,
      `not ${count} ${text}`,
    );
  }

  get losses(): readonly string[] {
    return this.lines.filter((line) => / (?:error|closed)/.test(line));
  }

  /** Datagrams are lost as they may be: the server that answers at last. */
  async datagram(address: string, isIt: (server: string) => boolean): Promise<void> {
    const from = this.lines.length;
    await until(
      () => {
        this.tell(`udp ${address}`);
        return this.lines.slice(from).some((line) => line.startsWith('datagram ') && isIt(line.slice(9)));
      },
      () => this.lines.slice(from).join('\n'),
      100,
    );
  }
}

/** Servers behind a gateway, and who comes from outside. */
async function build(t: Parameters<Parameters<typeof test>[0] & object>[0], balancers: readonly number[]) {
  const segment = new Segment(t);
  const hosts = balancers.map((number) => {
    const host = segment.host(number);
    sysctl(host, '-w', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv4.conf.all.send_redirects=0');
    sysctl(host, '-w', 'net.ipv4.conf.eth0.send_redirects=0');
    address(host, `10.9.2.${number}/24`, `fd09:2::${number}/64`);
    return host;
  });
  const servers: Script[] = [];
  for (const number of SERVERS) {
    const host = segment.host(number);
    ip('-n', host.name, 'address', 'flush', 'dev', 'eth0', 'scope', 'global');
    address(host, `10.9.2.${number}/24`, `fd09:2::${number}/64`);
    ip('-n', host.name, 'route', 'add', 'default', 'via', GATEWAY);
    ip('-n', host.name, 'route', 'add', 'default', 'via', 'fd09:2::1');
    // The way back is by the balancer, though they could see the client here.
    sysctl(host, '-w', 'net.ipv6.conf.eth0.accept_redirects=0');
    servers.push(new Script(host, SERVER, `server-${number}`));
  }
  const outside = segment.host(50);
  address(outside, 'fd09:1::50/64');
  sysctl(outside, '-w', 'net.ipv6.conf.eth0.accept_redirects=0');
  const client = new Client(outside);
  for (const script of [...servers, client]) await script.until((lines) => lines.length > 0, 'did not start');
  return { hosts, servers, client };
}

function address(host: Host, ...addresses: readonly string[]): void {
  for (const one of addresses)
    ip('-n', host.name, 'address', 'add', one, 'dev', 'eth0', ...(one.includes(':') ? ['nodad'] : []));
}

function sysctl(host: Host, ...settings: readonly string[]): string {
  return spawnSync('ip', ['netns', 'exec', host.name, 'sysctl', ...settings]).stdout.toString();
}

function nft(host: Host, ...args: readonly string[]): string {
  return spawnSync('ip', ['netns', 'exec', host.name, 'nft', ...args]).stdout.toString();
}

/** The connections that the kernel there tracks; empty: it does not tell. */
function tracked(host: Host): string {
  return spawnSync('ip', ['netns', 'exec', host.name, 'cat', '/proc/net/nf_conntrack']).stdout.toString();
}

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

test('what others do to tables while ours is made is found', needsNamespaces, () => {
  const script = fileURLToPath(new URL('interfered-table.js', import.meta.url));
  const { stdout } = spawnSync('unshare', ['-n', process.execPath, script]);
  assert.deepEqual(stdout.toString().trim().split('\n'), [
    'null it is gone',
    'null others have changed tables while it was made',
    'null null',
  ]);
});
