import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { askHttp, type HttpAnswer } from './http-question.ts';

/** Asks somebody who says this and no more; `isEnding`: and closes then. */
async function ask(t: TestContext, says: string, isEnding: boolean, timeoutMs = 60_000): Promise<HttpAnswer> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => (isEnding ? socket.end(says) : socket.write(says)));
    t.after(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as net.AddressInfo;
  const signal = AbortSignal.timeout(timeoutMs);
  return askHttp({ url: `http://127.0.0.1:${port}/`, body: 'x', headers: {}, charactersMax: 10, signal });
}

test('an answer is taken whole, with its status, whatever that is', async (t) => {
  const { headers, ...answer } = await ask(
    t,
    'HTTP/1.1 404 Not Found\r\nETag: "a"\r\nContent-Length: 4\r\n\r\nnone',
    false,
  );
  assert.deepEqual(answer, { status: 404, text: 'none', isWhole: true });
  assert.equal(headers.etag, '"a"');
});

test('of one that is too long, or has no end, there is the beginning', async (t) => {
  const { isWhole, text } = await ask(t, 'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n0123456789abcdef', false);
  assert.deepEqual({ isWhole, text }, { isWhole: false, text: '0123456789' });
});

for (const [what, says, isEnding, why] of [
  [
    'changes the protocol',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    false,
    /it does not answer/,
  ],
  ['closes before it answers', '', true, /socket hang up/],
  ['closes in the middle', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', true, /aborted|in the middle/],
  ['says what is no HTTP', 'hello\r\n\r\n', true, /Parse Error/],
] as const) {
  test(`one that ${what} has not answered`, (t) => assert.rejects(ask(t, says, isEnding), why));
}

test('one that is silent has not answered when the time is over', (t) =>
  assert.rejects(ask(t, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', false, 200)));
