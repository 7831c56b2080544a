/** HTTP/2 with the clients that people have: curl, nghttp and h2load, over TLS and in clear; and with HAProxy as a client and as a server. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { type Engine, ENGINES, Evenkeel, freePort, startBackend } from './evenkeel.ts';
import { Daemon, peerSkip, runOk, sha256, temporaryDirectory } from './peers.ts';

const MIB = 1024 * 1024;

interface Site {
  readonly clear: string;
  readonly tls: string;
  /** A file with what /large is. */
  readonly large: string;
}

async function startSite(t: TestContext, engine: Engine): Promise<Site> {
  const maker = new CertificateMaker();
  t.after(() => maker.remove());
  const { certificate, key } = maker.make('one', { names: ['localhost'] });
  const large = join(temporaryDirectory(t), 'large');
  writeFileSync(large, randomBytes(3 * MIB + 1));
  const backend = await startBackend(t, (request, response) => {
    if (request.method === 'POST') {
      const hash = createHash('sha256');
      request.on('data', (data: Buffer) => hash.update(data));
      request.on('end', () => response.end(hash.digest('hex')));
    } else if (request.url === '/large') response.end(readFileSync(large));
    else response.end('a page\n');
  });
  const [clear, tls] = [await freePort(), await freePort()];
  await Evenkeel.start(
    t,
    `
listeners:
  clear: { bind: "127.0.0.1:${clear}", http2: true, routes: [ { upstream: web } ] }
  tls:
    bind: "127.0.0.1:${tls}"
    http2: true
    tls: { certificates: [ { certificate: ${certificate}, key: ${key} } ] }
    routes: [ { upstream: web } ]
upstreams: { web: { servers: [ "${backend.address}" ] } }
`,
    { engine, workers: 2 },
  );
  return { clear: `http://127.0.0.1:${clear}`, tls: `https://localhost:${tls}`, large };
}

for (const engine of ENGINES) {
  test(`[${engine}] curl over HTTP/2`, peerSkip(engine, 'curl'), async (t) => {
    const { clear, large, tls } = await startSite(t, engine);
    const ways = [
      ['--http2-prior-knowledge', clear],
      ['--http2', '-k', tls],
    ];
    for (const way of ways) {
      const version = ['-o', '/dev/null', '-w', '%{http_version} %{http_code}'];
      assert.equal(await runOk('curl', ['-s', ...version, ...way]), '2 200');
      const url = way.at(-1)!;
      const options = ['-s', ...way.slice(0, -1)];
      const got = join(temporaryDirectory(t), 'got');
      await runOk('curl', [...options, '-o', got, `${url}/large`]);
      const sum = await sha256(large);
      assert.equal(await sha256(got), sum);
      assert.equal(await runOk('curl', [...options, '--data-binary', `@${large}`, url]), sum);
      assert.equal(
        await runOk('curl', [...options, '-T', large, '-X', 'POST', '-H', 'content-length:', `${url}/x`]),
        sum,
      );
    }
    const other = await runOk('curl', ['-s', '--http1.1', '-k', '-o', '/dev/null', '-w', '%{http_version}', tls]);
    assert.equal(other, '1.1');
  });

  test(`[${engine}] nghttp and h2load`, peerSkip(engine, 'nghttp', 'h2load'), async (t) => {
    const { clear, tls } = await startSite(t, engine);
    for (const url of [clear, tls]) {
      assert.equal(await runOk('nghttp', ['--no-verify-peer', url]), 'a page\n');
      const said = await runOk('h2load', ['-n', '3000', '-c', '10', '-m', '50', `${url}/page`]);
      assert.match(said, /3000 succeeded, 0 failed, 0 errored, 0 timeout/);
      const large = await runOk('h2load', ['-n', '40', '-c', '4', '-m', '10', `${url}/large`]);
      assert.match(large, /40 succeeded, 0 failed, 0 errored, 0 timeout/);
    }
  });

  test(`[${engine}] between HAProxy and HAProxy`, peerSkip(engine, 'haproxy', 'curl'), async (t) => {
    const large = join(temporaryDirectory(t), 'large');
    writeFileSync(large, randomBytes(3 * MIB + 1));
    const web = http.createServer((request, response) => {
      if (request.method === 'POST') request.pipe(response);
      else response.end(readFileSync(large));
    });
    const sockets = new WebSocketServer({ server: web });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data as Buffer)));
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    t.after(() => {
      sockets.close();
      web.close().closeAllConnections();
    });
    const [front, port, behind] = [await freePort(), await freePort(), await freePort()];
    const file = join(temporaryDirectory(t), 'haproxy.cfg');
    writeFileSync(
      file,
      `defaults
 mode http
 timeout connect 20s
 timeout client 60s
 timeout server 60s
 timeout tunnel 60s
frontend front
 bind 127.0.0.1:${front}
 default_backend evenkeel
backend evenkeel
 server s 127.0.0.1:${port} proto h2
frontend behind
 bind 127.0.0.1:${behind} proto h2
 default_backend web
backend web
 server s 127.0.0.1:${(web.address() as AddressInfo).port}
`,
    );
    await Daemon.start(t, 'haproxy', ['-db', '-f', file], front);
    await Evenkeel.start(
      t,
      `
listeners: { web: { bind: "127.0.0.1:${port}", http2: true, routes: [ { upstream: haproxy } ] } }
upstreams: { haproxy: { protocol: http2, servers: [ "127.0.0.1:${behind}" ] } }
`,
      { engine, workers: 1 },
    );
    const sum = await sha256(large);
    const got = join(temporaryDirectory(t), 'got');
    const url = `http://127.0.0.1:${front}/`;
    await runOk('curl', ['-sS', '-o', got, url]);
    assert.equal(await sha256(got), sum);
    await runOk('curl', ['-sS', '-o', got, '-H', 'expect:', '--data-binary', `@${large}`, url]);
    assert.equal(await sha256(got), sum);
    const socket = new WebSocket(`ws://127.0.0.1:${front}/socket`);
    await once(socket, 'open');
    for (const bytes of [Buffer.from('hello'), randomBytes(MIB)]) {
      const answer = once(socket, 'message');
      socket.send(bytes);
      assert.ok(((await answer)[0] as Buffer).equals(bytes), `${bytes.length} bytes`);
    }
    socket.close();
  });
}
