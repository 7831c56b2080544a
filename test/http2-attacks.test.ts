/** Attacks that HTTP/2 makes possible: each ends its own connection, with its reason in the log, and no other client notices. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_CONTINUATION as CONTINUATION,
  FRAME_DATA as DATA,
  FRAME_HEADERS as HEADERS,
  FRAME_PING as PING,
  FRAME_PRIORITY as PRIORITY,
  FRAME_RST_STREAM as RST,
  FRAME_SETTINGS as SETTINGS,
  FRAME_WINDOW_UPDATE as WINDOW,
} from '../src/wire/http2/frame.ts';
import { SETTING_INITIAL_WINDOW_SIZE } from '../src/wire/http2/settings.ts';
import { engineSkip, ENGINES, Evenkeel, freePort, get, startBackend } from './evenkeel.ts';
import { ask, block, frame, RawHttp2, session } from './http2-client.ts';
import { status } from './upgrading.ts';
import { until } from './waiting.ts';

const END = FLAG_END_STREAM | FLAG_END_HEADERS;
const CANCEL = Buffer.of(0, 0, 0, 8);
const NONE = Buffer.of(0, 0, 0, 0);

/** So many times, in parts of a hundred: an attacker that writes fast. */
function many(one: (round: number) => Buffer): (round: number) => Buffer {
  return (round) => Buffer.concat(Array.from({ length: 100 }, (_, i) => one(round * 100 + i)));
}

function odd(round: number): number {
  return 2 * round + 1;
}

for (const engine of ENGINES) {
  test(`[${engine}] attacks over HTTP/2`, engineSkip(engine), async (t) => {
    const waiting = new Set<() => void>();
    const backend = await startBackend(t, (request, response) => {
      const { url = '' } = request;
      if (url === '/wait') {
        waiting.add(() => response.end());
        response.on('close', () => waiting.clear());
      } else if (url === '/big') response.end(Buffer.alloc(300_000, 'x'));
      else {
        request.resume();
        response.end('ok');
      }
    });
    const port = await freePort();
    const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    timeouts: { head: 1s, body: 2s }
    routes: [ { match: { path: { exact: /own } }, respond: { body: own } }, { upstream: web } ]
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, hasSocket: true });
    const honest = await session(t, port);

    /** Nobody else has noticed. */
    async function others(): Promise<void> {
      assert.equal((await ask(honest, { ':path': '/' })).body, 'ok');
      assert.equal((await get(port)).body, 'ok');
    }

    async function counted(kind: string): Promise<number> {
      const { answers } = await status(evenkeel);
      return answers.find(({ name }) => name === kind)?.count ?? 0;
    }

    const floods: readonly (readonly [name: string, begin: string | null, one: (round: number) => Buffer])[] = [
      [
        'rapid reset',
        null,
        (i) => Buffer.concat([frame(HEADERS, END, odd(i), block('/wait')), frame(RST, 0, odd(i), CANCEL)]),
      ],
      [
        'resets that the proxy is made to send',
        null,
        (i) => Buffer.concat([frame(HEADERS, END, odd(i), block('/wait')), frame(WINDOW, 0, odd(i), NONE)]),
      ],
      ['PING', null, () => frame(PING, 0, 0, '12345678')],
      ['SETTINGS', null, () => frame(SETTINGS, 0, 0)],
      ['PRIORITY', null, (i) => frame(PRIORITY, 0, odd(i), Buffer.of(0, 0, 0, 0, 1))],
      ['frames of unknown types', null, () => frame(77, 0, 0, 'x')],
      ['WINDOW_UPDATE', null, () => frame(WINDOW, 0, 0, Buffer.of(0, 0, 0, 1))],
      ['empty frames of a body', '/', () => frame(DATA, 0, 1)],
      ['frames with a byte each', '/', () => frame(DATA, 0, 1, 'x')],
    ];
    for (const [name, begin, one] of floods) {
      await t.test(name, async (t) => {
        const floodsBefore = await counted('http2-flood');
        const client = await RawHttp2.open(t, port);
        if (begin !== null) client.request(1, begin, 'POST', false);
        await client.flood(200_000, many(one));
        // its last word may be lost under what it still sends
        assert.match(await client.ended(), /^(ENHANCE_YOUR_CALM|without a word)$/);
        await until(async () => (await counted('http2-flood')) === floodsBefore + 1);
        await others();
      });
    }

    await evenkeel.said(/warn {2}listener web: .* of HTTP\/2 ended: .* reason=http2-flood cause=resets/);

    await t.test('a head in too many frames, or without an end', async (t) => {
      const client = await RawHttp2.open(t, port);
      client.frame(HEADERS, FLAG_END_STREAM, 1, block('/'));
      for (let i = 0; i < 20; i++) client.frame(CONTINUATION, 0, 1, Buffer.of(0, 1, 0x61, 1, 0x62));
      assert.equal(await client.ended(), 'ENHANCE_YOUR_CALM');
      const large = await RawHttp2.open(t, port);
      large.frame(HEADERS, FLAG_END_STREAM, 1, block('/'));
      large.frame(CONTINUATION, 0, 1, Buffer.alloc(16_384, 0x82));
      assert.equal(await large.ended(), 'ENHANCE_YOUR_CALM');
      const late = await RawHttp2.open(t, port);
      late.frame(HEADERS, FLAG_END_STREAM, 1, block('/'));
      assert.equal(await late.ended(), 'NO_ERROR');
      await others();
    });

    await t.test('a small block that unpacks to much', async (t) => {
      const client = await RawHttp2.open(t, port);
      const large = Buffer.concat([Buffer.of(0x40, 1, 0x61, 0x7f, 0xa1, 0x0e), Buffer.alloc(1952, 'v')]);
      client.frame(HEADERS, END, 1, Buffer.concat([block('/own'), large, Buffer.alloc(14_000, 0xbe)]));
      const { ends } = await client.heard('headers', 1);
      assert.ok(!ends, 'it is answered 431, with a text');
      client.request(3, '/own');
      await client.heard('headers', 3);
      await others();
    });

    await t.test('rules that are broken, each with its code', async (t) => {
      const cases: readonly (readonly [cause: string, code: string, frames: readonly Buffer[]])[] = [
        ['stream-id', 'PROTOCOL_ERROR', [frame(HEADERS, END, 2, block('/'))]],
        ['idle-stream', 'PROTOCOL_ERROR', [frame(DATA, 0, 9, 'x')]],
        ['frame-size', 'FRAME_SIZE_ERROR', [frame(PING, 0, 0, 'x')]],
        ['window-overflow', 'FLOW_CONTROL_ERROR', [frame(WINDOW, 0, 0, Buffer.of(0x7f, 0xff, 0xff, 0xff))]],
        [
          'continuation',
          'PROTOCOL_ERROR',
          [frame(HEADERS, FLAG_END_STREAM, 1, block('/')), frame(PING, 0, 0, '12345678')],
        ],
        ['hpack-index', 'COMPRESSION_ERROR', [frame(HEADERS, END, 1, Buffer.of(0xff, 0xff, 0x01))]],
      ];
      for (const [cause, code, frames] of cases) {
        const client = await RawHttp2.open(t, port);
        client.socket.write(Buffer.concat(frames));
        assert.equal(await client.ended(), code, cause);
      }
      await others();
    });

    await t.test('requests that would be two to a server of HTTP/1 are none', async (t) => {
      const wrong: readonly Buffer[] = [
        block('/ HTTP/1.1\r\nx: y'),
        block('/', 'GET / HTTP/1.1\r\n'),
        block('no-slash'),
        block('/', 'GET', [['transfer-encoding', 'chunked']]),
        block('/', 'GET', [['x', 'a\r\nb: c']]),
        block('/', 'GET', [['X-Upper', 'a']]),
        block('/', 'GET', [['content-length', '5']]),
        block('/', 'GET', [['host', 'other.test']]),
        block('/', 'GET', [[':path', '/two']]),
        block('/', 'GET', [['connection', 'close']]),
      ];
      const client = await RawHttp2.open(t, port);
      const before = backend.count;
      for (const [i, bytes] of wrong.entries()) {
        client.frame(HEADERS, END, odd(i), bytes);
        assert.equal((await client.heard('reset', odd(i))).value, 1, 'PROTOCOL_ERROR');
      }
      assert.equal(backend.count, before);
      client.request(odd(wrong.length), '/own');
      await client.heard('headers', odd(wrong.length));
    });

    await t.test('streams that never get a window are cut off, and hold no server', async (t) => {
      const client = await RawHttp2.open(t, port, [SETTING_INITIAL_WINDOW_SIZE, 0]);
      for (let i = 0; i < 50; i++) client.request(odd(i), '/big');
      for (let i = 0; i < 50; i++) await client.heard('reset', odd(i));
      await others();
    });

    await t.test('a response that is taken by the byte is cut off', async (t) => {
      const client = await RawHttp2.open(t, port, [SETTING_INITIAL_WINDOW_SIZE, 1]);
      client.request(1, '/big');
      const timer = setInterval(() => client.frame(WINDOW, 0, 1, Buffer.of(0, 0, 0, 1)), 100);
      t.after(() => clearInterval(timer));
      assert.equal((await client.heard('reset', 1)).value, 8, 'CANCEL');
      clearInterval(timer);
      await others();
    });

    await t.test('a client that asks and does not read is cut off', async (t) => {
      const client = await RawHttp2.open(t, port);
      client.socket.pause();
      client.frame(WINDOW, 0, 0, Buffer.of(0x7f, 0, 0, 0));
      for (let i = 0; i < 90; i++) {
        client.request(odd(i), '/big');
        client.frame(WINDOW, 0, odd(i), Buffer.of(0x7f, 0, 0, 0));
      }
      const cutOff = await counted('client-too-slow');
      await until(async () => (await counted('client-too-slow')) > cutOff);
      await others();
    });

    await t.test('a body that comes by the byte is too slow', async (t) => {
      const client = await RawHttp2.open(t, port);
      client.frame(HEADERS, FLAG_END_HEADERS, 1, block('/wait', 'POST', [['content-length', '5000']]));
      const timer = setInterval(() => client.frame(DATA, 0, 1, 'x'), 100);
      t.after(() => clearInterval(timer));
      await client.heard('headers', 1);
      clearInterval(timer);
      await others();
    });
  });
}
