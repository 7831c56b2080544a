/**
 * Whoever asks for something large and does not take it, or sends what no server takes, keeps no memory that others wait
 * for. The proxies have a small arena here: a few hundred peers do what it takes thousands to do to one of its full size.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { type TestContext, test } from 'node:test';
import type { ProxyView, StatusDocument } from '../src/keeper/status.ts';
import { setOption, SOL_SOCKET } from '../src/io/linux/libc.ts';
import { handleOf } from '../src/io/node/stream-handle.ts';
import {
  connect,
  type Engine,
  ENGINES,
  engineSkip,
  Evenkeel,
  freePort,
  get,
  startBackend,
  startLoad,
  startTcpBackend,
  WAIT_MS,
} from './evenkeel.ts';
import { type ArenaSizes, smallArena } from './small-arena.ts';

/** The proportions of a real one. */
const FEW_LARGE: ArenaSizes = { large: 256, small: 2048, posted: 8 };
/** Of each kind: more than 256 large slots bear if each of them keeps three. */
const CROWD = 95;
const FEW_SMALL: ArenaSizes = { large: 512, small: 256, posted: 16 };
/** So many small slots in use make memory tight, and so many more make it short, while bystanders still find some. */
const TO_TIGHT = 256 / 2 + 12;
const TO_SHORT = 256 - 256 / 16 + 4 - TO_TIGHT;
const CONNECTED_AT_ONCE = 10;
const BYSTANDERS = 2;

const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const BUFFER_BYTES = 16 * 1024;

/** What a client of the crowd sends; it reads nothing. */
const REQUESTS = {
  http: 'GET /endless HTTP/1.1\r\nHost: a\r\n\r\n',
  tcp: '',
  upload: 'POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n',
} as const;

class Scene {
  readonly evenkeel: Evenkeel;
  readonly webPort: number;
  readonly tcpPort: number;
  /** Exchanges and relays that have come to a server and go on without end. */
  private readonly endless: () => number;

  private constructor(evenkeel: Evenkeel, webPort: number, tcpPort: number, endless: () => number) {
    this.evenkeel = evenkeel;
    this.webPort = webPort;
    this.tcpPort = tcpPort;
    this.endless = endless;
  }

  static async start(t: TestContext, engine: Engine, sizes: ArenaSizes): Promise<Scene> {
    let endless = 0;
    const tcp = await startTcpBackend(t, (socket) => {
      endless++;
      narrow(socket);
      pump(socket);
    });
    const web = await startBackend(t, (request, response) => {
      if (request.url === '/') {
        response.end('well\n');
        return;
      }
      endless++;
      narrow(request.socket);
      if (request.url === '/endless') pump(response);
    });
    const webPort = await freePort();
    const tcpPort = await freePort();
    const yaml = `
grace: 1s
listeners:
  web:
    bind: "127.0.0.1:${webPort}"
    timeouts: { head: 10m, body: 10m }
    routes: [ { upstream: web } ]
  tcp: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, upstream: tcp }
upstreams:
  web: { servers: [ "${web.address}" ], timeouts: { response: 10m } }
  tcp: { servers: [ "${tcp.address}" ] }
`;
    const options = { engine, workers: 1, hasSocket: true, env: smallArena(sizes) };
    const evenkeel = await Evenkeel.start(t, yaml, options);
    return new Scene(evenkeel, webPort, tcpPort, () => endless);
  }

  async proxy(): Promise<ProxyView> {
    const socketPath = `${this.evenkeel.file}.sock`;
    const request = http.get({ socketPath, path: '/v1/status', agent: false, timeout: WAIT_MS });
    request.on('timeout', () => request.destroy(new Error('status was not answered')));
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let body = '';
    for await (const data of response) body += String(data);
    return (JSON.parse(body) as StatusDocument).proxies[0];
  }

  async untilMemory(isSo: (memory: NonNullable<ProxyView['memory']>) => boolean): Promise<void> {
    await until(async () => {
      const { memory } = await this.proxy();
      assert.ok(memory !== undefined && memory !== null, 'status tells nothing of memory');
      return isSo(memory);
    });
  }

  async untilEndless(count: number): Promise<void> {
    await until(() => Promise.resolve(this.endless() >= count));
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await isSo())) {
    assert.ok(performance.now() < deadline, `not so after ${WAIT_MS} ms: ${isSo.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** As little in the kernel as possible: what is to be full is full soon. */
function narrow(socket: net.Socket): void {
  const handle = handleOf(socket);
  if (handle === null) return;
  setOption(handle.fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
  setOption(handle.fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
}

const block = Buffer.alloc(64 * 1024, 'x');

function pump(to: net.Socket | http.ServerResponse): void {
  const go = (): void => {
    while (!to.destroyed && to.write(block));
  };
  to.on('drain', go);
  go();
}

/** Connects clients that send `request` and do not read. */
async function join(t: TestContext, count: number, port: number, request: string): Promise<net.Socket[]> {
  const sockets: net.Socket[] = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  for (let missing = count; missing > 0; missing -= CONNECTED_AT_ONCE) {
    const some = Array.from({ length: Math.min(missing, CONNECTED_AT_ONCE) }, () => connect(port));
    for (const socket of await Promise.all(some)) {
      socket.pause();
      narrow(socket);
      sockets.push(socket);
      if (request !== '') socket.write(request);
      if (request.startsWith('POST')) pump(socket);
    }
  }
  return sockets;
}

for (const engine of ENGINES) {
  const skip = engineSkip(engine);
  test(
    `[${engine}] stalled clients of all kinds hold nobody up, lose nothing, and a stop is heard`,
    skip,
    async (t) => {
      const scene = await Scene.start(t, engine, FEW_LARGE);
      const { evenkeel, webPort, tcpPort } = scene;
      const load = startLoad(webPort, BYSTANDERS);
      t.after(() => load.stop());
      let crowd = 0;
      for (const [kind, request] of Object.entries(REQUESTS)) {
        await join(t, CROWD, kind === 'tcp' ? tcpPort : webPort, request);
        crowd += CROWD;
        await scene.untilEndless(crowd);
        await scene.untilMemory(({ state }) => state === 'tight');
        for (let i = 0; i < 20; i++)
          assert.equal((await get(webPort)).status, 200, `${crowd} stall, the last with ${kind}`);
      }

      const { done, failures } = await load.stop();
      assert.deepEqual(failures, []);
      assert.ok(done > 0);
      await until(async () => (await scene.proxy()).connections <= crowd);
      const { memory, connections } = await scene.proxy();
      assert.equal(connections, crowd);
      assert.equal(memory?.shed, 0);
      assert.doesNotMatch(evenkeel.stderr + evenkeel.stdout, /short of memory/);

      evenkeel.signal('SIGTERM');
      assert.equal(await evenkeel.exit, 0);
      assert.match(evenkeel.stderr + evenkeel.stdout, /had connections left after 1 s/);
    },
  );

  test(
    `[${engine}] a shortage ends those that have stood still for longest, and nobody else notices`,
    skip,
    async (t) => {
      const scene = await Scene.start(t, engine, FEW_SMALL);
      const { evenkeel, webPort } = scene;
      const load = startLoad(webPort, BYSTANDERS);
      t.after(() => load.stop());
      // each keeps one small slot
      const half = 'GET / HTTP/1.1\r\nHost: a\r\n';
      const early = await join(t, TO_TIGHT, webPort, half);
      let refused = 0;
      for (const socket of early) {
        socket.on('data', (data) => (refused += data.includes(' 503 ') ? 1 : 0));
        socket.resume();
      }
      await scene.untilMemory(({ small }) => small >= TO_TIGHT);
      const late = await join(t, TO_SHORT, webPort, half);
      await evenkeel.said(/proxy 0 is short of memory: [0-9]+ of 512 large and [0-9]+ of 256 small buffers are in use/);
      await scene.untilMemory(({ state, shed }) => state === 'tight' && shed > 0);
      const { done, failures } = await load.stop();
      assert.deepEqual(failures, []);
      assert.ok(done > 0);
      await evenkeel.said(/proxy 0 has enough memory again, after [0-9]+ s; it has ended [0-9]+ connections/);

      const { memory } = await scene.proxy();
      assert.equal(memory?.state, 'tight');
      assert.ok(memory.shed > 0 && memory.shed < early.length, `${memory.shed} were ended`);
      await until(() => Promise.resolve(refused === memory.shed));

      // those that came later have lost nothing
      const answers = late.map((socket) => once(socket.resume(), 'data') as Promise<[Buffer]>);
      for (const socket of late) socket.write('\r\n');
      for (const [answer] of await Promise.all(answers)) assert.match(answer.toString(), /^HTTP\/1.1 200 /);

      evenkeel.signal('SIGTERM');
      assert.equal(await evenkeel.exit, 0);
    },
  );
}
