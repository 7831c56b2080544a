import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, closeSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Address } from '../../base/address.ts';
import type { ListenFailure, Listening } from '../../port/host.ts';
import { freePort } from '../contract/free-port.ts';
import { openListeningSockets } from './listen.ts';

const isLinux = process.platform === 'linux';
const NOBODY = 65534;
const linux = { skip: isLinux ? false : 'needs Linux' };

function hasIpv6Loopback(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));
}

function open(context: TestContext, address: Address, isDual = false, copies = 1): Listening {
  const opened = openListeningSockets({ address, isDual, isUdp: false }, copies);
  assert.equal(opened.kind, 'listening', JSON.stringify(opened));
  context.after(() => {
    for (const descriptor of opened.descriptors) closeSync(descriptor);
  });
  return opened;
}

function fail(address: Address, isDual = false): ListenFailure {
  const opened = openListeningSockets({ address, isDual, isUdp: false }, 1);
  assert.equal(opened.kind, 'failed');
  return opened;
}

async function connect(options: net.NetConnectOpts): Promise<net.Socket> {
  const socket = net.connect(options);
  await once(socket, 'connect');
  return socket;
}

function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-listen-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test(
  'a group of sockets shares one address and the kernel queues connections before anybody accepts',
  linux,
  async (t) => {
    const port = await freePort();
    const opened = open(t, { family: 4, host: '127.0.0.1', port }, false, 3);
    assert.equal(opened.descriptors.length, 3);
    assert.equal(opened.note, null);
    for (let i = 0; i < 20; i++) (await connect({ port, host: '127.0.0.1' })).destroy();
  },
);

test('connections that wait in a socket of the group are served by whoever accepts from it later', linux, async (t) => {
  const port = await freePort();
  const opened = open(t, { family: 4, host: '127.0.0.1', port }, false, 1);
  const client = await connect({ port, host: '127.0.0.1' });
  client.write('hello');
  const server = net.createServer((socket) => socket.pipe(socket)).listen({ fd: opened.descriptors[0] });
  t.after(() => server.close());
  const [data] = (await once(client, 'data')) as [Buffer];
  assert.equal(data.toString(), 'hello');
  client.destroy();
});

test('a dual bind takes IPv4 and IPv6; a plain IPv6 bind leaves IPv4 alone', linux, async (t) => {
  if (!hasIpv6Loopback()) return t.skip('needs IPv6');
  const port = await freePort();
  open(t, { family: 6, host: '::', port }, true);
  (await connect({ port, host: '127.0.0.1' })).destroy();
  (await connect({ port, host: '::1' })).destroy();

  const other = await freePort();
  open(t, { family: 6, host: '::', port: other }, false);
  open(t, { family: 4, host: '0.0.0.0', port: other }, false);
});

test('a port that another socket of the same user already shares is refused, with its owner', linux, async (t) => {
  const port = await freePort();
  const address: Address = { family: 4, host: '127.0.0.1', port };
  open(t, address, false, 2);
  const failure = fail(address);
  assert.equal(failure.code, 'EADDRINUSE');
  assert.equal(failure.reason, `port ${port} is taken by ${processName()} (pid ${process.pid})`);
  assert.match(failure.remedy, /another port/);
});

test('an address of another machine is listened on in advance, with a note', linux, async (t) => {
  const opened = open(t, { family: 4, host: '192.0.2.77', port: await freePort() });
  assert.match(opened.note ?? '', /192\.0\.2\.77 is not an address of this machine now/);
});

test('an address that cannot be listened on is refused with the reason', linux, (t) => {
  if (!existsSync('/proc/net/if_inet6')) return t.skip('needs IPv6');
  assert.match(fail({ family: 6, host: 'fe80::1', port: 8080 }).reason, /link-local/);
});

test('a reserved port without the privilege is refused with the remedy', linux, (t) => {
  if (Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) <= 79) {
    return t.skip('every user may use every port here');
  }
  const isRoot = process.geteuid!() === 0;
  if (isRoot) process.seteuid!(NOBODY);
  try {
    const failure = fail({ family: 4, host: '127.0.0.1', port: 79 });
    assert.equal(failure.code, 'EACCES');
    assert.match(failure.remedy, /CAP_NET_BIND_SERVICE/);
  } finally {
    if (isRoot) process.seteuid!(0);
  }
});

test('listening sockets are not inherited by children that do not ask for them', linux, async (t) => {
  const opened = open(t, { family: 4, host: '127.0.0.1', port: await freePort() });
  const info = readFileSync(`/proc/self/fdinfo/${opened.descriptors[0]}`, 'utf8');
  const flags = parseInt(/flags:\s+([0-7]+)/.exec(info)![1], 8);
  assert.equal(flags & 0o2000000, 0o2000000);
});

test('a Unix socket is one for all and reachable by every user', linux, async (t) => {
  const path = join(temporaryDirectory(t), 'web.sock');
  const opened = open(t, { family: 0, host: path, port: 0 }, false, 4);
  assert.equal(opened.descriptors.length, 1);
  assert.equal(statSync(path).mode & 0o777, 0o666);
  (await connect({ path })).destroy();
});

test('the file of a Unix socket whose program is dead is replaced', linux, async (t) => {
  const path = join(temporaryDirectory(t), 'web.sock');
  const first = openListeningSockets(
    { address: { family: 0, host: path, port: 0 }, isDual: false, isUdp: false },
    1,
  ) as Listening;
  closeSync(first.descriptors[0]);
  assert.ok(existsSync(path));
  open(t, { family: 0, host: path, port: 0 });
  (await connect({ path })).destroy();
});

test('the file of a Unix socket that somebody serves, or that is no socket, is left alone', linux, (t) => {
  const directory = temporaryDirectory(t);
  const served = join(directory, 'served.sock');
  open(t, { family: 0, host: served, port: 0 });
  assert.equal(fail({ family: 0, host: served, port: 0 }).code, 'EADDRINUSE');

  const plain = join(directory, 'notes.txt');
  writeFileSync(plain, 'keep me');
  assert.equal(fail({ family: 0, host: plain, port: 0 }).code, 'EEXIST');
  assert.equal(readFileSync(plain, 'utf8'), 'keep me');
});

test('a Unix socket that cannot be made is refused with the reason', linux, (t) => {
  const directory = temporaryDirectory(t);
  assert.match(
    fail({ family: 0, host: join(directory, 'no/such/x.sock'), port: 0 }).reason,
    /directory does not exist/,
  );
  assert.equal(fail({ family: 0, host: join(directory, 'x'.repeat(120)), port: 0 }).code, 'ENAMETOOLONG');
  if (process.getuid?.() !== 0) {
    chmodSync(directory, 0o500);
    assert.equal(fail({ family: 0, host: join(directory, 'x.sock'), port: 0 }).code, 'EACCES');
  }
});

function processName(): string {
  return readFileSync('/proc/self/comm', 'utf8').trim();
}
