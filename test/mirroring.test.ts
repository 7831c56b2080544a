/** Copies of requests: they get where they should, whatever becomes of them is nobody's matter, and they are bounded. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { text } from 'node:stream/consumers';
import { engineSkip, ENGINES, Evenkeel, freePort, startBackend } from './evenkeel.ts';
import { session } from './http2-client.ts';
import { until } from './waiting.ts';

interface Seen {
  readonly url: string;
  readonly body: string;
  readonly mark: string;
}

async function send(
  port: number,
  method: string,
  path: string,
  body = '',
  more: http.OutgoingHttpHeaders = {},
): Promise<string> {
  const headers = { 'Content-Length': body.length, ...more };
  const request = http.request({ port, host: '127.0.0.1', path, method, headers });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  return `${response.statusCode} ${await text(response)}`;
}

for (const engine of ENGINES) {
  test(`[${engine}] copies of requests go elsewhere, and nobody waits for them`, engineSkip(engine), async (t) => {
    const main = await startBackend(t, (request, response) => {
      request.resume().on('end', () => response.end('main'));
    });
    const seen: Seen[] = [];
    let isSilent = false;
    const shadow = await startBackend(t, async (request, response) => {
      seen.push({
        url: request.url!,
        body: await text(request),
        mark: [request.headers['x-copy'], request.headers.upgrade].filter((word) => word !== undefined).join(' '),
      });
      if (!isSilent) response.end('x'.repeat(200_000));
    });
    const port = await freePort();
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    routes:
      - match: { path: /bare }
        upstream: main
        mirror: [ { call: shadow, body: false } ]
      - match: { path: /to }
        upstream: main
        rewrite: { prefix: /else }
        mirror: [ { to: "/copied{path}" }, { call: shadow } ]
      - { match: { path: /dead }, upstream: main, mirror: [ { call: dead } ] }
      - { match: { path: /copied }, internal: true, upstream: shadow, headers: { request: { set: { X-Copy: "to" } } } }
      - { name: shadow, upstream: shadow, headers: { request: { set: { X-Copy: "call" } } } }
      - { name: dead, upstream: dead }
      - { upstream: main, mirror: [ { call: shadow } ] }
upstreams:
  main: { servers: [ "${main.address}" ] }
  shadow: { servers: [ "${shadow.address}" ] }
  dead: { servers: [ "127.0.0.1:${await freePort()}" ] }
`,
      { engine, hasSocket: true },
    );
    const copies = async (count: number): Promise<Seen[]> => {
      await until(
        () => seen.length >= count,
        () => `the other server has seen ${JSON.stringify(seen)}`,
      );
      return seen.splice(0).sort((a, b) => a.mark.localeCompare(b.mark));
    };

    assert.equal(await send(port, 'GET', '/a?b=c'), '200 main');
    assert.deepEqual(await copies(1), [{ url: '/a?b=c', body: '', mark: 'call' }]);
    assert.equal(await send(port, 'POST', '/a', 'hello'), '200 main');
    assert.deepEqual(await copies(1), [{ url: '/a', body: 'hello', mark: 'call' }]);
    assert.equal(await send(port, 'POST', '/bare', 'hello'.repeat(10_000)), '200 main');
    assert.deepEqual(await copies(1), [{ url: '/bare', body: '', mark: 'call' }]);
    assert.equal(await send(port, 'POST', '/to', 'both'), '200 main');
    assert.deepEqual(await copies(2), [
      { url: '/to', body: 'both', mark: 'call' },
      { url: '/copied/to', body: 'both', mark: 'to' },
    ]);

    // a copy asks for no other protocol: nobody would speak it
    assert.equal(await send(port, 'GET', '/up', '', { Connection: 'upgrade', Upgrade: 'websocket' }), '200 main');
    assert.deepEqual(await copies(1), [{ url: '/up', body: '', mark: 'call' }]);

    const client = await session(t, port);
    const stream = client.request({ ':method': 'POST', ':path': '/h2', 'content-length': 5 });
    stream.end('hello');
    assert.equal(await text(stream), 'main');
    assert.deepEqual(await copies(1), [{ url: '/h2', body: 'hello', mark: 'call' }]);

    // what has no copy is told, and no client's matter
    assert.equal(await send(port, 'POST', '/long', 'hello'.repeat(10_000)), '200 main');
    await evenkeel.said(/let in: a copy of it is not sent/);
    assert.equal(await send(port, 'GET', '/dead'), '200 main');
    await evenkeel.said(/let in: a copy of it had no response/);
    assert.deepEqual(seen, []);

    // a server that does not answer holds so many copies, and no client
    isSilent = true;
    for (let i = 0; i < 200; i++) assert.equal(await send(port, 'GET', `/${i}`), '200 main');
    await until(() => seen.length >= 100);
    assert.ok(seen.length <= 128 * evenkeel.proxies().length, `${seen.length} copies are under way`);
  });
}
