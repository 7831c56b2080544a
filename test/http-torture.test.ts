/**
 * Many clients and a server that do everything badly, on real sockets: split, reset, end early, read slowly. Whoever gets a
 * whole response has the one that belongs to its request; the proxy lives, and holds nothing afterwards.
 *
 * What a request and its response are follows from the number in its path, so that both sides know it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import { Prng } from '../src/base/prng.ts';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { assertSameText, RawConnection, text } from './raw.ts';
import { until } from './waiting.ts';

const SIZES = [0, 1, 100, 2000, 5000, 33_000, 70_000, 400_000];
const CLIENTS = 24;
const REQUESTS = 1500;

interface Script {
  readonly requestBody: string;
  readonly isRequestChunked: boolean;
  readonly body: string;
  readonly framing: 'length' | 'chunked' | 'close';
  /** Of the server: before a response, or in the middle of it. */
  readonly fault: 'none' | 'before' | 'reset' | 'end';
  readonly closesAfter: boolean;
  /** Of the client: gives up somewhere. */
  readonly isImpatient: boolean;
  readonly isSlow: boolean;
}

function scriptOf(number: number): Script {
  const prng = new Prng(number);
  const pick = <T>(list: readonly T[]): T => list[prng.below(list.length)];
  const hasBody = prng.oneIn(2);
  return {
    requestBody: hasBody ? text(pick(SIZES), number) : '',
    isRequestChunked: prng.oneIn(2),
    body: text(pick(SIZES), number + 1),
    framing: pick(['length', 'length', 'chunked', 'close']),
    fault: prng.oneIn(6) ? pick(['before', 'reset', 'end']) : 'none',
    closesAfter: prng.oneIn(8),
    isImpatient: prng.oneIn(10),
    isSlow: prng.oneIn(10),
  };
}

for (const engine of ENGINES) {
  test(`[${engine}] bad clients and a bad server`, engineSkip(engine), async (t) => {
    const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const open = new Set<net.Socket>();
    server.on('connection', (socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      void serve(new RawConnection(socket)).catch(() => socket.destroy());
    });
    t.after(() => {
      server.close();
      for (const socket of open) socket.destroy();
    });
    const port = await freePort();
    const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "127.0.0.1:${(server.address() as net.AddressInfo).port}" ], pool: { idle: 4 }, timeouts: { idle: 1s } } }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const [pid] = evenkeel.proxies();
    const descriptors = (): number => readdirSync(`/proc/${pid}/fd`).length;
    const before = descriptors();

    let next = 1;
    let whole = 0;
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (next <= REQUESTS) {
        const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
        const connection = new RawConnection(socket);
        await once(socket, 'connect');
        for (let i = 0; i < 5; i++) {
          const number = next++;
          const goesOn = await ask(connection, number);
          if (goesOn === 'whole') whole++;
          else break;
        }
        socket.destroy();
      }
    });
    await Promise.all(clients);
    assert.deepEqual(evenkeel.proxies(), [pid], evenkeel.stderr);
    assert.ok(whole > 100, `${whole} whole responses of ${next} requests`);

    await until(
      () => descriptors() <= before && open.size === 0,
      () => `${descriptors()} descriptors, ${before} before; ${open.size} connections at the server`,
    );
  });
}

/** One request; says whether the connection can go on. */
async function ask(connection: RawConnection, number: number): Promise<'whole' | 'over'> {
  const script = scriptOf(number);
  const prng = new Prng(-number);
  const framing = script.isRequestChunked
    ? 'Transfer-Encoding: chunked'
    : `Content-Length: ${script.requestBody.length}`;
  const body = script.isRequestChunked ? inChunks(script.requestBody, prng) : script.requestBody;
  const request = `PUT /${number} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n${body}`;
  const isCut = script.isImpatient && prng.oneIn(2);
  await writeInPieces(connection, isCut ? request.slice(0, prng.below(request.length)) : request, prng);
  if (script.isImpatient) {
    if (prng.oneIn(2)) connection.reset();
    else connection.socket.destroy();
    return 'over';
  }
  if (script.isSlow) {
    connection.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, prng.below(300)));
    connection.socket.resume();
  }
  try {
    const response = await connection.response();
    if (response.status === 502) {
      assert.notEqual(script.fault, 'none', `request ${number}: 502, but its server has done nothing wrong`);
    } else {
      assert.equal(response.status, 200, `request ${number}`);
      assert.ok(script.fault === 'none', `request ${number}: whole, but its server has not sent all of it`);
      assertSameText(response.body, script.body);
      assert.equal(response.get('x-number'), `${number}`);
    }
    return response.get('connection') === 'close' ? 'over' : 'whole';
  } catch (error) {
    // what the server has not cut must come whole
    if (script.fault === 'none' || !connection.hasEnded) throw error;
    return 'over';
  }
}

/** Serves the requests of one connection as their scripts say. */
async function serve(connection: RawConnection): Promise<void> {
  for (;;) {
    const head = await connection.head();
    const number = Number(/^PUT \/(\d+) /.exec(head.startLine)![1]);
    const script = scriptOf(number);
    const prng = new Prng(number ^ 0x5555);
    const length = head.fields.find(([name]) => name === 'Content-Length');
    const body = length === undefined ? (await connection.chunked()).body : await connection.bytes(Number(length[1]));
    assertSameText(body, script.requestBody);
    if (script.fault === 'before') {
      connection.reset();
      return;
    }
    const fields = `X-Number: ${number}\r\n${script.closesAfter ? 'Connection: close\r\n' : ''}`;
    let response = `HTTP/1.1 200 OK\r\n${fields}`;
    if (script.framing === 'length') response += `Content-Length: ${script.body.length}\r\n\r\n${script.body}`;
    else if (script.framing === 'chunked')
      response += `Transfer-Encoding: chunked\r\n\r\n${inChunks(script.body, prng)}`;
    else response += `\r\n${script.body}`;
    const isCut = script.fault !== 'none';
    // a body until close has no end but the reset: there an early FIN would be the end
    await writeInPieces(connection, isCut ? response.slice(0, prng.below(response.length)) : response, prng);
    if (isCut && (script.fault === 'reset' || script.framing === 'close')) {
      connection.reset();
      return;
    }
    if (isCut || script.closesAfter || script.framing === 'close') {
      connection.end();
      await connection.ending();
      connection.socket.destroy();
      return;
    }
  }
}

async function writeInPieces(connection: RawConnection, bytes: string, prng: Prng): Promise<void> {
  const pieces = prng.oneIn(2) ? 1 : 1 + prng.below(6);
  let at = 0;
  for (let i = 1; i <= pieces; i++) {
    const end = i === pieces ? bytes.length : at + prng.below(bytes.length - at + 1);
    if (end > at) connection.write(bytes.slice(at, end));
    at = end;
    if (i < pieces) await new Promise((resolve) => setTimeout(resolve, prng.below(4)));
  }
}

function inChunks(body: string, prng: Prng): string {
  let out = '';
  for (let at = 0; at < body.length;) {
    const chunk = body.slice(at, at + 1 + prng.below(40_000));
    out += `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
    at += chunk.length;
  }
  return `${out}0\r\n\r\n`;
}
