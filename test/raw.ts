/**
 * Connections of which a test says every byte, for both sides of the proxy: a client that sends what no library would, and a
 * server that answers what no library would. Text is Latin-1, so that a character is a byte.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import type { TestContext } from 'node:test';
import { close, openListening } from '../src/io/contract/sockets.ts';
import { takeError, unacknowledgedBytes } from '../src/io/node/descriptor.ts';
import { handleOf } from '../src/io/node/stream-handle.ts';
import { freePort, reset } from './evenkeel.ts';
import { Change, until } from './waiting.ts';

export interface Message {
  /** The request line or status line. */
  readonly startLine: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The only value of this field, or undefined. Fails if there are several. */
  get(name: string): string | undefined;
  /** How the end of the body was marked. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

export interface Response extends Message {
  readonly status: number;
}

/** How a connection ended, seen from here. */
export type End = 'end' | 'reset';

export class RawConnection {
  readonly socket: net.Socket;
  /** What came and was not taken yet. */
  buffered = '';
  private endedBy: End | null = null;
  private readonly change = new Change();

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => {
      this.buffered += data.toString('latin1');
      this.change.wake();
    });
    socket.on('end', () => {
      // libuv calls a reset that comes with the last data an end
      const handle = handleOf(socket);
      this.endedBy ??= handle !== null && takeError(handle.fd) !== null ? 'reset' : 'end';
      this.change.wake();
    });
    socket.on('error', () => {
      this.endedBy = 'reset';
      this.change.wake();
    });
    socket.on('close', () => {
      this.endedBy ??= 'reset';
      this.change.wake();
    });
  }

  static async open(t: TestContext, port: number, host = '127.0.0.1'): Promise<RawConnection> {
    const socket = net.connect({ host, port, allowHalfOpen: true });
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  get hasEnded(): boolean {
    return this.endedBy !== null;
  }

  write(text: string | Uint8Array): void {
    if (typeof text === 'string') this.socket.write(text, 'latin1');
    else this.socket.write(text);
  }

  /** One TCP segment, as far as it is in our hands, per byte. */
  async writeByteByByte(text: string): Promise<void> {
    for (const byte of text) {
      this.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** FIN. */
  end(): void {
    this.socket.end();
  }

  reset(): void {
    reset(this.socket);
  }

  /** Waits until the other side's kernel has acknowledged everything written. */
  async delivered(): Promise<void> {
    const isDelivered = (): boolean => {
      const handle = handleOf(this.socket);
      return handle === null || (this.socket.writableLength === 0 && unacknowledgedBytes(handle.fd) === 0);
    };
    await until(isDelivered, () => 'what was written is not taken');
  }

  /** Waits until `isDone` or the end of the connection. */
  async wait(what: string, isDone: () => boolean): Promise<void> {
    const have = (): string => `${JSON.stringify(this.buffered.slice(0, 2000))}, ended by ${this.endedBy}`;
    await this.change.until(
      () => {
        const isOver = isDone();
        if (!isOver) assert.ok(!this.hasEnded, `the connection ended before ${what}; have ${have()}`);
        return isOver;
      },
      () => `${what}; have ${have()}`,
    );
  }

  /** Takes everything up to the end of `mark`. */
  async until(mark: string): Promise<string> {
    await this.wait(JSON.stringify(mark), () => this.buffered.includes(mark));
    return this.take(this.buffered.indexOf(mark) + mark.length);
  }

  /** Takes exactly this many bytes. */
  async bytes(count: number): Promise<string> {
    await this.wait(`${count} bytes`, () => this.buffered.length >= count);
    return this.take(count);
  }

  private take(count: number): string {
    const taken = this.buffered.slice(0, count);
    this.buffered = this.buffered.slice(count);
    return taken;
  }

  /** Waits for the end, and says how it came and what was before it. */
  async ending(): Promise<{ how: End; rest: string }> {
    await this.change.until(
      () => this.endedBy !== null,
      () => `the end of the connection; have ${JSON.stringify(this.buffered.slice(0, 2000))}`,
    );
    return { how: this.endedBy!, rest: this.take(this.buffered.length) };
  }

  async head(): Promise<{ startLine: string; fields: [string, string][] }> {
    const [startLine, ...lines] = (await this.until('\r\n\r\n')).slice(0, -4).split('\r\n');
    return { startLine, fields: lines.map(fieldOf) };
  }

  /** A whole response to a request with this method. 1xx are responses of their own. */
  async response(method = 'GET'): Promise<Response> {
    const head = await this.head();
    const matched = /^HTTP\/1\.1 (\d{3}) /.exec(head.startLine);
    assert.ok(matched, `not a status line: ${head.startLine}`);
    const status = Number(matched[1]);
    const isBodiless = method === 'HEAD' || status < 200 || status === 204 || status === 304;
    const rest = isBodiless ? NO_BODY : await this.body(head.fields, true);
    return { ...message(head, rest), status };
  }

  /** A whole request. */
  async request(): Promise<Message> {
    const head = await this.head();
    return message(head, await this.body(head.fields, false));
  }

  private async body(fields: [string, string][], untilClose: boolean): Promise<Body> {
    if (valueOf(fields, 'transfer-encoding') !== undefined) return this.chunked();
    const length = valueOf(fields, 'content-length');
    if (length !== undefined) return { framing: 'length', body: await this.bytes(Number(length)), trailers: [] };
    if (!untilClose) return NO_BODY;
    const { how, rest } = await this.ending();
    assert.equal(how, 'end', 'a body until close is cut off');
    return { framing: 'close', body: rest, trailers: [] };
  }

  /** Takes a body in chunks, its trailers included. */
  async chunked(): Promise<Body> {
    let body = '';
    for (;;) {
      const line = (await this.until('\r\n')).slice(0, -2);
      const size = Number.parseInt(line, 16);
      assert.match(line, /^[0-9a-f]+(;.*)?$/i, 'a chunk size, perhaps with extensions');
      if (size === 0) break;
      body += await this.bytes(size);
      assert.equal(await this.bytes(2), '\r\n');
    }
    const trailers: [string, string][] = [];
    for (;;) {
      const line = (await this.until('\r\n')).slice(0, -2);
      if (line === '') return { framing: 'chunked', body, trailers };
      trailers.push(fieldOf(line));
    }
  }
}

interface Body {
  readonly framing: Message['framing'];
  readonly body: string;
  readonly trailers: [string, string][];
}

const NO_BODY: Body = { framing: 'none', body: '', trailers: [] };

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(': ');
  assert.ok(colon > 0, `not a field: ${line}`);
  return [line.slice(0, colon), line.slice(colon + 2)];
}

function valueOf(fields: readonly (readonly [string, string])[], name: string): string | undefined {
  const values = fields.filter(([one]) => one.toLowerCase() === name.toLowerCase());
  assert.ok(values.length <= 1, `${name} comes ${values.length} times`);
  return values[0]?.[1];
}

function message(head: { startLine: string; fields: [string, string][] }, body: Body): Message {
  return { ...head, ...body, get: (name) => valueOf(head.fields, name) };
}

/** A server whose connections the test serves by hand. */
export class RawServer {
  readonly port: number;
  /** All of them, in the order in which they came. */
  readonly connections: RawConnection[] = [];
  private readonly server: net.Server;
  private served = 0;
  private readonly change = new Change();

  private constructor(server: net.Server) {
    this.server = server;
    this.port = (server.address() as net.AddressInfo).port;
    server.on('connection', (socket) => {
      const connection = new RawConnection(socket);
      this.connections.push(connection);
      socket.on('data', () => this.change.wake());
      this.change.wake();
    });
  }

  static async start(t: TestContext): Promise<RawServer> {
    // on all of 127.0.0.0/8, so that one may stand for several servers
    const server = net.createServer({ allowHalfOpen: true }).listen(await freePort(), '0.0.0.0');
    await once(server, 'listening');
    const raw = new RawServer(server);
    t.after(() => {
      server.close();
      for (const { socket } of raw.connections) socket.destroy();
    });
    return raw;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The next connection. */
  async connection(): Promise<RawConnection> {
    await this.wait('a connection', () => this.connections.length > this.served);
    return this.connections[this.served++];
  }

  /** A request on any connection, its head taken from there. */
  async exchange(): Promise<Exchange> {
    await this.wait('a request', () => this.connections.some(hasHead));
    const connection = this.connections.find(hasHead)!;
    return new Exchange(connection, await connection.head());
  }

  /** Whether a request has come that the test did not take. */
  get hasRequest(): boolean {
    return this.connections.some((connection) => connection.buffered !== '');
  }

  /** No server any more: what is open is reset, what comes is refused. */
  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const { socket } of this.connections) reset(socket);
    await closed;
  }

  async restart(): Promise<void> {
    this.server.listen(this.port, '0.0.0.0');
    await once(this.server, 'listening');
  }

  /** Ends all connections, and forgets them: what the proxy pools, and what a test left. */
  forget(): void {
    for (const { socket } of this.connections) socket.destroy();
    this.connections.length = 0;
    this.served = 0;
  }

  private wait(what: string, isDone: () => boolean): Promise<void> {
    return this.change.until(isDone, () => what);
  }
}

function hasHead(connection: RawConnection): boolean {
  return connection.buffered.includes('\r\n\r\n');
}

/** One request as a server got it, and what it answers. */
export class Exchange {
  readonly connection: RawConnection;
  readonly startLine: string;
  readonly fields: readonly (readonly [string, string])[];

  constructor(connection: RawConnection, head: { startLine: string; fields: [string, string][] }) {
    this.connection = connection;
    this.startLine = head.startLine;
    this.fields = head.fields;
  }

  get(name: string): string | undefined {
    return valueOf(this.fields, name);
  }

  has(name: string): boolean {
    return this.fields.some(([one]) => one.toLowerCase() === name.toLowerCase());
  }

  /** The body, whole. */
  async body(): Promise<string> {
    return (await this.wholeBody()).body;
  }

  async wholeBody(): Promise<Body> {
    if (this.has('transfer-encoding')) return this.connection.chunked();
    const length = this.get('content-length');
    return length === undefined
      ? NO_BODY
      : { framing: 'length', body: await this.connection.bytes(Number(length)), trailers: [] };
  }

  /** Any bytes. */
  send(text: string | Uint8Array): void {
    this.connection.write(text);
  }

  /** A small response of known length. */
  ok(body = 'ok', fields = ''): void {
    this.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`);
  }
}

/** A port on which connections are neither accepted nor refused: its queue, of one, is full. */
export async function silentPort(t: TestContext): Promise<number> {
  const { descriptor, address } = openListening({ family: 4, host: '127.0.0.1', port: 0 }, 0);
  t.after(() => close(descriptor));
  await RawConnection.open(t, address.port);
  return address.port;
}

/** Text that differs from place to place, so that a lost, doubled or moved byte is seen. */
export function text(length: number, seed = 1): string {
  let out = '';
  for (let i = 0; out.length < length; i++) out += `${seed}:${i.toString(36)}|`;
  return out.slice(0, length);
}

/** Fails with the place of the first difference instead of printing megabytes. */
export function assertSameText(actual: string, expected: string): void {
  if (actual === expected) return;
  const length = Math.min(actual.length, expected.length);
  let at = 0;
  while (at < length && actual[at] === expected[at]) at++;
  assert.fail(
    `differs at ${at}: ${actual.length} bytes came, ${expected.length} expected; ` +
      `${JSON.stringify(actual.slice(at, at + 80))} instead of ${JSON.stringify(expected.slice(at, at + 80))}`,
  );
}
