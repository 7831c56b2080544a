/** Clients of HTTP/2: node:http2 for what clients do, and frames one by one for what none does. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import type { TestContext } from 'node:test';
import { errorCodeName } from '../src/wire/http2/error-codes.ts';
import {
  EVENT_DATA,
  EVENT_FAULT,
  EVENT_GOAWAY,
  EVENT_HEADERS,
  EVENT_MORE,
  EVENT_PING,
  EVENT_PING_ACK,
  EVENT_RESET,
  EVENT_SETTING,
  EVENT_SETTINGS_ACK,
  EVENT_SETTINGS_END,
  EVENT_WINDOW,
  FrameReader,
} from '../src/wire/http2/frame-reader.ts';
import {
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_HEADERS,
  FRAME_HEADER_BYTES,
  PREFACE,
  SETTING_BYTES,
} from '../src/wire/http2/frame.ts';
import { emitFrameHeader, emitSettings, emitSettingsAck } from '../src/wire/http2/frame-writer.ts';
import { Change, until, WAIT_MS } from './waiting.ts';

export interface Reply {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader;
  readonly interim: readonly number[];
  readonly body: string;
  readonly trailers: http2.IncomingHttpHeaders;
  /** RST_STREAM's; 0: it has ended. */
  readonly code: number;
}

/** A connection of node:http2. It is closed when the test is over. */
export async function session(
  t: TestContext,
  origin: string | number,
  options: http2.ClientSessionOptions | http2.SecureClientSessionOptions = {},
): Promise<http2.ClientHttp2Session> {
  const client = http2.connect(typeof origin === 'number' ? `http://127.0.0.1:${origin}` : origin, options);
  client.on('error', () => undefined);
  t.after(() => client.destroy());
  await once(client, 'connect');
  return client;
}

/** One request, and what came of it. Rejects where there is no response at all. */
export function ask(
  client: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body: string | Buffer | null = null,
  trailers: http2.OutgoingHttpHeaders | null = null,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const stream = client.request(headers, { endStream: body === null, waitForTrailers: trailers !== null });
    const interim: number[] = [];
    let reply: Omit<Reply, 'body' | 'trailers' | 'code' | 'interim'> | null = null;
    let received = '';
    let receivedTrailers: http2.IncomingHttpHeaders = {};
    stream.setTimeout(WAIT_MS, () => stream.destroy(new Error('no answer')));
    stream.on('headers', (head) => interim.push(Number(head[':status'])));
    stream.on('response', (head) => (reply = { status: Number(head[':status']), headers: head }));
    stream.on('trailers', (fields) => (receivedTrailers = fields));
    stream.on('data', (data: Buffer) => (received += data.toString('latin1')));
    stream.on('wantTrailers', () => stream.sendTrailers(trailers!));
    let failure: Error | null = null;
    stream.on('error', (error) => (failure = error));
    stream.on('close', () => {
      if (reply === null) reject(failure ?? new Error(`no response, code ${stream.rstCode}`));
      else resolve({ ...reply, interim, body: received, trailers: receivedTrailers, code: stream.rstCode });
    });
    if (body !== null) stream.end(body);
  });
}

/** What a proxy said, frame by frame. */
export interface Said {
  readonly what: 'data' | 'headers' | 'settings' | 'ack' | 'ping' | 'ping-ack' | 'reset' | 'goaway' | 'window';
  readonly stream: number;
  /** Of data and blocks their bytes, of others their error code or increment. */
  readonly value: number;
  readonly ends: boolean;
}

const WHAT: Readonly<Record<number, Said['what']>> = {
  [EVENT_DATA]: 'data',
  [EVENT_HEADERS]: 'headers',
  [EVENT_SETTINGS_END]: 'settings',
  [EVENT_SETTINGS_ACK]: 'ack',
  [EVENT_PING]: 'ping',
  [EVENT_PING_ACK]: 'ping-ack',
  [EVENT_RESET]: 'reset',
  [EVENT_GOAWAY]: 'goaway',
  [EVENT_WINDOW]: 'window',
};

/** A connection of which a test says every frame. */
export class RawHttp2 {
  readonly socket: net.Socket;
  readonly said: Said[] = [];
  hasEnded = false;
  private readonly reader = new FrameReader(false);
  private readonly change = new Change();

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => this.read(data));
    for (const event of ['end', 'error', 'close'])
      socket.on(event, () => {
        this.hasEnded = true;
        this.change.wake();
      });
  }

  /** Prefaces, with these settings of ours, are exchanged. */
  static async open(t: TestContext, port: number, settings: readonly number[] = []): Promise<RawHttp2> {
    const socket = net.connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    const client = new RawHttp2(socket);
    socket.write(PREFACE);
    const ours = new Uint8Array(FRAME_HEADER_BYTES + (settings.length / 2) * SETTING_BYTES);
    emitSettings(ours, 0, settings);
    socket.write(ours);
    await client.heard('ack');
    const ack = new Uint8Array(FRAME_HEADER_BYTES);
    emitSettingsAck(ack, 0);
    socket.write(ack);
    return client;
  }

  private read(data: Buffer): void {
    const { reader } = this;
    for (let at = 0; ;) {
      at = reader.next(data, at, data.length);
      if (reader.event === EVENT_MORE) break;
      assert.notEqual(reader.event, EVENT_FAULT, `the proxy breaks a rule: fault ${reader.fault}`);
      if (reader.event === EVENT_SETTING) continue;
      const isRange = reader.event === EVENT_DATA || reader.event === EVENT_HEADERS;
      const value = isRange ? reader.to - reader.from : reader.value;
      const ends = isRange && reader.isLast && reader.endsStream;
      const what = WHAT[reader.event];
      if (what !== undefined) this.said.push({ what, stream: reader.streamId, value, ends });
    }
    this.change.wake();
  }

  frame(type: number, flags: number, stream: number, payload: Uint8Array | string = ''): void {
    this.socket.write(frame(type, flags, stream, payload));
  }

  /** A GET, or with `method` something with a body to follow unless it ends. */
  request(stream: number, path = '/', method = 'GET', ends = true): void {
    this.frame(FRAME_HEADERS, FLAG_END_HEADERS | (ends ? FLAG_END_STREAM : 0), stream, block(path, method));
  }

  /** Waits for a frame like that, and takes it. */
  async heard(what: Said['what'], stream = -1): Promise<Said> {
    const isLike = (one: Said): boolean => one.what === what && (stream < 0 || one.stream === stream);
    await this.wait(`${what} of ${stream}`, () => this.said.some(isLike));
    const index = this.said.findIndex(isLike);
    return this.said.splice(index, 1)[0];
  }

  async wait(what: string, isSo: () => boolean): Promise<void> {
    await this.change.until(
      () => {
        if (isSo()) return true;
        assert.ok(!this.hasEnded, `it ended before ${what}: ${JSON.stringify(this.said.slice(-10))}`);
        return false;
      },
      () => `${what}: ${JSON.stringify(this.said.slice(-10))}`,
    );
  }

  /** Waits for GOAWAY with an error and the end; its name. */
  async ended(): Promise<string> {
    await this.change.until(
      () => this.hasEnded,
      () => 'the end',
    );
    const last = this.said.findLast(({ what }) => what === 'goaway');
    return last === undefined ? 'without a word' : errorCodeName(last.value);
  }

  /** Writes until it is over, or often enough; a peer that is gone is no error. */
  async flood(count: number, frames: (round: number) => Uint8Array): Promise<void> {
    for (let round = 0; round < count && !this.hasEnded && !this.socket.destroyed; round++) {
      this.socket.write(frames(round));
      await new Promise((resolve) => setImmediate(resolve));
      if (this.socket.writableNeedDrain) await until(() => this.hasEnded || !this.socket.writableNeedDrain);
    }
  }
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array | string = ''): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const out = Buffer.alloc(FRAME_HEADER_BYTES + body.length);
  emitFrameHeader(out, 0, body.length, type, flags, stream);
  out.set(body, FRAME_HEADER_BYTES);
  return out;
}

/** A header block of literals that nobody indexes. */
export function block(
  path = '/',
  method = 'GET',
  more: readonly (readonly [name: string, value: string])[] = [],
): Buffer {
  const fields = [[':method', method], [':scheme', 'http'], [':path', path], [':authority', 'a.test'], ...more];
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), string(name), string(value)]));
}

function string(text: string): Buffer {
  assert.ok(text.length < 127);
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text, 'latin1')]);
}
