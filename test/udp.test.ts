/** UDP listeners: datagrams both ways, sessions, servers that are not there, and what is told of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusDocument } from '../src/api/status.ts';
import { engineSkip, ENGINES, Evenkeel, freePort, kill, startTcpBackend } from './evenkeel.ts';
import { peerSkip } from './peers.ts';
import { reload } from './reloading.ts';
import { askSocket } from './control-socket.ts';
import { startUdpServer, UdpClient, until } from './udp-peers.ts';
import net from 'node:net';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';

async function listenerOf({ file }: Evenkeel, name: string): Promise<StatusDocument['listeners'][number]> {
  const { listeners } = await askSocket<StatusDocument>(`${file}.sock`, 'GET', '/v1/status');
  return listeners.find((listener) => listener.name === name)!;
}

function answerCount({ answers }: StatusDocument, name: string): number {
  return answers.find((answer) => answer.name === name)?.count ?? 0;
}

for (const engine of ENGINES) {
  const skip = engineSkip(engine);

  test(`[${engine}] datagrams of every size go both ways, and each client stays with its server`, skip, async (t) => {
    const servers = [await startUdpServer(t), await startUdpServer(t)];
    const port = await freePort();
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo } }
upstreams: { echo: { servers: [ ${servers.map((server) => `"127.0.0.1:${server.port}"`).join(', ')} ] } }
`,
      { engine, hasSocket: true },
    );
    const clients = Array.from({ length: 8 }, () => new UdpClient(t, port));
    for (const size of [0, 1, 1400, 9000, 65_507]) {
      for (const client of clients) await client.ask(Buffer.alloc(size, 'x'));
    }
    for (const client of clients) {
      assert.deepEqual(
        client.answers.map(({ bytes }) => bytes),
        [0, 1, 1400, 9000, 65_507],
      );
      assert.ok(client.answers.every(({ from }) => from === `127.0.0.1 ${port}`));
    }
    for (const { received } of servers) {
      const sessions = new Set(received.map((each) => each.port));
      assert.equal(received.length, sessions.size * 5, 'all of a session at one server');
      assert.ok(sessions.size > 0, 'round robin');
    }
    const { accepted, connections, datagrams } = await listenerOf(evenkeel, 'echo');
    assert.deepEqual(
      { accepted, connections, datagrams },
      { accepted: 8, connections: 8, datagrams: { in: 40, out: 40 } },
    );
  });

  test(`[${engine}] bursts of datagrams of any sizes come whole and in their order, both ways`, skip, async (t) => {
    const sizes = [100, 100, 100, 60, 60, 0, 1472, 1472, 1200, 1473, 1473, 9000, 9000, 7, 7, 7, 7, 7, 8];
    const numbered = sizes.map((size, i) => Buffer.alloc(size, String.fromCharCode(0x41 + i)));
    const server = await startUdpServer(t, (request) => [request, request]);
    const port = await freePort();
    await Evenkeel.start(
      t,
      `
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo } }
upstreams: { echo: { servers: [ "127.0.0.1:${server.port}" ] } }
`,
      { engine },
    );
    const clients = Array.from({ length: 3 }, () => new UdpClient(t, port));
    for (let round = 1; round <= 5; round++) {
      for (const each of numbered) for (const client of clients) client.send(each);
      const expected = round * sizes.length * 2;
      await until(() => clients.every(({ answers }) => answers.length === expected), 'all answers');
    }
    const asked = sizes.map((size, i) => `${size} ${size === 0 ? '' : String.fromCharCode(0x41 + i)}`);
    for (const { answers } of clients) {
      const heard = answers.map(({ bytes, text }) => `${bytes} ${text.slice(0, 1)}`);
      const once = asked.flatMap((each) => [each, each]);
      assert.deepEqual(heard, Array.from({ length: 5 }, () => once).flat());
    }
  });

  test(`[${engine}] a server that goes down has no sessions any more`, skip, async (t) => {
    const servers = [await startUdpServer(t), await startUdpServer(t)];
    const check = await startTcpBackend(t, (socket) => socket.end());
    const port = await freePort();
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo, udp: { idle: 1h } } }
upstreams:
  echo:
    servers:
      - { address: "127.0.0.1:${servers[0].port}", health: { tcp: true, port: ${check.port}, interval: 1s, timeout: 1s, fall: 2 } }
      - "127.0.0.1:${servers[1].port}"
`,
      { engine, hasSocket: true },
    );
    const clients = Array.from({ length: 8 }, () => new UdpClient(t, port));
    for (const client of clients) await client.ask('x');
    assert.equal((await listenerOf(evenkeel, 'echo')).connections, 8);
    check.stop();
    const left = servers[1].received.length;
    assert.ok(left < 8);
    await until(async () => (await listenerOf(evenkeel, 'echo')).connections === left, 'the sessions to end');
    for (const client of clients) await client.ask('y');
    assert.equal((await listenerOf(evenkeel, 'echo')).connections, 8);
    assert.equal(servers[0].received.filter(({ text }) => text === 'y').length, 0);
  });

  test(`[${engine}] many clients at once get their own answers, and no other's`, skip, async (t) => {
    const server = await startUdpServer(t);
    const port = await freePort();
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo, udp: { responses: 1 } } }
upstreams: { echo: { servers: [ "127.0.0.1:${server.port}" ] } }
`,
      { engine, hasSocket: true },
    );
    const clients = Array.from({ length: 100 }, () => new UdpClient(t, port));
    for (let round = 0; round < 20; round++) {
      clients.forEach((client, i) => client.send(`${round} ${i}`));
      await until(() => clients.every(({ answers }) => answers.length === round + 1), `the answers of round ${round}`);
      clients.forEach(({ answers }, i) => assert.equal(answers[round].text, `${round} ${i}`));
    }
    await until(async () => (await listenerOf(evenkeel, 'echo')).connections === 0, 'the end of all sessions');
    assert.equal((await listenerOf(evenkeel, 'echo')).accepted, 2000);
  });

  test(`[${engine}] one port for TCP and UDP`, skip, async (t) => {
    const udp = await startUdpServer(t, () => ['udp']);
    const tcp = await startTcpBackend(t, (socket) => socket.end('tcp'));
    const port = await freePort();
    await Evenkeel.start(
      t,
      `
listeners:
  udp: { bind: "*:${port}", protocol: udp, upstream: udp, udp: { responses: 1 } }
  tcp: { bind: "*:${port}", protocol: tcp, upstream: tcp }
upstreams:
  udp: { servers: [ "127.0.0.1:${udp.port}" ] }
  tcp: { servers: [ "127.0.0.1:${tcp.port}" ] }
`,
      { engine },
    );
    assert.equal(await new UdpClient(t, port).ask('?'), 'udp');
    assert.equal(await new UdpClient(t, port, '::1').ask('?'), 'udp');
    const other = new UdpClient(t, port, '127.0.0.5');
    assert.equal(await other.ask('?'), 'udp');
    // node:dgram does not tell which address was asked
    if (engine === 'uring') assert.equal(other.answers[0].from, `127.0.0.5 ${port}`);
    const socket = net.connect(port, '127.0.0.1');
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    assert.equal(bytes.toString(), 'tcp');
    socket.destroy();
  });

  test(`[${engine}] a session ends with its last answer, or by silence`, skip, async (t) => {
    const server = await startUdpServer(t, (request) => [`1 ${request.toString()}`, `2 ${request.toString()}`]);
    const [counted, silent] = [await freePort(), await freePort()];
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners:
  counted: { bind: "127.0.0.1:${counted}", protocol: udp, upstream: two, udp: { responses: 2, idle: 1h } }
  silent: { bind: "127.0.0.1:${silent}", protocol: udp, upstream: two, udp: { idle: 300ms } }
upstreams: { two: { servers: [ "127.0.0.1:${server.port}" ] } }
`,
      { engine, hasSocket: true },
    );
    const client = new UdpClient(t, counted);
    for (const question of ['a', 'b']) {
      client.send(question);
      await until(() => client.answers.some(({ text }) => text === `2 ${question}`), 'both answers');
    }
    await until(async () => (await listenerOf(evenkeel, 'counted')).connections === 0, 'the end of the session');
    assert.equal((await listenerOf(evenkeel, 'counted')).accepted, 2);
    assert.notEqual(server.received[0].port, server.received[1].port);

    const other = new UdpClient(t, silent);
    await other.ask('c');
    await until(async () => (await listenerOf(evenkeel, 'silent')).connections === 0, 'the end of the session');
    await other.ask('d');
    assert.equal((await listenerOf(evenkeel, 'silent')).accepted, 2);
  });

  test(`[${engine}] with \`requests\` every datagram is balanced`, skip, async (t) => {
    const servers = [await startUdpServer(t, () => []), await startUdpServer(t, () => [])];
    const port = await freePort();
    await Evenkeel.start(
      t,
      `
listeners: { log: { bind: "127.0.0.1:${port}", protocol: udp, upstream: log, udp: { requests: 1, responses: 0 } } }
upstreams: { log: { servers: [ ${servers.map((server) => `"127.0.0.1:${server.port}"`).join(', ')} ] } }

`,
      { engine, workers: 1 },
    );
    const client = new UdpClient(t, port);
    for (let i = 0; i < 10; i++) {
      client.send(`line ${i}`);
      await until(() => servers[0].received.length + servers[1].received.length === i + 1, `line ${i}`);
    }
    assert.deepEqual(
      servers.map(({ received }) => received.length),
      [5, 5],
    );
  });

  test(
    `[${engine}] a server whose port is closed fails, and its client's next datagram goes to another one`,
    skip,
    async (t) => {
      const [gone, there] = [await startUdpServer(t), await startUdpServer(t, () => ['there'])];
      gone.stop();
      const port = await freePort();
      const evenkeel = await Evenkeel.start(
        t,
        `
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo } }
upstreams:
  echo:
    servers: [ "127.0.0.1:${gone.port}", { address: "127.0.0.1:${there.port}", backup: true } ]
    passive: { failures: 1, eject: 1h }
`,
        { engine, hasSocket: true },
      );
      const client = new UdpClient(t, port);
      await until(() => {
        if (client.answers.length === 0) client.send('?');
        return client.answers.length > 0;
      }, 'an answer of the other server');
      await evenkeel.said(/listener echo: \d+ sessions? ended: the server, or the network, says that nobody is there/);
      const status = await askSocket<StatusDocument>(`${evenkeel.file}.sock`, 'GET', '/v1/status');
      const failures = answerCount(status, 'udp-unreachable');
      assert.ok(failures > 0);
      assert.equal(status.upstreams[0].servers[0].failures, failures);
    },
  );

  test(`[${engine}] a server that does not answer has failed where answers are expected`, skip, async (t) => {
    const silent = await startUdpServer(t, () => []);
    const port = await freePort();
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners: { dns: { bind: "127.0.0.1:${port}", protocol: udp, upstream: dns, udp: { responses: 1, idle: 200ms } } }
upstreams: { dns: { servers: [ "127.0.0.1:${silent.port}" ], passive: { failures: 1, eject: 1h } } }
`,
      { engine, hasSocket: true },
    );
    const client = new UdpClient(t, port);
    client.send('?');
    await evenkeel.said(/listener dns: 1 session ended: the server has not answered/);
    await evenkeel.said(/fails but is the last one and stays: .* no response in time/);
  });

  test(`[${engine}] a server that drops junk and answers others has not failed`, skip, async (t) => {
    const server = await startUdpServer(t, (request) => (request.toString() === 'junk' ? [] : [request]));
    const port = await freePort();
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners: { dns: { bind: "127.0.0.1:${port}", protocol: udp, upstream: dns, udp: { responses: 1, idle: 1s } } }
upstreams: { dns: { servers: [ "127.0.0.1:${server.port}" ], passive: { failures: 1, eject: 1h } } }
`,
      { engine, hasSocket: true, workers: 1 },
    );
    new UdpClient(t, port).send('junk');
    await until(() => server.received.length === 1, 'the junk');
    await new UdpClient(t, port).ask('?');
    await evenkeel.said(/listener dns: 1 session ended: the server has not answered/);
    const { upstreams } = await askSocket<StatusDocument>(`${evenkeel.file}.sock`, 'GET', '/v1/status');
    assert.equal(upstreams[0].servers[0].failures, 0);
    assert.doesNotMatch(evenkeel.stdout + evenkeel.stderr, /fails but is the last one/);
  });

  test(`[${engine}] a flood of clients that hear nothing ends no session of one that does`, skip, async (t) => {
    const server = await startUdpServer(t, (request) => (request.toString() === 'flood' ? [] : [request]));
    const port = await freePort();
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo, limits: { connections: 20 } } }
upstreams: { echo: { servers: [ "127.0.0.1:${server.port}" ] } }
`,
      { engine, hasSocket: true, workers: 1 },
    );
    const honest = new UdpClient(t, port);
    await honest.ask('1');
    await honest.ask('2');
    for (let i = 0; i < 100; i++) new UdpClient(t, port).send('flood');
    await until(() => server.received.length === 102, 'the flood');
    const { connections } = await listenerOf(evenkeel, 'echo');
    assert.equal(connections, 20);
    await honest.ask('3');
    const sessions = new Set(server.received.filter(({ text }) => text !== 'flood').map((each) => each.port));
    assert.equal(sessions.size, 1);
    await evenkeel.said(/sessions? (?:in \w+ )?ended: a new client needed the place/);
  });

  test(
    `[${engine}] a flood that has all descriptors keeps no client of another listener out`,
    peerSkip(engine, 'prlimit'),
    async (t) => {
      const silent = await startUdpServer(t, () => []);
      const echo = await startUdpServer(t);
      const [flooded, port] = [await freePort(), await freePort()];
      const evenkeel = await Evenkeel.start(
        t,
        `
listeners:
  flooded: { bind: "127.0.0.1:${flooded}", protocol: udp, upstream: silent }
  echo: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo }
upstreams:
  silent: { servers: [ "127.0.0.1:${silent.port}" ] }
  echo: { servers: [ "127.0.0.1:${echo.port}" ] }
`,
        { engine, workers: 1, hasSocket: true, through: ['prlimit', '--nofile=300', '--'] },
      );
      for (let i = 0; i < 150; i++) new UdpClient(t, flooded).send('flood');
      await evenkeel.said(/listener flooded: \d+ sessions? .*ended: a new client needed the place/);
      const client = new UdpClient(t, port);
      for (const question of ['a', 'b', 'c']) assert.equal(await client.ask(question), question);
      assert.equal((await listenerOf(evenkeel, 'echo')).connections, 1);
    },
  );

  test(
    `[${engine}] an address that has all descriptors and hears its answers keeps no client of another listener out`,
    peerSkip(engine, 'prlimit'),
    async (t) => {
      const server = await startUdpServer(t);
      const [hogged, port] = [await freePort(), await freePort()];
      const evenkeel = await Evenkeel.start(
        t,
        `
listeners:
  hogged: { bind: "127.0.0.1:${hogged}", protocol: udp, upstream: echo }
  echo: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo }
upstreams: { echo: { servers: [ "127.0.0.1:${server.port}" ] } }
`,
        { engine, workers: 1, hasSocket: true, through: ['prlimit', '--nofile=300', '--'] },
      );
      for (let i = 0; i < 150; i++) {
        const greedy = new UdpClient(t, hogged);
        await greedy.ask('1');
        await greedy.ask('2');
      }
      await evenkeel.said(/listener hogged: \d+ sessions? .*ended: a new client needed the place/);
      const clients = Array.from({ length: 4 }, () => new UdpClient(t, port));
      for (const question of ['a', 'b', 'c']) await Promise.all(clients.map((client) => client.ask(question)));
      assert.equal((await listenerOf(evenkeel, 'echo')).accepted, 4, 'none of them lost its session');
    },
  );

  test(`[${engine}] what comes while a proxy is dead waits for the next one`, skip, async (t) => {
    const server = await startUdpServer(t);
    const port = await freePort();
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo } }
upstreams: { echo: { servers: [ "127.0.0.1:${server.port}" ] } }
`,
      { engine, workers: 1 },
    );
    const client = new UdpClient(t, port);
    await client.ask('before');
    const [pid] = evenkeel.proxies();
    kill(pid, 'SIGKILL');
    // It receives nothing any more when it is gone.
    await until(() => !kill(pid, 0), 'the end of the proxy');
    assert.equal(await client.ask('after'), 'after');
  });

  test(
    `[${engine}] a reload leaves sessions where they are, and a listener that is gone is closed`,
    skip,
    async (t) => {
      const [first, second] = [await startUdpServer(t), await startUdpServer(t)];
      const [port, other] = [await freePort(), await freePort()];
      const yaml = (server: number, extra: string): string => `
listeners:
  echo: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo }
${extra}
upstreams: { echo: { servers: [ "127.0.0.1:${first.port}"${server === 2 ? `, "127.0.0.1:${second.port}"` : ''} ] } }
`;
      const evenkeel = await Evenkeel.start(
        t,
        yaml(1, `  other: { bind: "127.0.0.1:${other}", protocol: udp, upstream: echo }`),
        { engine, hasSocket: true },
      );
      const client = new UdpClient(t, port);
      await client.ask('before');
      writeFileSync(evenkeel.file, yaml(2, ''));
      const { error } = await reload(evenkeel);
      assert.equal(error, undefined);
      await client.ask('after');
      assert.equal(new Set(first.received.map((each) => each.port)).size, 1);
      const refused = new UdpClient(t, other);
      refused.socket.connect(other, '127.0.0.1');
      await once(refused.socket, 'connect');
      const failed = once(refused.socket, 'error');
      refused.socket.send('?');
      const [failure] = (await failed) as [NodeJS.ErrnoException];
      assert.equal(failure.code, 'ECONNREFUSED');
    },
  );

  test(`[${engine}] after a reload to fewer sessions a new client makes as much room as is needed`, skip, async (t) => {
    const server = await startUdpServer(t, (request) => (request.toString() === 'silent' ? [] : [request]));
    const port = await freePort();
    const yaml = (connections: number): string => `
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo, limits: { connections: ${connections} } } }
upstreams: { echo: { servers: [ "127.0.0.1:${server.port}" ] } }
`;
    const evenkeel = await Evenkeel.start(t, yaml(20), { engine, hasSocket: true, workers: 1 });
    for (let i = 0; i < 20; i++) new UdpClient(t, port).send('silent');
    await until(async () => (await listenerOf(evenkeel, 'echo')).connections === 20, 'all sessions');
    writeFileSync(evenkeel.file, yaml(3));
    assert.equal((await reload(evenkeel)).error, undefined);
    assert.equal((await listenerOf(evenkeel, 'echo')).connections, 20);
    assert.equal(await new UdpClient(t, port).ask('!'), '!');
    assert.equal((await listenerOf(evenkeel, 'echo')).connections, 3);
  });
}
