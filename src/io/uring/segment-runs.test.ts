/** Datagrams that leave as runs: whole and in their order; and whole, where the kernel takes no run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatagramSocket, Flow, FlowHandler } from '../../port/datagram.ts';
import { openBound } from '../contract/sockets.ts';
import { encodeSocketAddress } from '../linux/socket-address.ts';
import * as ffi from './ffi.ts';
import { probeUring } from './probe.ts';
import { createUringTransport } from './transport.ts';

const probe = probeUring();
const WAIT_MS = 20_000;
/** With it the kernel refuses every run of the socket (EINVAL), and no datagram. */
const SO_NO_CHECK = 11;
const SIZES = [
  300, 300, 300, 80, 80, 0, 1400, 1400, 1500, 1500, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
];

const memory = ffi.mapMemory(4096);
const bytes = new Uint8Array(memory.buffer);

function refuseRuns(descriptor: number): void {
  new Int32Array(memory.buffer)[0] = 1;
  assert.equal(ffi.setsockopt(descriptor, ffi.SOL_SOCKET, SO_NO_CHECK, memory.address, 4), 0);
}

function nameOf(size: number, place: number): string {
  return size === 0 ? 'empty' : `${size} ${place}`;
}

class Heard implements FlowHandler {
  /** Of each datagram its size and its place among all: what it is filled with. */
  readonly heard: string[] = [];
  flow!: Flow;

  hear(from: Uint8Array, offset: number, length: number): void {
    const content = from.subarray(offset, offset + length);
    assert.ok(content.every((byte) => byte === content[0]));
    this.heard.push(nameOf(length, content[0]));
  }

  handleAnswer(_flow: Flow, from: Uint8Array, offset: number, length: number): void {
    this.hear(from, offset, length);
  }

  handleFlowDropped(): void {
    assert.fail('a datagram was dropped');
  }

  handleUnreachable(): void {
    assert.fail('somebody is there');
  }
}

function handleDropped(): never {
  assert.fail('a datagram was dropped');
}

/** Sends all to a socket that answers with them and passes them on: what comes of both. */
async function pass(isRefused: boolean, host: string): Promise<{ answers: Heard; passedOn: Heard }> {
  const transport = createUringTransport();
  const { datagrams } = transport;
  const [answers, passedOn] = [new Heard(), new Heard()];
  const family = host.includes(':') ? 6 : 4;
  const [near, far] = [host, host].map((each) => openBound({ family, host: each, port: 0 }));
  const onward = new Heard();
  const middle = datagrams.bind(near.descriptor, {
    handleDatagram(socket: DatagramSocket, from, offset, length) {
      const back = socket.keepReturn();
      socket.sendTo(back, from, offset, length);
      socket.forgetReturn(back);
      onward.flow.send(from, offset, length);
    },
    handleDropped,
  });
  const end = datagrams.bind(far.descriptor, {
    handleDatagram: (_socket, from, offset, length) => passedOn.hear(from, offset, length),
    handleDropped,
  });
  onward.flow = datagrams.open(transport.prepareAddress(far.address), onward, 0, false) as Flow;
  if (isRefused) for (const each of [near.descriptor, onward.flow.descriptor]) refuseRuns(each);

  const to = encodeSocketAddress({ ...near.address, host: host === '0.0.0.0' ? '127.0.0.1' : host })!;
  const client = ffi.socket(family === 6 ? ffi.AF_INET6 : ffi.AF_INET, ffi.SOCK_DGRAM, 0);
  bytes.set(to);
  assert.equal(ffi.connect(client, memory.address, to.length), 0);
  SIZES.forEach((size, i) => {
    bytes.fill(i, 0, size);
    assert.equal(ffi.write(client, memory.address, size), size);
  });
  answers.flow = datagrams.adopt(client, answers, 0) as Flow;
  middle.start();
  end.start();
  const deadline = performance.now() + WAIT_MS;
  await transport.run({
    handleTurn() {
      const isDone = answers.heard.length === SIZES.length && passedOn.heard.length === SIZES.length;
      if (isDone || performance.now() > deadline) transport.stop();
    },
  });
  return { answers, passedOn };
}

for (const host of ['127.0.0.1', '0.0.0.0', '::1']) {
  for (const isRefused of [false, true]) {
    const how = isRefused ? 'where the kernel takes no run' : 'in their order, as runs';
    test(`datagrams of ${host} come whole, ${how}`, { skip: !probe.ok }, async () => {
      const { answers, passedOn } = await pass(isRefused, host);
      const wanted = SIZES.map(nameOf);
      // what was refused is sent behind the others that were sent in that turn
      const inOrder = (names: readonly string[]): readonly string[] => (isRefused ? [...names].sort() : names);
      assert.deepEqual(inOrder(answers.heard), inOrder(wanted));
      assert.deepEqual(inOrder(passedOn.heard), inOrder(wanted));
    });
  }
}
