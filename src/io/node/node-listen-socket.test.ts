import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import type { Socket } from '../../port/transport.ts';
import { close, openListening } from '../contract/sockets.ts';
import { getOptionBytes, IPPROTO_TCP } from '../linux/libc.ts';
import { duplicateDescriptor } from './descriptor.ts';
import { createNodeTransport } from './node-transport.ts';

const linux = { skip: process.platform === 'linux' ? false : 'needs Linux' };

const TCP_INFO = 11;
/** tcpi_sacked of struct tcp_info (linux/tcp.h): of a listening socket, how many connections may wait. */
const QUEUE_AT = 28;
const QUEUE = 1000;

function queueOf(descriptor: number): number {
  const info = new Uint8Array(QUEUE_AT + 4);
  assert.equal(getOptionBytes(descriptor, IPPROTO_TCP, TCP_INFO, info), info.length);
  return new DataView(info.buffer).getUint32(QUEUE_AT, true);
}

test('listening and pausing leave the queue as long as it was, or longer', linux, (t) => {
  const { descriptor } = openListening({ family: 4, host: '127.0.0.1', port: 0 }, QUEUE);
  t.after(() => close(descriptor));
  assert.equal(queueOf(descriptor), QUEUE);
  const transport = createNodeTransport({ largeSlots: 4, smallSlots: 4 });
  const socket = transport.listen(duplicateDescriptor(descriptor), { handleAccept: (one) => one.close() });
  t.after(() => socket.close());
  assert.ok(queueOf(descriptor) >= QUEUE, `${queueOf(descriptor)} may wait`);
  socket.pause();
  socket.resume();
  assert.ok(queueOf(descriptor) >= QUEUE, `${queueOf(descriptor)} may wait`);
});

test('of a crowd several are accepted in a round, and none after a pause', linux, async (t) => {
  const { descriptor, address } = openListening({ family: 4, host: '127.0.0.1', port: 0 }, QUEUE);
  const clients = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const client = net.connect(address.port, '127.0.0.1');
      t.after(() => client.destroy());
      await once(client, 'connect');
      return client;
    }),
  );
  const transport = createNodeTransport({ largeSlots: 4, smallSlots: 4 });
  const accepted: number[] = [];
  let turns = 0;
  const handler = {
    handleAccept: (one: Socket): void => {
      assert.ok(accepted.length < 20, 'accepted after the pause');
      accepted.push(turns);
      one.close();
      if (accepted.length === 20) socket.pause();
    },
  };
  const socket = transport.listen(descriptor, handler);
  let pausedAt = 0;
  await transport.run({
    handleTurn: () => {
      turns++;
      if (accepted.length === 20) pausedAt ||= turns;
      // time for those that must not come
      if (pausedAt > 0 && turns > pausedAt + 3) transport.stop();
    },
  });
  assert.equal(accepted.length, 20);
  assert.ok(new Set(accepted).size <= 5, `accepted in turns ${accepted.join(' ')}`);
  assert.equal(clients.length, 40);
});
