/** What comes of a member that does not answer as etcd does. Real ones: test/lease.test.ts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { EtcdRecord } from './etcd-record.ts';

const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n';

async function startMember(t: TestContext, answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

for (const [what, answer, problem, timeoutMs] of [
  ['says something else with 200', (_, response) => response.end('<html>'), /its answer is not that of etcd$/, 60_000],
  ['says nothing of use', (_, response) => response.end('null'), /its answer is not that of etcd$/, 60_000],
  ['refuses', (_, response) => response.writeHead(401).end('who?'), /it answers 401: who\?$/, 60_000],
  ['ends in the middle', (_, response) => response.write('{', () => response.destroy()), /: ./, 60_000],
  ['says too much', (_, response) => response.end('x'.repeat(70_000)), /its answer is too long$/, 60_000],
  ['says nothing of keys', (_, response) => response.end('{"kvs": [null]}'), /: ./, 60_000],
  ['switches protocols', ({ socket }) => socket.end(SWITCHING), /it does not answer$/, 60_000],
  ['does not answer', () => undefined, /it took too long$/, 50],
] as const satisfies readonly (readonly [string, http.RequestListener, RegExp, number])[]) {
  test(`a member that ${what} is no answer, and the next one is asked`, async (t) => {
    const members = [await startMember(t, answer), 'http://127.0.0.1:1'];
    const record = new EtcdRecord({ members, key: 'lease', ttlMs: 10_000, ca: null, client: null }, timeoutMs);
    t.after(() => record.close());
    assert.deepEqual(await record.ask({ kind: 'read' }), { kind: 'failed' });
    assert.match(record.problem ?? '', problem);
    assert.equal(record.memberUrl, members[1]);
  });
}

for (const [value, holder] of [
  ['null', 'somebody else'],
  ['17', 'somebody else'],
  ['not JSON', 'somebody else'],
  ['{"holder": null, "count": "x"}', 'somebody else'],
  ['{"holder": "\\u001b[2J\\nlb01"}', '\\x1b[2J\\x0alb01'],
  [JSON.stringify({ holder: 'x'.repeat(10_000) }), 'x'.repeat(256)],
] as const) {
  test(`a record that no node has written counts as long as any: ${value.slice(0, 40)}`, async (t) => {
    const kvs = [{ mod_revision: '7', value: Buffer.from(value).toString('base64') }];
    const members = [await startMember(t, (_, response) => void response.end(JSON.stringify({ kvs })))];
    const record = new EtcdRecord({ members, key: 'lease', ttlMs: 10_000, ca: null, client: null }, 60_000);
    t.after(() => record.close());
    const expected = { kind: 'record', record: { holder, count: 0, revision: 7 } };
    assert.deepEqual(await record.ask({ kind: 'read' }), expected);
  });
}
