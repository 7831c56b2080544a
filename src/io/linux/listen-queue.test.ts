import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { freePort } from '../contract/free-port.ts';
import { openListeningSockets } from './listen.ts';
import { acceptAgain, emptyQueues } from './listen-queue.ts';

const linux = { skip: process.platform === 'linux' ? false : 'needs Linux' };

for (const host of ['127.0.0.1', '::1']) {
  test(
    `${host}: what waits is served, and nothing new comes, before a listening socket is closed`,
    linux,
    async (t) => {
      const port = await freePort();
      const opened = openListeningSockets(
        { address: { family: host === '::1' ? 6 : 4, host, port }, isDual: false, isUdp: false },
        1,
      );
      if (host === '::1' && opened.kind === 'failed') return t.skip('no IPv6');
      assert.equal(opened.kind, 'listening');
      const [descriptor] = opened.descriptors;
      const clients = await Promise.all(
        Array.from({ length: 5 }, async () => {
          const client = net.connect(port, host);
          t.after(() => client.destroy());
          await once(client, 'connect');
          return client;
        }),
      );

      let isEmpty = false;
      const emptied = emptyQueues([descriptor]).then(() => (isEmpty = true));
      const late = net.connect(port, host).on('error', () => undefined);
      t.after(() => late.destroy());
      let isLate = false;
      late.once('connect', () => (isLate = true));
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(isEmpty, false);

      const server = net.createServer((socket) => socket.end('served')).listen({ fd: descriptor });
      await emptied;
      assert.equal(isLate, false);
      server.close();
      for (const client of clients) {
        const [data] = (await once(client, 'data')) as [Buffer];
        assert.equal(data.toString(), 'served');
      }
    },
  );
}

test('a queue that nobody serves is waited for, but not for long', linux, async (t) => {
  const port = await freePort();
  const opened = openListeningSockets(
    { address: { family: 4, host: '127.0.0.1', port }, isDual: false, isUdp: false },
    1,
  );
  assert.equal(opened.kind, 'listening');
  const server = net.createServer();
  const client = net.connect(port, '127.0.0.1').on('error', () => undefined);
  t.after(() => client.destroy());
  await once(client, 'connect');
  await emptyQueues(opened.descriptors);
  server.listen({ fd: opened.descriptors[0] });
  server.close();
});

test('a socket whose queue was to be emptied is taken over, and accepts again', linux, async (t) => {
  const port = await freePort();
  const opened = openListeningSockets(
    { address: { family: 4, host: '127.0.0.1', port }, isDual: false, isUdp: false },
    1,
  );
  assert.equal(opened.kind, 'listening');
  await emptyQueues(opened.descriptors);
  acceptAgain(opened.descriptors);
  const server = net.createServer((socket) => socket.end('served')).listen({ fd: opened.descriptors[0] });
  t.after(() => server.close());
  const client = net.connect(port, '127.0.0.1');
  const [data] = (await once(client, 'data')) as [Buffer];
  assert.equal(data.toString(), 'served');
});
