/** A crowd of clients before one proxy with little memory: a few hundred do what takes thousands with an arena of full size. */
import assert from 'node:assert/strict';
import type http from 'node:http';
import type net from 'node:net';
import type { TestContext } from 'node:test';
import type { ProxyView } from '../src/api/data-plane.ts';
import type { StatusDocument } from '../src/api/status.ts';
import { setOption, SOL_SOCKET } from '../src/io/linux/libc.ts';
import { handleOf } from '../src/io/node/stream-handle.ts';
import { askSocket } from './control-socket.ts';
import { connect, type Engine, Evenkeel, freePort, startBackend, startTcpBackend, unbundled } from './evenkeel.ts';
import { type ArenaSizes, smallArena } from './small-arena.ts';
import { until } from './waiting.ts';

const CONNECTED_AT_ONCE = 10;

const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const BUFFER_BYTES = 16 * 1024;

export class Scene {
  readonly evenkeel: Evenkeel;
  readonly webPort: number;
  readonly tcpPort: number;
  /** Exchanges and relays that have come to a server, which does not answer, or without end. */
  private readonly open: () => number;

  private constructor(evenkeel: Evenkeel, webPort: number, tcpPort: number, open: () => number) {
    this.evenkeel = evenkeel;
    this.webPort = webPort;
    this.tcpPort = tcpPort;
    this.open = open;
  }

  /** HTTP: `/` is answered, `/endless` without end, anything else never; below `/one/` a server takes one request at a time. */
  static async start(t: TestContext, engine: Engine, sizes: ArenaSizes): Promise<Scene> {
    let open = 0;
    const tcp = await startTcpBackend(t, (socket) => {
      open++;
      narrow(socket);
      pump(socket);
    });
    const web = await startBackend(t, (request, response) => {
      if (request.url === '/') {
        response.end('well\n');
        return;
      }
      open++;
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
    limits: { head: 64KiB }
    timeouts: { head: 10m, body: 10m }
    routes: [ { match: { path: /one/ }, upstream: one }, { upstream: web } ]
  tcp: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, upstream: tcp }
upstreams:
  web: { servers: [ "${web.address}" ], timeouts: { response: 10m } }
  one:
    servers: [ { address: "${web.address}", max-connections: 1 } ]
    queue: { max: 10000 }
    timeouts: { response: 10m, queue: 10m }
  tcp: { servers: [ "${tcp.address}" ] }
`;
    const options = { engine, workers: 1, hasSocket: true, env: smallArena(sizes), program: unbundled };
    const evenkeel = await Evenkeel.start(t, yaml, options);
    return new Scene(evenkeel, webPort, tcpPort, () => open);
  }

  status(): Promise<StatusDocument> {
    return askSocket(`${this.evenkeel.file}.sock`, 'GET', '/v1/status');
  }

  async proxy(): Promise<ProxyView> {
    return (await this.status()).proxies[0];
  }

  async untilMemory(isSo: (memory: NonNullable<ProxyView['memory']>) => boolean): Promise<void> {
    await until(async () => {
      const { memory } = await this.proxy();
      assert.ok(memory !== undefined && memory !== null, 'status tells nothing of memory');
      return isSo(memory);
    });
  }

  async untilOpen(count: number): Promise<void> {
    await until(() => Promise.resolve(this.open() >= count));
  }
}

/** As little in the kernel as possible: what is to be full is full soon. */
export function narrow(socket: net.Socket): void {
  const handle = handleOf(socket);
  if (handle === null) return;
  setOption(handle.fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
  setOption(handle.fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
}

const block = Buffer.alloc(64 * 1024, 'x');

export function pump(to: net.Socket | http.ServerResponse): void {
  const go = (): void => {
    while (!to.destroyed && to.write(block));
  };
  to.on('drain', go);
  go();
}

/** Connects clients that send `request` and do not read. */
export async function join(t: TestContext, count: number, port: number, request: string): Promise<net.Socket[]> {
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
