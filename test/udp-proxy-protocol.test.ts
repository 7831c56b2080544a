/** The PROXY protocol over UDP: one header in front of each datagram of a client, none in front of answers. */
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import type { StatusDocument } from '../src/api/status.ts';
import { askSocket } from './control-socket.ts';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { reload } from './reloading.ts';
import { startUdpServer, UdpClient, until } from './udp-peers.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const LOCAL = Buffer.concat([SIGNATURE, Buffer.of(0x20, 0, 0, 0)]);

function header(from: string, fromPort: number, to: string, toPort: number): Buffer {
  const ports = [fromPort >> 8, fromPort & 0xff, toPort >> 8, toPort & 0xff];
  const addresses = [...from.split('.').map(Number), ...to.split('.').map(Number), ...ports];
  return Buffer.concat([SIGNATURE, Buffer.of(0x21, 0x12, 0, addresses.length, ...addresses)]);
}

function behind(head: Buffer, text: string): Buffer {
  return Buffer.concat([head, Buffer.from(text)]);
}

function textOf(head: Buffer, text = ''): string {
  return behind(head, text).toString('latin1');
}

/** From an address that is no proxy's. */
async function askAsStranger(t: TestContext, port: number, bytes: Buffer): Promise<string> {
  const socket = dgram.createSocket('udp4');
  t.after(() => socket.close());
  socket.bind(0, '127.0.0.2');
  await once(socket, 'listening');
  socket.send(bytes, port, '127.0.0.1');
  const [answer] = (await once(socket, 'message')) as [Buffer];
  return answer.toString('latin1');
}

for (const engine of ENGINES) {
  const skip = engineSkip(engine);

  test(
    `[${engine}] each datagram to a server has a header, an answer has none, and a check is our own`,
    skip,
    async (t) => {
      const server = await startUdpServer(t);
      const port = await freePort();
      const health = '{ send: ping, expect: "ping$", transport: udp }';
      await Evenkeel.start(
        t,
        `
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo } }
upstreams: { echo: { servers: [ "127.0.0.1:${server.port}" ], proxy-protocol: v2, health: ${health} } }
`,
        { engine },
      );
      const client = new UdpClient(t, port);
      const answers = [await client.ask('first'), await client.ask(''), await client.ask(Buffer.alloc(65_479, 'x'))];
      const own = header('127.0.0.1', client.socket.address().port, '127.0.0.1', port);
      assert.deepEqual(
        answers.map((answer) => answer.slice(0, 40)),
        [textOf(own, 'first'), textOf(own), textOf(own, 'xxxxxxxxxxxx')],
      );
      assert.equal(client.answers[2].bytes, 65_507);
      const checks = server.received.filter(({ text }) => text.endsWith('ping'));
      assert.ok(checks.length > 0);
      assert.ok(checks.every(({ text }) => text === textOf(LOCAL, 'ping')));
    },
  );

  test(`[${engine}] datagrams of a trusted proxy are those of the clients that it names`, skip, async (t) => {
    const server = await startUdpServer(t);
    const port = await freePort();
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners:
  echo:
    bind: "127.0.0.1:${port}"
    protocol: udp
    upstream: echo
    proxy-protocol: { from: 127.0.0.1 }
    access: { networks: { 192.0.2.66: deny }, otherwise: allow }
upstreams: { echo: { servers: [ "127.0.0.1:${server.port}" ] } }
`,
      { engine, hasSocket: true },
    );
    const count = async (name: string): Promise<number> => {
      const { answers } = await askSocket<StatusDocument>(`${evenkeel.file}.sock`, 'GET', '/v1/status');
      return answers.find((answer) => answer.name === name)?.count ?? 0;
    };
    const proxy = new UdpClient(t, port);
    const other = new UdpClient(t, port);
    const one = header('192.0.2.1', 1000, '198.51.100.5', 53);
    const two = header('192.0.2.2', 1000, '198.51.100.5', 53);
    assert.equal(await proxy.ask(behind(one, 'a')), 'a');
    assert.equal(await proxy.ask(behind(two, 'b')), 'b');
    assert.equal(await proxy.ask(behind(one, 'c')), 'c');
    assert.equal(await other.ask(behind(one, 'd')), 'd', 'the answer goes to who has sent it on');
    assert.equal(await proxy.ask(behind(LOCAL, 'own')), 'own');
    const ports = server.received.map((each) => each.port);
    assert.equal(ports[0], ports[2]);
    assert.equal(new Set(ports).size, 4, 'two clients, one of them through two sockets, and the proxy itself');
    assert.equal(await askAsStranger(t, port, one), textOf(one), 'others are clients, whatever they say');

    const before = server.received.length;
    const denied = behind(header('192.0.2.66', 1, '198.51.100.5', 53), 'x');
    const line = Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nx');
    for (const each of [Buffer.from('plain'), Buffer.alloc(0), line, one.subarray(0, 20), denied]) proxy.send(each);
    await until(async () => (await count('udp-proxy-header')) === 4 && (await count('udp-denied')) === 1, 'drops');
    assert.equal(server.received.length, before);
  });

  test(
    `[${engine}] whom a trusted proxy names is named to the server, and stays with it in another process`,
    skip,
    async (t) => {
      const server = await startUdpServer(t);
      const [port, unbelieved] = [await freePort(), await freePort()];
      const yaml = (workers: number): string => `
workers: ${workers}
listeners:
  believed: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo, proxy-protocol: { from: 127.0.0.0/8 } }
  read: { bind: "127.0.0.1:${unbelieved}", protocol: udp, upstream: echo, proxy-protocol: { from: 127.0.0.0/8, trust: none } }
upstreams: { echo: { servers: [ "127.0.0.1:${server.port}" ], proxy-protocol: v2 } }
`;
      const evenkeel = await Evenkeel.start(t, yaml(2), { engine, workers: 'file', hasSocket: true });
      const told = header('192.0.2.1', 1000, '198.51.100.5', 53);
      const proxies = Array.from({ length: 8 }, () => new UdpClient(t, port));
      for (const proxy of proxies) assert.equal(await proxy.ask(behind(told, 'x')), textOf(told, 'x'));
      const ports = server.received.map((each) => each.port);
      const reader = new UdpClient(t, unbelieved);
      const answer = await reader.ask(behind(told, 'y'));
      assert.equal(answer, textOf(header('127.0.0.1', reader.socket.address().port, '127.0.0.1', unbelieved), 'y'));

      writeFileSync(evenkeel.file, yaml(1));
      await reload(evenkeel);
      for (const proxy of proxies) assert.equal(await proxy.ask(behind(told, 'z')), textOf(told, 'z'));
      const later = server.received.slice(-8).map((each) => each.port);
      assert.deepEqual(later, ports, 'the server sees the same peers');
    },
  );
}
