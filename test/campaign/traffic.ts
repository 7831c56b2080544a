/**
 * Traffic of every kind through one evenkeel, for as long as it changes: whatever goes wrong is told with its kind. Small
 * requests over kept and over new connections, downloads, uploads, and sessions (WebSocket, TCP) that say something now and
 * then and want it back.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';

const DOWNLOAD = Buffer.alloc(1024 * 1024, 'evenkeel ');
const UPLOAD = Buffer.alloc(256 * 1024, 'upload ');
/** What takes longer does not come. */
const WAIT_MS = 60_000;
const SESSION_PAUSE_MS = 250;

export type Kind = 'kept' | 'fresh' | 'download' | 'upload' | 'websocket' | 'tcp';

/** Loops of each kind: each has one request under way. */
const LOOPS = { kept: 4, fresh: 2, download: 1, upload: 1 } as const;
export const REQUESTS_MAX = 8;
/** Of each kind, those that live from the beginning to the end. */
const SESSIONS = 50;

export interface Failure {
  readonly kind: Kind;
  readonly what: string;
  readonly atMs: number;
}

/** One server for all of it: HTTP, WebSocket and, on another port, TCP. */
export async function startServer(t: TestContext): Promise<{ readonly http: string; readonly tcp: string }> {
  const server = http.createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    if (request.url === '/download') return void response.end(DOWNLOAD);
    if (request.method !== 'POST') return void response.end('small');
    let received = 0;
    request.on('data', (data: Buffer) => (received += data.length));
    request.on('end', () => response.end(String(received)));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(data.toString())));
  const echo = net.createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  const addresses = await Promise.all(
    [server, echo].map(async (each) => {
      each.listen(0, '127.0.0.1');
      await once(each, 'listening');
      t.after(() => each.close());
      return `127.0.0.1:${(each.address() as net.AddressInfo).port}`;
    }),
  );
  t.after(() => server.closeAllConnections());
  return { http: addresses[0], tcp: addresses[1] };
}

export class Traffic {
  readonly done: Record<Kind, number> = { kept: 0, fresh: 0, download: 0, upload: 0, websocket: 0, tcp: 0 };
  readonly failures: Failure[] = [];
  private readonly ports: { readonly http: number; readonly tcp: number };
  private readonly loops: Promise<void>[] = [];
  private isOver = false;

  private constructor(ports: Traffic['ports']) {
    this.ports = ports;
  }

  /** Resolves when every session stands. */
  static async start(ports: Traffic['ports'], { hasSessions }: { readonly hasSessions: boolean }): Promise<Traffic> {
    const traffic = new Traffic(ports);
    const count = hasSessions ? SESSIONS : 0;
    await Promise.all(Array.from({ length: count }, () => [traffic.openWebSocket(), traffic.openTcp()]).flat());
    for (const kind of ['kept', 'fresh', 'download', 'upload'] as const) {
      for (let i = 0; i < LOOPS[kind]; i++) traffic.loops.push(traffic.repeat(kind));
    }
    return traffic;
  }

  /** Resolves when what is under way has ended, well or not. */
  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.loops);
  }

  /** How many requests have been answered, and messages of sessions. */
  get total(): number {
    return Object.values(this.done).reduce((sum, count) => sum + count, 0);
  }

  private async repeat(kind: 'kept' | 'fresh' | 'download' | 'upload'): Promise<void> {
    const agent = kind === 'fresh' ? false : new http.Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.isOver) await this.attempt(kind, () => this.request(kind, agent));
    if (agent !== false) agent.destroy();
  }

  private async request(kind: Kind, agent: http.Agent | false): Promise<void> {
    const isUpload = kind === 'upload';
    const path = kind === 'download' ? '/download' : '/';
    const length = await new Promise<number>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.ports.http, path, method: isUpload ? 'POST' : 'GET', agent };
      const request = http.request(options, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (data: Buffer) => parts.push(data));
        response.on('error', reject);
        response.on('end', () => {
          const body = Buffer.concat(parts);
          if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}: ${body.toString()}`));
          else if (isUpload) resolve(Number(body.toString()));
          else if (kind === 'download') resolve(body.equals(DOWNLOAD) ? body.length : -1);
          else resolve(body.length);
        });
      });
      request.on('error', reject);
      request.setTimeout(WAIT_MS, () => request.destroy(new Error(`no answer within ${WAIT_MS} ms`)));
      request.end(isUpload ? UPLOAD : undefined);
    });
    const expected = isUpload ? UPLOAD.length : kind === 'download' ? DOWNLOAD.length : 'small'.length;
    if (length !== expected) throw new Error(`${length} bytes instead of ${expected}`);
  }

  private async openWebSocket(): Promise<void> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.ports.http}/`);
    await once(socket, 'open');
    const ask = async (text: string): Promise<string> => {
      socket.send(text);
      return String((await once(socket, 'message'))[0]);
    };
    this.loops.push(this.talk('websocket', ask, socket).finally(() => socket.terminate()));
  }

  private async openTcp(): Promise<void> {
    const socket = net.connect(this.ports.tcp, '127.0.0.1');
    await once(socket, 'connect');
    const ask = async (text: string): Promise<string> => {
      socket.write(text);
      return String((await once(socket, 'data'))[0]);
    };
    this.loops.push(this.talk('tcp', ask, socket).finally(() => socket.destroy()));
  }

  /** A session that fails has ended. */
  private async talk(
    kind: 'websocket' | 'tcp',
    ask: (text: string) => Promise<string>,
    session: WebSocket | net.Socket,
  ): Promise<void> {
    const closed = new Promise<never>((_, reject) => {
      session.once('close', () => reject(new Error('the session was closed')));
      session.on('error', () => undefined);
    });
    closed.catch(() => undefined);
    let isOpen = true;
    for (let said = 0; !this.isOver && isOpen; said++) {
      isOpen = await this.attempt(kind, async () => {
        assert.equal(await Promise.race([ask(`${said}`), closed]), `${said}`);
      });
      await new Promise((resolve) => setTimeout(resolve, SESSION_PAUSE_MS));
    }
  }

  /** Whether it went well. */
  private async attempt(kind: Kind, what: () => Promise<void>): Promise<boolean> {
    try {
      await what();
      this.done[kind]++;
      return true;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.failures.push({ kind, what: code ?? message, atMs: performance.now() });
      return false;
    }
  }
}
