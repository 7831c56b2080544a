import assert from 'node:assert/strict';
import { test } from 'node:test';
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
