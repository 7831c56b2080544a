/** A server of UDP for the benchmark: sends each datagram back. `echo-process.js PORT...`, on 127.0.0.1. */
import type { DatagramHandler } from '../../src/port/datagram.ts';
import { createUringTransport } from '../../src/io/uring/transport.ts';
import { bindLocal } from './local-socket.ts';

const transport = createUringTransport({ segmentsDatagrams: false });
const echo: DatagramHandler = {
  handleDatagram(socket, bytes, offset, length) {
    const back = socket.keepReturn();
    socket.sendTo(back, bytes, offset, length);
    socket.forgetReturn(back);
  },
  handleDropped() {},
};
for (const port of process.argv.slice(2)) transport.datagrams.bind(bindLocal(Number(port)), echo).start();
await transport.run({ handleTurn() {} });
