/**
 * Local ports run out: whoever asks is told so, no server is blamed, and every further source address has as many again. In a
 * network of its own with ten ports, whose clients come through Unix sockets.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type Engine, engineSkip, ENGINES, Evenkeel } from './evenkeel.ts';
import { peerSkip, temporaryDirectory } from './peers.ts';

const PORTS = 10;
/** It answers when it holds as many requests as there are ports, and says when it is checked. It ends with its network's other programs. */
const HOLDING_SERVER = `
const held = [];
require('node:http').createServer({ keepAliveTimeout: 3600000 }, (request, response) => {
  if (request.url === '/check') { console.log('checked'); response.end(); return; }
  if (held.push(response) === ${PORTS}) for (const each of held.splice(0)) each.end();
}).listen(9000, '127.0.0.1');
setInterval(() => { if (process.ppid === 1) process.exit(); }, 500);
`;
const NETWORK = [
  'unshare',
  '--net',
  'sh',
  '-c',
  `ip link set lo up && echo 40000 ${40_000 + PORTS - 1} > /proc/sys/net/ipv4/ip_local_port_range && exec "$@"`,
  'sh',
];

function networkSkip(engine: Engine): { skip: string | false } {
  const { skip } = peerSkip(engine, 'unshare', 'ip');
  if (skip !== false) return { skip };
  const [program, ...args] = [...NETWORK, 'true'];
  return spawnSync(program, args).status === 0 ? engineSkip(engine) : { skip: 'may not make a network' };
}

class Scene {
  readonly evenkeel: Evenkeel;
  private readonly t: TestContext;
  private readonly directory: string;

  private constructor(t: TestContext, evenkeel: Evenkeel, directory: string) {
    this.t = t;
    this.evenkeel = evenkeel;
    this.directory = directory;
  }

  /** `raw` and `web` go to one server, with these keys of the upstream's. */
  static async start(t: TestContext, engine: Engine, keys: string): Promise<Scene> {
    const directory = temporaryDirectory(t);
    const yaml = `
grace: 0s
listeners:
  server: { bind: "127.0.0.1:9000", timeouts: { idle: 1h }, routes: [ { respond: { status: 200 } } ] }
  raw: { bind: "unix:${join(directory, 'raw')}", protocol: tcp, upstream: raw }
  web: { bind: "unix:${join(directory, 'web')}", routes: [ { upstream: web } ] }
upstreams:
  raw: { servers: [ "127.0.0.1:9000" ], passive: { failures: 1 }, ${keys} }
  web: { servers: [ "127.0.0.1:9000" ], passive: { failures: 1 }, pool: { idle: 0 }, ${keys} }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, through: NETWORK });
    return new Scene(t, evenkeel, directory);
  }

  /** Opens relays that stay until one gets no server. How many do. */
  async fill(): Promise<number> {
    for (let count = 0; ; count++) if (!(await this.relay())) return count;
  }

  private async relay(): Promise<boolean> {
    const socket = net.connect(join(this.directory, 'raw'));
    this.t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    return new Promise((resolve) => {
      socket.on('data', (data: Buffer) => resolve(data.toString('latin1').startsWith('HTTP/1.1 200 ')));
      socket.on('close', () => resolve(false));
    });
  }

  async get(): Promise<{ status: number; body: string }> {
    const request = http.get({ socketPath: join(this.directory, 'web'), agent: false });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let body = '';
    for await (const data of response) body += String(data);
    return { status: response.statusCode ?? 0, body };
  }
}

for (const engine of ENGINES) {
  for (const [keys, places] of [
    ['source: 127.0.0.1', PORTS],
    ['source: [ 127.0.0.2, 127.0.0.3 ]', 2 * PORTS],
  ] as const) {
    test(`[${engine}] ${keys}: ${places} connections, and then 503 with the reason`, networkSkip(engine), async (t) => {
      const scene = await Scene.start(t, engine, keys);
      assert.equal(await scene.fill(), places);
      await scene.evenkeel.said(
        / warn {2}upstream raw: 1 connection reset: the proxy has no local port left for a connection to the server/,
      );
      const { status, body } = await scene.get();
      assert.equal(status, 503);
      assert.match(body, /the proxy has no local port left for a connection to the server/);
      const { evenkeel } = scene;
      await evenkeel.said(
        / warn {2}no local port is left for connections to server web\/127\.0\.0\.1:9000: 1 try failed; /,
      );
      assert.doesNotMatch(evenkeel.stderr, /ejected|spared|down/);
    });
  }

  test(`[${engine}] a check that has no local port takes nobody down`, networkSkip(engine), async (t) => {
    const scene = await Scene.start(t, engine, 'source: 127.0.0.2, health: { tcp: true, interval: 50ms, fall: 1 }');
    await scene.fill();
    const { evenkeel } = scene;
    await evenkeel.said(
      /could not be checked and keeps its state: no local port is left for connections to this address/,
    );
    assert.equal((await scene.get()).status, 503);
    assert.doesNotMatch(evenkeel.stderr, /ejected|spared|down/);
  });

  test(
    `[${engine}] a check that lacks a local port gets that of an unused connection`,
    networkSkip(engine),
    async (t) => {
      const socketPath = join(temporaryDirectory(t), 'web');
      const yaml = `
grace: 0s
listeners: { web: { bind: "unix:${socketPath}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "127.0.0.1:9000" ], timeouts: { idle: 1h }, health: { http: /check, interval: 500ms } } }
`;
      const start = ['sh', '-c', '"$0" -e "$1" & shift; exec "$@"', process.execPath, HOLDING_SERVER];
      const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, through: [...NETWORK, ...start] });
      await evenkeel.said(/checked/);
      const ask = async (): Promise<void> => {
        for (let status = 0; status !== 200;) {
          const request = http.get({ socketPath, path: '/hold', agent: false });
          const [response] = (await once(request, 'response')) as [http.IncomingMessage];
          response.resume();
          status = response.statusCode ?? 0;
        }
      };
      // all at one time, so that all ports are those of unused connections then
      await Promise.all(Array.from({ length: PORTS }, ask));
      await evenkeel.said(/could not be checked and keeps its state: no local port is left/);
      const checks = evenkeel.stdout.split('checked').length;
      await evenkeel.said(new RegExp(`(?:checked[^]*){${checks + 1}}`));
      evenkeel.signal('SIGTERM');
      await evenkeel.exit;
    },
  );
}
