/**
 * Sessions of UDP that go from one process to another: clients and servers that go on speaking while `workers` changes and while
 * evenkeel is upgraded see the same peer before and after, and no datagram is lost, either way.
 */
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, kill } from './evenkeel.ts';
import { reload } from './reloading.ts';
import { UdpClient, until } from './udp-peers.ts';
import { dyingAfter, endAfter, replaceable, status, upgrade } from './upgrading.ts';

const CLIENTS = Number(process.env['UDP_CLIENTS'] ?? 160);
/** So many sessions have the descriptors that they need where a process may have 20,000. */
const WORKERS = Math.ceil(CLIENTS / 3000) + 1;
/** Of them ask at one time: that fits the receive buffer of a server and of the proxy (net.core.rmem_default). */
const AT_ONE_TIME = 80;

/** Answers each datagram, and says something unasked to each session whenever it is told to. */
class TalkingServer {
  readonly port: number;
  /** By what the session's client calls itself: the ports of evenkeel that it came from. */
  readonly ports = new Map<string, Set<number>>();
  private readonly socket: dgram.Socket;

  static async start(t: TestContext): Promise<TalkingServer> {
    const socket = dgram.createSocket('udp4');
    t.after(() => socket.close());
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new TalkingServer(socket);
  }

  private constructor(socket: dgram.Socket) {
    this.socket = socket;
    this.port = socket.address().port;
    socket.on('message', (bytes, { port }) => {
      const [name] = bytes.toString().split(' ');
      const ports = this.ports.get(name) ?? new Set();
      this.ports.set(name, ports.add(port));
      socket.send(bytes, port, '127.0.0.1');
    });
  }

  /** Something to the session that this client had last. */
  tell(name: string, text: string): void {
    const port = [...this.ports.get(name)!].at(-1)!;
    this.socket.send(text, port, '127.0.0.1');
  }
}

/** Clients that ask by turns, on and on; each asks again only when it is answered, so that what is lost ends one. */
class Talk {
  readonly clients: readonly UdpClient[];
  private readonly server: TalkingServer;
  private isOver = false;
  private rounds = 0;

  constructor(t: TestContext, port: number, server: TalkingServer) {
    this.server = server;
    this.clients = Array.from({ length: CLIENTS }, () => new UdpClient(t, port));
  }

  /** From now on everybody has asked, and was told something unasked. */
  async isHeard(when: string): Promise<void> {
    const before = this.rounds;
    await until(() => this.rounds >= before + 2, `two rounds ${when}`);
  }

  private async ask(): Promise<void> {
    for (let first = 0; first < CLIENTS; first += AT_ONE_TIME) {
      const group = this.clients.slice(first, first + AT_ONE_TIME);
      await Promise.all(group.map((client, i) => client.ask(`${first + i} ${client.answers.length}`)));
    }
  }

  /** Asks all the time, and the server says something to each session unasked. Resolves when it is told to stop. */
  async goOn(): Promise<void> {
    while (!this.isOver) {
      await this.ask();
      await this.tell();
      this.rounds++;
    }
  }

  stop(): void {
    this.isOver = true;
  }

  /** What servers say unasked gets there. */
  private async tell(): Promise<void> {
    const text = `told ${this.rounds}`;
    for (let first = 0; first < CLIENTS; first += AT_ONE_TIME) {
      const group = this.clients.slice(first, first + AT_ONE_TIME);
      const before = group.map(({ answers }) => answers.length);
      group.forEach((_, i) => this.server.tell(String(first + i), text));
      await until(() => group.every(({ answers }, i) => answers.length > before[i]), `what the server tells: ${text}`);
    }
  }
}

for (const engine of ENGINES) {
  test(
    `[${engine}] sessions go on over reloads, other numbers of proxies and upgrades`,
    engineSkip(engine),
    async (t) => {
      const server = await TalkingServer.start(t);
      const port = await freePort();
      const yaml = (workers: number): string => `
workers: ${workers}
listeners: { talk: { bind: "127.0.0.1:${port}", protocol: udp, upstream: talk, limits: { connections: ${CLIENTS * 10} } } }
upstreams: { talk: { servers: [ "127.0.0.1:${server.port}" ] } }
`;
      const evenkeel = await Evenkeel.start(t, yaml(WORKERS), { engine, workers: 'file', hasSocket: true });
      const talk = new Talk(t, port, server);
      const over = talk.goOn();
      over.catch(() => undefined);
      t.after(() => talk.stop());
      await talk.isHeard('at first');
      for (const workers of [WORKERS - 1, WORKERS, WORKERS - 1]) {
        writeFileSync(evenkeel.file, yaml(workers));
        const { error } = await reload(evenkeel);
        assert.equal(error, undefined, evenkeel.stderr);
        await talk.isHeard(`with workers: ${workers}`);
      }
      for (let count = 1; count <= 2; count++) {
        const { pid, error } = await upgrade(evenkeel);
        assert.equal(error, undefined, evenkeel.stderr);
        endAfter(t, pid!);
        await talk.isHeard(`after upgrade ${count}`);
      }
      talk.stop();
      await over;
      const moved = [...server.ports].filter(([, ports]) => ports.size > 1).map(([name]) => name);
      assert.deepEqual(moved, [], 'each client has one session all the time');
      const { listeners } = await status(evenkeel);
      assert.equal(listeners[0].connections, CLIENTS, 'and the new process has them');
    },
  );

  test(
    `[${engine}] an upgrade that fails leaves sessions where they are, and the next one takes them`,
    engineSkip(engine),
    async (t) => {
      const server = await TalkingServer.start(t);
      const port = await freePort();
      const file = replaceable(t);
      const yaml = `
listeners: { talk: { bind: "127.0.0.1:${port}", protocol: udp, upstream: talk } }
upstreams: { talk: { servers: [ "127.0.0.1:${server.port}" ] } }
`;
      const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 2, hasSocket: true, program: file.path });
      const client = new UdpClient(t, port);
      await client.ask('it before');
      file.replace(dyingAfter('hello'));
      assert.match((await upgrade(evenkeel)).error!, /^the new program ended before it served/);
      await client.ask('it meanwhile');
      file.replace(null);
      await upgradeWithSession(t, evenkeel);
      await client.ask('it after');
      assert.equal(server.ports.get('it')!.size, 1);
    },
  );

  test(
    `[${engine}] a proxy that is killed takes its sessions with it, and its successor hands on its own`,
    engineSkip(engine),
    async (t) => {
      const server = await TalkingServer.start(t);
      const port = await freePort();
      const yaml = `
listeners: { talk: { bind: "127.0.0.1:${port}", protocol: udp, upstream: talk } }
upstreams: { talk: { servers: [ "127.0.0.1:${server.port}" ] } }
`;
      const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, hasSocket: true });
      const client = new UdpClient(t, port);
      await client.ask('it before');
      const [proxy] = evenkeel.proxies();
      kill(proxy, 'SIGKILL');
      // What it receives when it is dying is lost.
      await until(() => {
        client.send('it after');
        return client.answers.some(({ text }) => text === 'it after');
      }, 'an answer by the next proxy');
      assert.equal(server.ports.get('it')!.size, 2);
      await upgradeWithSession(t, evenkeel);
      await client.ask('it later');
      assert.equal(server.ports.get('it')!.size, 2);
    },
  );
}

/** Resolves when the new process has the session. */
async function upgradeWithSession(t: TestContext, evenkeel: Evenkeel): Promise<void> {
  const { pid, error } = await upgrade(evenkeel);
  assert.equal(error, undefined, evenkeel.stderr);
  endAfter(t, pid!);
  await evenkeel.said(/is in charge .*; nothing is left here to finish/);
  await until(async () => (await status(evenkeel)).listeners[0].connections === 1, 'the session in the new process');
}
