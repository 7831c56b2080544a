import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, test, type TestContext } from 'node:test';
import type { Address } from '../../base/address.ts';
import type { HealthPlan } from '../../config/plan/health.ts';
import { probe } from './probe.ts';

const TCP: HealthPlan = {
  probe: { kind: 'tcp' },
  port: null,
  proxyProtocol: null,
  tls: null,
  intervalMs: 1_000,
  timeoutMs: 5_000,
  rise: 1,
  fall: 1,
  jitter: 0,
  retryMs: null,
  initial: 'up',
};
const HTTP_PROBE = {
  kind: 'http',
  method: 'GET',
  path: '/healthz',
  host: null,
  statuses: [[200, 299]],
  body: null,
} as const;
const HTTP: HealthPlan = { ...TCP, probe: HTTP_PROBE };

async function listen(t: TestContext, server: net.Server): Promise<Address> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    if (server instanceof http.Server) server.closeAllConnections();
  });
  return { family: 4, host: '127.0.0.1', port: (server.address() as net.AddressInfo).port };
}

function answer(t: TestContext, bytes: string): Promise<Address> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(bytes));
  });
  return listen(t, server);
}

test('a probe goes where the check says, whatever address the server has', async (t) => {
  const { host, port } = await listen(
    t,
    net.createServer((socket) => socket.resume()),
  );
  const health = { ...TCP, address: { family: 4 as const, host } };
  const server: Address = { family: 6, host: '2001:db8::1', port };
  assert.deepEqual(await probe(health, server, 'x'), { isPassed: true, reason: 'connected' });
  const other = { ...health, port };
  assert.deepEqual(await probe(other, { ...server, port: 1 }, 'x'), { isPassed: true, reason: 'connected' });
});

test('a TCP probe passes where somebody listens and fails where nobody does', async (t) => {
  const server = net.createServer((socket) => socket.resume());
  const address = await listen(t, server);
  assert.deepEqual(await probe(TCP, address, 'x'), { isPassed: true, reason: 'connected' });
  server.close();
  await once(server, 'close');
  assert.deepEqual(await probe(TCP, address, 'x'), { isPassed: false, reason: 'connection refused' });
});

test('a UDP probe passes where something comes back or nothing does, and fails where the system says that nobody is there', async (t) => {
  const server = dgram.createSocket('udp4');
  const questions: string[] = [];
  let isSilent = false;
  server.on('message', (question, { port, address }) => {
    questions.push(question.toString());
    if (!isSilent) server.send('here', port, address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const address: Address = { family: 4, host: '127.0.0.1', port: server.address().port };
  const health: HealthPlan = { ...TCP, probe: { kind: 'udp', send: 'hello' }, timeoutMs: 60_000 };
  t.after(() => server.close());
  assert.deepEqual(await probe(health, address, 'x'), { isPassed: true, reason: 'answer: here' });
  isSilent = true;
  const silent = await probe({ ...health, probe: { kind: 'udp', send: null }, timeoutMs: 100 }, address, 'x');
  assert.deepEqual(silent, { isPassed: true, reason: 'no answer within 100 ms' });
  assert.deepEqual(questions, ['hello', '']);
  const nobody = await probe(health, { ...address, port: 1 }, 'x');
  assert.deepEqual(nobody, { isPassed: false, reason: 'connection refused' });
});

test('a file of this node says whether a server is up', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-probe-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'maintenance');
  const health: HealthPlan = { ...TCP, probe: { kind: 'file', path } };
  const nowhere: Address = { family: 4, host: '127.0.0.1', port: 1 };
  const said = async (text: string): Promise<unknown> => {
    writeFileSync(path, text);
    return probe(health, nowhere, 'x');
  };
  const missing = 'the file counts as 0: there is no such file';
  assert.deepEqual(await probe(health, nowhere, 'x'), { isPassed: true, reason: missing });
  assert.deepEqual(await said('1\n'), { isPassed: false, reason: 'the file says 1' });
  assert.deepEqual(await said(' -5 of something'), { isPassed: false, reason: 'the file says -5' });
  assert.deepEqual(await said('0'), { isPassed: true, reason: 'the file says 0' });
  assert.deepEqual(await said(''), { isPassed: true, reason: 'the file says 0' });
});

test('an HTTP probe sends a request of its own and judges the status', async (t) => {
  let status = 204;
  const seen: (string | undefined)[] = [];
  const server = http.createServer((request, response) => {
    seen.push(request.method, request.url, request.headers.host, request.headers.connection);
    response.writeHead(status).end();
  });
  const address = await listen(t, server);
  assert.deepEqual(await probe(HTTP, address, 'api.internal:8080'), { isPassed: true, reason: 'status 204' });
  assert.deepEqual(seen, ['GET', '/healthz', 'api.internal:8080', 'close']);
  status = 500;
  assert.deepEqual(await probe(HTTP, address, 'x'), { isPassed: false, reason: 'status 500' });
  status = 301;
  assert.deepEqual(await probe(HTTP, address, 'x'), { isPassed: false, reason: 'status 301' });
});

test('an HTTP probe of servers that speak HTTP/2 does, too', async (t) => {
  const seen: (string | string[] | undefined)[] = [];
  const server = http2.createServer((request, response) => {
    seen.push(request.headers[':authority'], request.method);
    response.writeHead(request.url === '/healthz' ? 204 : 200).end('all well');
  });
  const address = await listen(t, server);
  const plan = { ...HTTP, probe: { ...HTTP_PROBE, protocol: 'http2' } } as const;
  assert.deepEqual(await probe(plan, address, 'a.test'), { isPassed: true, reason: 'status 204' });
  assert.deepEqual(seen, ['a.test', 'GET']);
  const looking = { ...plan, probe: { ...plan.probe, path: '/', body: 'well' } };
  assert.deepEqual(await probe(looking, address, 'a.test'), { isPassed: true, reason: 'status 200' });
  const reasonOf = async (bytes: string): Promise<string> =>
    (await probe(plan, await answer(t, bytes), 'a.test')).reason;
  assert.equal(await reasonOf('HTTP/1.1 400 Bad Request\r\n\r\n'), 'the answer is not HTTP/2');
  assert.equal(await reasonOf(''), 'closed without an answer');
  assert.equal((await probe(plan, { ...address, port: 1 }, 'a.test')).reason, 'connection refused');
  server.close();
});

test('a gRPC probe asks grpc.health.v1', async (t) => {
  const asked: string[] = [];
  let said = Buffer.of(0, 0, 0, 0, 2, 8, 1);
  const server = http2.createServer();
  server.on('stream', (stream, headers) => {
    asked.push(`${headers[':path']} ${headers['content-type']}`);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.on('data', (data: Buffer) => asked.push(data.toString('latin1')));
    stream.on('end', () => stream.end(said));
  });
  const address = await listen(t, server);
  const plan: HealthPlan = { ...TCP, probe: { kind: 'grpc', service: 'a.B' } };
  assert.deepEqual(await probe(plan, address, 'x'), { isPassed: true, reason: 'SERVING' });
  assert.deepEqual(asked, ['/grpc.health.v1.Health/Check application/grpc', '\0\0\0\0\x05\n\x03a.B']);
  said = Buffer.of(0, 0, 0, 0, 2, 8, 2);
  assert.deepEqual(await probe(plan, address, 'x'), { isPassed: false, reason: 'NOT_SERVING' });
  said = Buffer.alloc(100_000);
  assert.deepEqual(await probe(plan, address, 'x'), { isPassed: false, reason: 'the answer is too long' });
  server.close();
});

test('the Host of a probe can be given', async (t) => {
  const hosts: (string | undefined)[] = [];
  const address = await listen(
    t,
    http.createServer((request, response) => {
      hosts.push(request.headers.host);
      response.end();
    }),
  );
  await probe({ ...HTTP, probe: { ...HTTP_PROBE, host: 'shop.example' } }, address, 'x');
  assert.deepEqual(hosts, ['shop.example']);
});

test('the body must have the expected text, within its first 64 KiB', async (t) => {
  let body = '{"status":"ok"}';
  const address = await listen(
    t,
    http.createServer((_, response) => response.end(body)),
  );
  const health: HealthPlan = { ...HTTP, probe: { ...HTTP_PROBE, body: '"ok"' } };
  assert.equal((await probe(health, address, 'x')).isPassed, true);
  body = '{"status":"bad"}';
  const missing = { isPassed: false, reason: 'the body does not have the expected text' };
  assert.deepEqual(await probe(health, address, 'x'), missing);
  body = `${' '.repeat(64 * 1024 - 4)}"ok"`;
  assert.equal((await probe(health, address, 'x')).isPassed, true);
  body = `${' '.repeat(64 * 1024 - 3)}"ok"`;
  assert.deepEqual(await probe(health, address, 'x'), missing);
});

test('a server that accepts and says nothing fails at the timeout', async (t) => {
  const address = await listen(
    t,
    net.createServer((socket) => socket.resume().on('error', () => undefined)),
  );
  assert.deepEqual(await probe({ ...HTTP, timeoutMs: 50 }, address, 'x'), {
    isPassed: false,
    reason: 'no answer within 50 ms',
  });
});

test('an answer that drips for ever fails at the timeout too', async (t) => {
  const address = await listen(
    t,
    net.createServer((socket) => {
      socket.on('error', () => undefined).write('HTTP/1.1 200 OK\r\n\r\n');
      const timer = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => clearInterval(timer));
    }),
  );
  const health: HealthPlan = { ...HTTP, timeoutMs: 100, probe: { ...HTTP_PROBE, body: 'never' } };
  assert.equal((await probe(health, address, 'x')).reason, 'no answer within 100 ms');
});

test('what is no HTTP, a connection cut in the middle, and an upgrade are failures with a reason', async (t) => {
  assert.equal((await probe(HTTP, await answer(t, 'SSH-2.0-OpenSSH\r\n'), 'x')).reason, 'the answer is not HTTP');
  assert.equal((await probe(HTTP, await answer(t, ''), 'x')).reason, 'connection reset');
  const cut = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok';
  const health: HealthPlan = { ...HTTP, probe: { ...HTTP_PROBE, body: 'more' } };
  assert.equal((await probe(health, await answer(t, cut), 'x')).isPassed, false);
  const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';
  assert.equal((await probe(HTTP, await answer(t, upgrade), 'x')).reason, 'status 101');
});

test('a port of its own is probed instead of the server’s', async (t) => {
  const address = await listen(t, net.createServer());
  const health: HealthPlan = { ...TCP, port: address.port };
  assert.equal((await probe(health, { ...address, port: 1 }, 'x')).isPassed, true);
});

test('what this machine is out of is no result, whatever is asked', async (t) => {
  let code = '';
  t.after(() => mock.restoreAll());
  mock.method(net.Socket.prototype, 'connect', function (this: net.Socket) {
    process.nextTick(() => this.destroy(Object.assign(new Error(code), { code })));
    return this;
  });
  const address: Address = { family: 4, host: '127.0.0.1', port: 1 };
  const unix: Address = { family: 0, host: '/run/app.sock', port: 0 };
  const dialogue: HealthPlan = { ...TCP, probe: { kind: 'redis' } };
  const http2: HealthPlan = { ...HTTP, probe: { ...HTTP_PROBE, protocol: 'http2' } };
  const grpc: HealthPlan = { ...TCP, probe: { kind: 'grpc', service: '' } };
  for (code of ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']) {
    for (const health of [TCP, HTTP, http2, grpc, dialogue]) {
      for (const target of [address, unix]) {
        const { isPassed, reason } = await probe(health, target, 'x');
        assert.equal(isPassed, null, code);
        assert.match(reason, /^no .* is left /);
      }
    }
  }
  code = 'EHOSTUNREACH';
  assert.deepEqual(await probe(HTTP, address, 'x'), { isPassed: false, reason: 'no route to host' });
});
