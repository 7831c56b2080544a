/**
 * The servers behind the demo, in a process of their own, so that load on the demo's address is not load on the keeper.
 * They say where they listen, and stop and start again as they are told.
 */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export const WEB_SERVERS = ['red', 'green', 'blue'] as const;
export const ECHO_SERVERS = ['echo-1', 'echo-2'] as const;
export type WebServer = (typeof WEB_SERVERS)[number];

/** To this process. */
export interface DemoOrder {
  readonly server: WebServer;
  readonly isUp: boolean;
}

/** From this process, once, when all listen. */
export interface DemoPorts {
  readonly web: readonly number[];
  readonly echo: readonly number[];
}

const WORK_MS_MAX = 4;

/** Resolves to the exit code, when the demo is gone. */
export async function runDemoServers(): Promise<number> {
  const web = await Promise.all(WEB_SERVERS.map((name) => StoppableServer.listen(createWebServer(name))));
  const echo = await Promise.all(ECHO_SERVERS.map((name) => StoppableServer.listen(createEchoServer(name))));
  process.on('message', (order: DemoOrder) => {
    web[WEB_SERVERS.indexOf(order.server)].set(order.isUp);
  });
  // Signals to the whole group (Ctrl-C) reach this process too; the demo ends it when the proxies need it no more.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
  process.send!({ web: web.map(({ port }) => port), echo: echo.map(({ port }) => port) } satisfies DemoPorts);
  await once(process, 'disconnect');
  return 0;
}

/** A server that can break down with all its connections, and come back on the same port. */
class StoppableServer {
  readonly port: number;
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();

  static async listen(server: net.Server): Promise<StoppableServer> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new StoppableServer(server, (server.address() as net.AddressInfo).port);
  }

  private constructor(server: net.Server, port: number) {
    this.server = server;
    this.port = port;
    server.on('connection', (socket: net.Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => undefined);
    });
  }

  set(isUp: boolean): void {
    if (isUp) {
      this.server.listen(this.port, '127.0.0.1');
      return;
    }
    this.server.close();
    for (const socket of this.sockets) socket.resetAndDestroy();
  }
}

function createWebServer(name: WebServer): http.Server {
  const page = Buffer.from(pageOf(name));
  return http.createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
    await sleep(Math.random() * WORK_MS_MAX);
    const wantsPage = request.headers.accept?.includes('text/html') === true;
    response.setHeader('X-Server', name);
    response.setHeader('Content-Type', wantsPage ? 'text/html; charset=utf-8' : 'text/plain');
    response.end(wantsPage ? page : `Hello from ${name}\n`);
  });
}

function createEchoServer(name: string): net.Server {
  return net.createServer((socket) => {
    socket.write(`Hello from ${name}; I repeat what you write\n`);
    socket.pipe(socket);
  });
}

function pageOf(name: WebServer): string {
  const colors = { red: '#c0392b', green: '#1e8449', blue: '#2471a3' };
  return `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="1"><title>${name}</title>
<style>body{background:${colors[name]};color:#fff;font:600 14vmin system-ui,sans-serif;display:grid;place-content:center;
text-align:center;height:100vh;margin:0}small{display:block;font-size:3vmin;font-weight:400;opacity:.8}</style>
${name}<small>served this request; the next one, in a second, may go elsewhere</small>\n`;
}
