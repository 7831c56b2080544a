import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { handleOf } from '../node/stream-handle.ts';
import { isNginxSuccessor, takeNginxSockets } from './nginx-sockets.ts';

test('the sockets of an nginx are taken once, each once, and nothing but those that listen', async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const { fd } = handleOf(server as unknown as net.Socket)!;
  const environment = { NGINX: `${fd};1;${fd};9999;`, HOME: '/' };
  assert.ok(isNginxSuccessor(environment));
  assert.deepEqual(takeNginxSockets(environment), [fd]);
  assert.deepEqual(environment, { HOME: '/' });
  assert.deepEqual(takeNginxSockets(environment), []);
});

test('what is no list of descriptors stays in the environment', () => {
  for (const NGINX of ['', ';', '10', '-1;', '10;abc;', '/usr/sbin/nginx', '100000;']) {
    const environment = { NGINX };
    assert.ok(!isNginxSuccessor(environment));
    assert.deepEqual(takeNginxSockets(environment), []);
    assert.deepEqual(environment, { NGINX });
  }
});
