/** UDP over reloads and upgrades: a crowd of clients asks on and on, and every question is answered. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { reload } from './reloading.ts';
import { startUdpServer, UdpClient, until } from './udp-peers.ts';
import { endAfter, upgrade } from './upgrading.ts';

/** What they ask at one time fits the receive buffer of a server (net.core.rmem_default). */
const CLIENTS = 80;

/** Clients that ask again when they are answered: a datagram that is lost, either way, ends one. */
class Crowd {
  private readonly clients: readonly UdpClient[];
  private isOver = false;

  constructor(t: TestContext, port: number) {
    this.clients = Array.from({ length: CLIENTS }, () => new UdpClient(t, port));
    for (const client of this.clients) {
      client.socket.on('message', () => {
        if (!this.isOver) client.send(String(client.answers.length));
      });
      client.send('0');
    }
  }

  /** Everybody is answered twice more: the first one may have been on its way. */
  async goOn(when: string): Promise<void> {
    const before = this.clients.map(({ answers }) => answers.length);
    await until(() => this.clients.every(({ answers }, i) => answers.length >= before[i] + 2), `answers ${when}`);
  }

  /** Asks no more. Everything that was asked has been answered, once, in its order. */
  async end(): Promise<void> {
    this.isOver = true;
    await this.settled();
    for (const { answers } of this.clients)
      assert.deepEqual(
        answers.map(({ text }) => Number(text)),
        [...answers.keys()],
      );
  }

  private async settled(): Promise<void> {
    const count = (): number => this.clients.reduce((sum, { answers }) => sum + answers.length, 0);
    for (let last = -1; last !== count();) {
      last = count();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

for (const engine of ENGINES) {
  for (const [name, udp] of [
    ['sessions that end by silence', 'idle: 10s'],
    ['sessions of one answer', 'responses: 1'],
  ] as const) {
    test(`[${engine}] reloads and upgrades lose no datagram of ${name}`, engineSkip(engine), async (t) => {
      const [first, second] = [await startUdpServer(t), await startUdpServer(t)];
      const port = await freePort();
      const yaml = (servers: number): string => `
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo, udp: { ${udp} } } }
upstreams: { echo: { servers: [ "127.0.0.1:${first.port}"${servers > 1 ? `, "127.0.0.1:${second.port}"` : ''} ] } }
`;
      const evenkeel = await Evenkeel.start(t, yaml(1), { engine, workers: 2, hasSocket: true });
      const crowd = new Crowd(t, port);
      await crowd.goOn('at first');
      for (const servers of [2, 1, 2]) {
        writeFileSync(evenkeel.file, yaml(servers));
        const { error } = await reload(evenkeel);
        assert.equal(error, undefined);
        await crowd.goOn(`after a reload with ${servers} servers`);
      }
      for (let round = 1; round <= 2; round++) {
        const { pid, error } = await upgrade(evenkeel);
        assert.equal(error, undefined, evenkeel.stderr);
        endAfter(t, pid!);
        await crowd.goOn(`after upgrade ${round}`);
      }
      await crowd.end();
    });
  }

  test(`[${engine}] more proxies, and fewer, leave each client one session`, engineSkip(engine), async (t) => {
    const server = await startUdpServer(t);
    const port = await freePort();
    const yaml = (workers: number): string => `
workers: ${workers}
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: udp, upstream: echo } }
upstreams: { echo: { servers: [ "127.0.0.1:${server.port}" ] } }
`;
    const evenkeel = await Evenkeel.start(t, yaml(1), { engine, workers: 'file', hasSocket: true });
    const clients = Array.from({ length: 8 }, () => new UdpClient(t, port));
    for (const workers of [2, 1, 2]) {
      writeFileSync(evenkeel.file, yaml(workers));
      const { error } = await reload(evenkeel);
      assert.equal(error, undefined);
      for (let i = 0; i < 20; i++) await Promise.all(clients.map((client) => client.ask('?')));
    }
    assert.equal(new Set(server.received.map((each) => each.port)).size, clients.length);
  });
}
