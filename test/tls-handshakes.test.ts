/** Clients that flood a TLS listener with handshakes, stand still in the middle of one or of a record, or break the protocol. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, test, type TestContext } from 'node:test';
import tls from 'node:tls';
import type { ProxyView } from '../src/api/data-plane.ts';
import type { StatusDocument } from '../src/api/status.ts';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { askSocket } from './control-socket.ts';
import { ENGINES, engineSkip, Evenkeel, freePort, startBackend, type StartOptions, unbundled } from './evenkeel.ts';
import { smallArena } from './small-arena.ts';
import { until } from './waiting.ts';

const maker = new CertificateMaker();
after(() => maker.remove());
const { certificate, key } = maker.make('one', { names: ['one.test'] });

/** More than the kernels of both sides hold. */
const ANSWER_BYTES = 20_000_000;

interface Scene {
  readonly port: number;
  readonly evenkeel: Evenkeel;
  status(): Promise<StatusDocument>;
  proxy(): Promise<ProxyView>;
}

async function startWith(t: TestContext, more: string, options: StartOptions, server = '192.0.2.1:80'): Promise<Scene> {
  const port = await freePort();
  const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    timeouts: { head: 10m, idle: 10m }
    tls: { certificate: ${certificate}, key: ${key}, handshake: 10m${more} }
    routes: [ { match: { path: /large }, upstream: large }, { respond: { body: well } } ]
upstreams: { large: { servers: [ "${server}" ] } }
`;
  const evenkeel = await Evenkeel.start(t, yaml, { workers: 1, hasSocket: true, ...options });
  const status = (): Promise<StatusDocument> => askSocket(`${evenkeel.file}.sock`, 'GET', '/v1/status');
  return { port, evenkeel, status, proxy: async () => (await status()).proxies[0] };
}

interface Client {
  readonly socket: tls.TLSSocket;
  /** Below it. */
  readonly wire: net.Socket;
  session: Buffer | null;
}

/** Null: it is let go before the handshake is done. */
async function open(t: TestContext, port: number, options: tls.ConnectionOptions = {}): Promise<Client | null> {
  const wire = net.connect(port, '127.0.0.1');
  const socket = tls.connect({ socket: wire, servername: 'one.test', rejectUnauthorized: false, ...options });
  t.after(() => wire.destroy());
  wire.on('error', () => undefined);
  const client: Client = { socket, wire, session: null };
  socket.on('session', (session) => (client.session = session));
  return new Promise((resolve) => {
    socket.on('secureConnect', () => resolve(client));
    socket.on('error', () => resolve(null));
    socket.on('close', () => resolve(null));
  });
}

async function ask({ socket }: Client): Promise<string> {
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString()));
  socket.write('GET / HTTP/1.1\r\nHost: one.test\r\n\r\n');
  await until(
    () => text.endsWith('well'),
    () => text,
  );
  return text;
}

/** What a client says first. */
async function recordHello(): Promise<Buffer> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = tls.connect({ port: (server.address() as net.AddressInfo).port, host: '127.0.0.1' });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

for (const engine of ENGINES) {
  const skip = engineSkip(engine);

  test(
    `${engine}: one source begins as many handshakes as it may, and resumes as many sessions as it wants`,
    skip,
    async (t) => {
      const scene = await startWith(t, ', handshakes: { per-source: 4 }', { engine });
      const first = await open(t, scene.port);
      assert.ok(first !== null);
      assert.match(await ask(first), /^HTTP\/1\.1 200/);
      const clients = await Promise.all(Array.from({ length: 40 }, () => open(t, scene.port)));
      const served = clients.filter((client) => client !== null);
      // some more where the machine takes its time
      assert.ok(served.length >= 3 && served.length < 40, `${served.length} are served`);
      await scene.evenkeel.said(/warn {2}listener web: \d+ TLS handshakes? .*refused: more than this listener takes/);
      await until(async () => {
        const { answers } = await scene.status();
        return answers.find(({ name }) => name === 'tls-refused')?.count === 40 - served.length;
      });
      const { session } = first;
      assert.ok(session !== null);
      for (let i = 0; i < 20; i++) {
        const again = await open(t, scene.port, { session });
        assert.ok(again !== null, `${i}`);
        assert.ok(again.socket.isSessionReused());
      }
    },
  );

  test(`${engine}: a part of a hello takes no place among handshakes, and the whole one is served`, skip, async (t) => {
    const scene = await startWith(t, '', { engine });
    const hello = await recordHello();
    const sockets = Array.from({ length: 60 }, () => net.connect(scene.port, '127.0.0.1'));
    for (const socket of sockets) {
      t.after(() => socket.destroy());
      socket.on('error', () => undefined);
      socket.write(hello.subarray(0, 1));
    }
    await until(async () => ((await scene.proxy()).memory?.small ?? 0) >= 60);
    assert.equal((await scene.proxy()).memory?.foreign, 0);
    sockets[0].write(hello.subarray(1));
    const [answer] = (await once(sockets[0], 'data')) as [Buffer];
    assert.equal(answer[0], 22);
    await until(async () => (await scene.proxy()).memory?.foreign === 3);
  });

  test(
    `${engine}: who stands still in the middle of a handshake or a record goes first when memory is short`,
    skip,
    async (t) => {
      const sizes = { large: 512, small: 2048, posted: 8, foreign: 96 };
      const scene = await startWith(t, '', { engine, program: unbundled, env: smallArena(sizes) });
      const bystander = await open(t, scene.port);
      assert.ok(bystander !== null);
      // a record of which a part comes, behind a handshake that both sides have done: in front of the client's last message it would stand in that
      const stalled: Client[] = [];
      for (let i = 0; i < 60; i++) {
        const client = await open(t, scene.port);
        assert.ok(client !== null);
        await until(() => client.session !== null);
        client.socket.resume();
        client.wire.write(Buffer.concat([Buffer.from([23, 3, 3, 64, 0]), Buffer.alloc(100)]));
        stalled.push(client);
      }
      await until(async () => (await scene.proxy()).memory?.foreign === 60);
      // from now on all of them are looked at: whoever comes later has stood still for less
      const { state, shed } = (await scene.proxy()).memory!;
      assert.deepEqual({ state, shed }, { state: 'tight', shed: 0 });
      const hello = await recordHello();
      const halfway: net.Socket[] = [];
      // more than there is room for when all the others are gone
      for (let i = 0; i < 40; i++) {
        const socket = net.connect(scene.port, '127.0.0.1');
        t.after(() => socket.destroy());
        socket.on('error', () => undefined);
        socket.resume();
        socket.write(hello);
        halfway.push(socket);
      }
      await scene.evenkeel.said(/is short of memory: \d+ of 96 buffers of 17 KiB are in use/);
      await until(async () => {
        const { memory } = await scene.proxy();
        return memory !== null && memory.shed > 0 && memory.foreign <= 90;
      });
      assert.match(await ask(bystander), /^HTTP\/1\.1 200/);
      // those that came first are gone, whether they were in a record or in a handshake
      await until(() => stalled[0].socket.destroyed);
      await until(() => halfway.some(({ destroyed }) => destroyed));
      assert.ok((await open(t, scene.port)) !== null);
    },
  );

  test(`${engine}: a client whose record is broken is told so, behind what it is being sent`, skip, async (t) => {
    const backend = await startBackend(t, (_, response) => response.end(Buffer.alloc(ANSWER_BYTES)));
    const scene = await startWith(t, '', { engine }, backend.address);
    const garbage = Buffer.concat([Buffer.from([23, 3, 3, 1, 0]), Buffer.alloc(256, 7)]);
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      for (const isBusy of [false, true]) {
        const client = await open(t, scene.port, { maxVersion });
        assert.ok(client !== null);
        const { socket, wire } = client;
        const told = new Promise((resolve) => {
          socket.on('error', resolve);
        });
        if (isBusy) {
          const sent = backend.count;
          socket.write('GET /large HTTP/1.1\r\nHost: one.test\r\n\r\n');
          await until(() => backend.count > sent);
          await once(socket, 'readable');
        }
        wire.write(garbage);
        socket.resume();
        assert.match(String(await told), /alert bad record mac/, `${maxVersion} ${isBusy}`);
      }
    }
  });
}
