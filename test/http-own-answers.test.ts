/** Requests that the proxy answers by itself can be found afterwards: by their identifier, in the log and in status. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, program } from './evenkeel.ts';
import { RawConnection, RawServer } from './raw.ts';

for (const engine of ENGINES) {
  test(
    `[${engine}] a body that is here with its request is no reason to close behind an answer`,
    engineSkip(engine),
    async (t) => {
      const port = await freePort();
      const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes: [ { respond: { status: 200, body: "{path}" } } ]
`;
      await Evenkeel.start(t, yaml, { engine, workers: 1 });
      const client = await RawConnection.open(t, port);
      const chunked = 'POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n';
      client.write(`POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 25\r\n\r\nGET /inside HTTP/1.1\r\n\r\n\n${chunked}`);
      client.write('GET /d HTTP/1.1\r\nHost: a\r\n\r\n');
      for (const path of ['/a', '/c', '/d']) {
        const response = await client.response();
        assert.deepEqual([response.body, response.get('connection')], [path, undefined]);
      }
      client.write('POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab');
      const response = await client.response();
      assert.deepEqual([response.body, response.get('connection')], ['/e', 'close']);
      assert.equal((await client.ending()).how, 'end');
    },
  );

  test(`[${engine}] a request that the proxy answered by itself can be found`, engineSkip(engine), async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-answers-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const [port, deadPort] = [await freePort(), await freePort()];
    const server = await RawServer.start(t);
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    forwarded: { trust: 127.0.0.1 }
    routes:
      - { match: { path: /dead }, upstream: dead }
      - { match: { path: /web }, upstream: web }
upstreams:
  web: { servers: [ "${server.address}" ] }
  dead: { servers: [ "127.0.0.1:${deadPort}" ] }
`,
      { engine, workers: 2, env: { RUNTIME_DIRECTORY: directory } },
    );

    const ask = async (request: string): Promise<{ status: number; id: string; body: string }> => {
      const client = await RawConnection.open(t, port);
      client.write(request);
      const { status, body, ...response } = await client.response(request.split(' ')[0]);
      const id = response.get('x-request-id');
      client.socket.destroy();
      assert.ok(id !== undefined, 'no X-Request-Id');
      return { status, id, body };
    };

    const dead = await ask('GET /dead HTTP/1.1\r\nHost: a\r\nX-Request-Id: from-a-proxy/1\r\n\r\n');
    assert.equal(dead.status, 502);
    assert.equal(dead.id, 'from-a-proxy/1');
    assert.equal(dead.body, '502 Bad Gateway: the server could not be reached\nrequest id: from-a-proxy/1\n');
    await evenkeel.said(
      /upstream dead: 1 request answered 502: the server could not be reached .*request=from-a-proxy\/1\n/,
    );

    const head = await ask('HEAD /dead HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.match(head.id, /^[0-9a-f]{32}$/);
    assert.equal(head.body, '');

    const lost = await ask('GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal(lost.status, 404);
    assert.equal(lost.body, `404 Not Found: no route matches\nrequest id: ${lost.id}\n`);
    await evenkeel.said(new RegExp(`listener web: 1 request answered 404: no route matches .*request=${lost.id}\n`));

    const malformed = await ask('GET /web HTTP/1.1\r\nHost : a\r\n\r\n');
    assert.equal(malformed.status, 400);
    assert.ok(malformed.body.endsWith(`\nrequest id: ${malformed.id}\n`));

    // a server that had the request had it by the same name
    const client = await RawConnection.open(t, port);
    client.write('GET /web HTTP/1.1\r\nHost: a\r\n\r\n');
    const exchange = await server.exchange();
    exchange.connection.socket.destroy();
    const broken = await client.response();
    assert.equal(broken.status, 502);
    assert.equal(broken.get('x-request-id'), exchange.get('x-request-id'));

    for (let i = 0; i < 50; i++) await ask('GET /dead HTTP/1.1\r\nHost: a\r\n\r\n');
    const status = spawnSync(process.execPath, [program, 'status', '--json'], {
      env: { ...process.env, RUNTIME_DIRECTORY: directory },
    });
    const { answers } = JSON.parse(status.stdout.toString()) as { answers: { name: string; count: number }[] };
    const count = (name: string): number | undefined => answers.find((answer) => answer.name === name)?.count;
    assert.equal(count('connect-failed'), 52);
    assert.equal(count('no-route'), 1);
    assert.equal(count('server-reset'), 1);
    assert.equal(count('field-space'), 1);
    // however many there are, the log has the first of a kind, and the rest once a minute
    assert.equal(evenkeel.stderr.match(/upstream dead: /g)?.length, 1);
  });
}
