import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { base64 } from '../../keeper/etcd-members.ts';
import { FleetStore } from './store.ts';

test('nothing of a report moves the cursor, and what is none is left out', async () => {
  const report = { node: 'lb\u001b[2J01', version: 2, wanted: 3, state: 'refuses', why: 'no\r\u009bway' };
  const kvs = [report, { node: 7 }, null].map((value) => ({ value: base64(JSON.stringify(value)), mod_revision: '1' }));
  const server = createServer((request, response) => {
    request.resume();
    response.end(JSON.stringify({ kvs }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const etcd = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`];
  const store = new FleetStore({ etcd, key: '/fleet', ca: null, certificate: null, privateKey: null });
  try {
    assert.deepEqual(await store.reports(), [
      { node: 'lb\\x1b[2J01', version: 2, wanted: 3, state: 'refuses', why: 'no\\x0d\\x9bway' },
    ]);
  } finally {
    await store.leave();
    server.closeAllConnections();
    server.close();
  }
});
