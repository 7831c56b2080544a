import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import { post } from './otlp-post.ts';

test('a collector that changes the protocol has not answered', async (t) => {
  const server = http.createServer().on('request', (request) => {
    request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as { port: number };
  const { status, why } = await post(`http://127.0.0.1:${port}/v1/traces`, '{}');
  assert.deepEqual({ status, why }, { status: 0, why: 'it does not answer' });
});
