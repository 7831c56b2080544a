import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { after, test } from 'node:test';
import koffi from 'koffi';
import * as libc from '../libc.ts';
import { EventLoop } from './event-loop.ts';
import { StreamSocket } from './stream-socket.ts';
import { bootTimeUs, receive, send } from './system.ts';
import { MSG_DONTWAIT } from '../socket-messages.ts';

const socketpair = koffi.load(null).func('int socketpair(int, int, int, void *)') as (...operands: unknown[]) => number;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;

const open = new Set<number>();
after(() => {
  for (const descriptor of open) closeSync(descriptor);
});

/** Two connected stream sockets. */
function socketPair(): [number, number] {
  const pair = new Int32Array(2);
  assert.equal(socketpair(libc.AF_UNIX, libc.SOCK_STREAM, 0, pair), 0);
  for (const descriptor of pair) open.add(descriptor);
  return [pair[0], pair[1]];
}

function close(descriptor: number): void {
  open.delete(descriptor);
  closeSync(descriptor);
}

const soon = (): number => bootTimeUs() + 10_000;

test('a turn ends when its time has come, and not before', () => {
  const loop = new EventLoop();
  for (const us of [0, 500, 20_000, 20_000]) {
    const untilUs = bootTimeUs() + us;
    loop.turn(untilUs);
    assert.ok(bootTimeUs() >= untilUs);
  }
});

test('a turn ends when a descriptor is readable, as often as it is', () => {
  const loop = new EventLoop();
  const [ours, theirs] = socketPair();
  const into = new Uint8Array(1);
  let calls = 0;
  loop.add(ours, () => {
    calls++;
    if (calls === 2) receive(ours, into);
  });
  send(theirs, Uint8Array.of(1));
  loop.turn(Number.POSITIVE_INFINITY);
  loop.turn(Number.POSITIVE_INFINITY);
  loop.turn(soon());
  assert.equal(calls, 2);
});

test('a descriptor that is removed by the handler of another is not asked any more', () => {
  const loop = new EventLoop();
  const [first, firstPeer] = socketPair();
  const [second, secondPeer] = socketPair();
  const called: string[] = [];
  loop.add(first, () => {
    called.push('first');
    loop.remove(second);
    close(second);
    receive(first, new Uint8Array(1));
  });
  loop.add(second, () => called.push('second'));
  send(firstPeer, Uint8Array.of(1));
  send(secondPeer, Uint8Array.of(1));
  loop.turn(soon());
  loop.turn(soon());
  assert.deepEqual(called, ['first']);
});

test('a stream is read as it comes, and its end is told once', () => {
  const loop = new EventLoop();
  const [ours, theirs] = socketPair();
  let text = '';
  let ends = 0;
  const stream = new StreamSocket(
    ours,
    loop,
    (bytes, length) => {
      text += Buffer.from(bytes.subarray(0, length)).toString();
    },
    () => ends++,
  );
  send(theirs, Buffer.from('one '));
  loop.turn(soon());
  send(theirs, Buffer.from('two'));
  loop.turn(soon());
  assert.equal(text, 'one two');
  close(theirs);
  loop.turn(soon());
  loop.turn(soon());
  assert.equal(ends, 1);
  // Nobody is there: nothing happens.
  stream.write(Buffer.from('three'));
  loop.turn(soon());
});

function message(i: number): Uint8Array {
  return new Uint8Array(1000).fill(i & 255);
}

test('what a slow reader does not take waits in order, up to a bound', () => {
  const loop = new EventLoop();
  const [ours, theirs] = socketPair();
  libc.setOption(ours, SOL_SOCKET, SO_SNDBUF, 4096);
  const stream = new StreamSocket(ours, loop, assert.fail, assert.fail);
  const MESSAGES = 3000;
  for (let i = 0; i < MESSAGES; i++) stream.write(message(i));
  const into = new Uint8Array(65_536);
  const got: number[] = [];
  for (let idle = 0; idle < 3;) {
    const length = receive(theirs, into, MSG_DONTWAIT);
    if (length > 0) {
      for (let i = 0; i < length; i++) got.push(into[i]);
      idle = 0;
    } else {
      idle++;
    }
    loop.turn(bootTimeUs());
  }
  const count = got.length / 1000;
  assert.ok(count > 1000 && count < 1200, `${count} messages`);
  for (let i = 0; i < count; i++) assert.deepEqual(Uint8Array.from(got.slice(i * 1000, (i + 1) * 1000)), message(i));
  // There is room again.
  stream.write(message(7));
  assert.equal(receive(theirs, into, MSG_DONTWAIT), 1000);
});
