import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { UrlSource } from './url-source.ts';

/** What is said of the first answer. */
async function heard(t: TestContext, timeoutMs: number, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return new Promise((resolve) => {
    const handler = { handleText: (text: string) => resolve(`list ${text}`), handleFailure: resolve };
    const source = new UrlSource({ kind: 'url', url, everyMs: 3_600_000, timeoutMs }, handler);
    t.after(() => {
      source.stop();
      server.closeAllConnections();
      server.close();
    });
  });
}

test('a list', async (t) => {
  assert.equal(await heard(t, 60_000, (_, response) => response.end('[]')), 'list []');
});

test('an address that takes the request and says nothing, or not all of its answer', async (t) => {
  assert.equal(await heard(t, 50, () => undefined), 'it took too long');
  assert.equal(await heard(t, 200, (_, response) => response.write('[')), 'it took too long');
});

test('another status', async (t) => {
  assert.equal(await heard(t, 60_000, (_, response) => response.writeHead(302).end()), 'it answers 302');
});

test('one that would speak another protocol', async (t) => {
  const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n';
  assert.equal(await heard(t, 60_000, ({ socket }) => socket.end(switching)), 'it does not answer');
});
