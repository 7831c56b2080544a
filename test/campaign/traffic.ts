/**
 * Traffic of every kind through one evenkeel, for as long as it changes: whatever goes wrong is told with its kind. Small
 * requests over kept and over new connections, downloads, uploads, and sessions (WebSocket, TCP) that say something now and
 * then and want it back. There are always as many sessions: in place of one that has ended another one begins.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';

const DOWNLOAD = Buffer.alloc(1024 * 1024, 'evenkeel ');
const UPLOAD = Buffer.alloc(256 * 1024, 'upload ');
/** What is said of a session that ended by itself. */
export const CLOSED = 'the session was closed';
/** What takes longer does not come. */
const WAIT_MS = 60_000;
const SESSION_PAUSE_MS = 250;

export type Kind = 'kept' | 'fresh' | 'download' | 'upload' | 'websocket' | 'tcp';

/** Loops of each kind: each has one request under way. */
const LOOPS = { kept: 4, fresh: 2, download: 1, upload: 1 } as const;
/** Sessions of each kind. */
const SESSIONS = 50;

/** A connection of a client. */
interface Line {
  /** The client's; 0: it does not stand. */
  port: number;
  /** When it was begun. */
  sinceMs: number;
}

export interface Failure extends Line {
  readonly kind: Kind;
  readonly what: string;
  readonly atMs: number;
  /** The age when its connection was begun. */
  readonly bornAt: number;
}

/** Why it is right that this has failed; null: it is not. */
export type Excuse = (failure: Failure) => string | null;

/** Where it goes: to this machine, if no host is named. */
export interface Target {
  readonly host?: string;
  readonly http: number;
  readonly tcp: number;
}

interface Session {
  readonly line: Line;
  /** The age when it was begun. */
  readonly bornAt: number;
  readonly ask: (text: string) => Promise<string>;
  readonly end: () => void;
}

/** One server for all of it: HTTP, WebSocket and, on another port, TCP. */
export async function startServer(
  t: Pick<TestContext, 'after'>,
  host = '127.0.0.1',
  ports: readonly number[] = [0, 0],
): Promise<{ readonly http: string; readonly tcp: string }> {
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
    [server, echo].map(async (each, i) => {
      each.listen(ports[i], host);
      await once(each, 'listening');
      t.after(() => each.close());
      return `${host}:${(each.address() as net.AddressInfo).port}`;
    }),
  );
  t.after(() => server.closeAllConnections());
  return { http: addresses[0], tcp: addresses[1] };
}

export class Traffic {
  readonly done: Record<Kind, number> = { kept: 0, fresh: 0, download: 0, upload: 0, websocket: 0, tcp: 0 };
  readonly failures: Failure[] = [];
  /** What has failed and was to fail: how often, by why. */
  readonly excused: Record<string, number> = {};
  private readonly ports: Target;
  /** Given to every session that begins, and told when it fails. */
  private readonly age: () => number;
  private readonly findExcuse: Excuse;
  private readonly loops: Promise<void>[] = [];
  private isOver = false;

  private constructor(ports: Target, age: () => number, findExcuse: Excuse) {
    this.ports = ports;
    this.age = age;
    this.findExcuse = findExcuse;
  }

  /** Resolves when every session stands. */
  static async start(ports: Target, age: () => number, findExcuse: Excuse): Promise<Traffic> {
    const traffic = new Traffic(ports, age, findExcuse);
    await Promise.all(Array.from({ length: SESSIONS }, () => [traffic.hold('websocket'), traffic.hold('tcp')]).flat());
    for (const kind of ['kept', 'fresh', 'download', 'upload'] as const) {
      for (let i = 0; i < LOOPS[kind]; i++) traffic.loops.push(traffic.repeat(kind));
    }
    return traffic;
  }

  private get host(): string {
    return this.ports.host ?? '127.0.0.1';
  }

  /** Resolves when what is under way has ended, well or not. */
  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.loops);
  }

  /** Failures without an excuse may have one by now. */
  judgeAgain(): void {
    for (const failure of this.failures.splice(0)) this.judge(failure);
  }

  /** How many requests have been answered, and messages of sessions. */
  get total(): number {
    return Object.values(this.done).reduce((sum, count) => sum + count, 0);
  }

  private async repeat(kind: 'kept' | 'fresh' | 'download' | 'upload'): Promise<void> {
    const agent = kind === 'fresh' ? false : new http.Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.isOver) {
      const line = { port: 0, sinceMs: performance.now() };
      await this.attempt(kind, line, this.age(), () => this.request(kind, agent, line));
    }
    if (agent !== false) agent.destroy();
  }

  private async request(kind: Kind, agent: http.Agent | false, line: Line): Promise<void> {
    const isUpload = kind === 'upload';
    const path = kind === 'download' ? '/download' : '/';
    const length = await new Promise<number>((resolve, reject) => {
      const options = { host: this.host, port: this.ports.http, path, method: isUpload ? 'POST' : 'GET', agent };
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
      request.on('socket', (socket) => watch(socket, line));
      request.on('error', reject);
      request.setTimeout(WAIT_MS, () => request.destroy(new Error(`no answer within ${WAIT_MS} ms`)));
      request.end(isUpload ? UPLOAD : undefined);
    });
    const expected = isUpload ? UPLOAD.length : kind === 'download' ? DOWNLOAD.length : 'small'.length;
    if (length !== expected) throw new Error(`${length} bytes instead of ${expected}`);
  }

  /** Resolves when the first one stands. */
  private async hold(kind: 'websocket' | 'tcp'): Promise<void> {
    const first = await this.open(kind, { port: 0, sinceMs: performance.now() });
    this.loops.push(this.talk(kind, first));
  }

  /** `line`: what fails before it stands is of this connection too. */
  private open(kind: 'websocket' | 'tcp', line: Line): Promise<Session> {
    return kind === 'websocket' ? this.openWebSocket(line) : this.openTcp(line);
  }

  private async openWebSocket(line: Line): Promise<Session> {
    const bornAt = this.age();
    const createConnection = (): net.Socket => {
      const socket = net.connect(this.ports.http, this.host);
      watch(socket, line);
      return socket;
    };
    const socket = new WebSocket(`ws://${this.host}:${this.ports.http}/`, { createConnection });
    await once(socket, 'open');
    const ask = async (text: string): Promise<string> => {
      socket.send(text);
      return String((await once(socket, 'message'))[0]);
    };
    return { line, bornAt, ask: untilClosed(socket, ask), end: () => socket.terminate() };
  }

  private async openTcp(line: Line): Promise<Session> {
    const bornAt = this.age();
    const socket = net.connect(this.ports.tcp, this.host);
    watch(socket, line);
    await once(socket, 'connect');
    const ask = async (text: string): Promise<string> => {
      socket.write(text);
      return String((await once(socket, 'data'))[0]);
    };
    return { line, bornAt, ask: untilClosed(socket, ask), end: () => socket.destroy() };
  }

  private async talk(kind: 'websocket' | 'tcp', first: Session): Promise<void> {
    let session: Session | null = first;
    for (let said = 0; !this.isOver; said++) {
      if (session === null) {
        const opening = { port: 0, sinceMs: performance.now() };
        await this.attempt(kind, opening, this.age(), async () => (session = await this.open(kind, opening)));
        continue;
      }
      const { line, bornAt, ask, end }: Session = session;
      const isWell = await this.attempt(kind, line, bornAt, async () => assert.equal(await ask(`${said}`), `${said}`));
      if (!isWell) {
        end();
        session = null;
      }
      await new Promise((resolve) => setTimeout(resolve, SESSION_PAUSE_MS));
    }
    session?.end();
  }

  /** Whether it went well. */
  private async attempt(kind: Kind, line: Line, bornAt: number, what: () => Promise<unknown>): Promise<boolean> {
    try {
      await what();
      this.done[kind]++;
      return true;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.judge({ ...line, kind, what: code ?? message, atMs: performance.now(), bornAt });
      return false;
    }
  }

  private judge(failure: Failure): void {
    const excuse = this.findExcuse(failure);
    if (excuse === null) this.failures.push(failure);
    else this.excused[excuse] = (this.excused[excuse] ?? 0) + 1;
  }
}

/** Since when each connection has been there. */
const begun = new WeakMap<net.Socket, number>();

function watch(socket: net.Socket, line: Line): void {
  const sinceMs = begun.get(socket) ?? performance.now();
  begun.set(socket, sinceMs);
  line.sinceMs = sinceMs;
  line.port = socket.localPort ?? 0;
  if (socket.connecting) socket.once('connect', () => (line.port = socket.localPort ?? 0));
}

/** Rejects with CLOSED if the session ends meanwhile. */
function untilClosed(session: WebSocket | net.Socket, ask: Session['ask']): Session['ask'] {
  const closed = new Promise<never>((_, reject) => session.once('close', () => reject(new Error(CLOSED))));
  closed.catch(() => undefined);
  session.on('error', () => undefined);
  return async (text) => {
    const answer = ask(text);
    answer.catch(() => undefined);
    return Promise.race([answer, closed]);
  };
}
