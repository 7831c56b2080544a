/** Listening, many connections, exhausted descriptors and memory, turns and stop. */
import assert from 'node:assert/strict';
import { TICK_MS } from '../../base/limits.ts';
import type { Case } from './case.ts';
import { Acceptor, accepted, assertSame, connected, pattern } from './recorder.ts';
import type { Script, Stage } from './stage.ts';
import type { AddressKind } from './world.ts';

function* acceptExchange(stage: Stage, kind: AddressKind): Script {
  const { recorder, peer } = yield* accepted(stage, kind);
  peer.write(pattern(100, 1));
  recorder.send(pattern(100, 2));
  yield* stage.until('both sides have it', () => peer.receivedBytes === 100 && recorder.receivedBytes === 100);
  assertSame(recorder.received(), pattern(100, 1));
  assertSame(peer.received(), pattern(100, 2));
  recorder.close();
}

export const LISTEN_CASES: readonly Case[] = [
  { name: 'accept, IPv4', script: (stage) => acceptExchange(stage, 'ipv4') },
  { name: 'accept, IPv6', kind: 'ipv6', script: (stage) => acceptExchange(stage, 'ipv6') },
  { name: 'accept, Unix socket', kind: 'unix', script: (stage) => acceptExchange(stage, 'unix') },
  {
    name: 'accept: what the peer sent and ended before it was accepted is all there',
    *script(stage) {
      const { descriptor, address } = stage.world.openListener('ipv4', 128);
      const peer = stage.world.connect(address, false);
      peer.write(pattern(1000, 1));
      peer.end();
      yield* stage.settle();
      const acceptor = new Acceptor(stage);
      acceptor.listenSocket = stage.transport.listen(descriptor, acceptor);
      yield* stage.until('data and end', () => acceptor.accepted[0]?.isEnded);
      assertSame(acceptor.accepted[0].received(), pattern(1000, 1));
      acceptor.accepted[0].close();
    },
  },
  {
    name: 'accept: a socket may be paused in handleAccept',
    *script(stage) {
      const { descriptor, address } = stage.world.openListener('ipv4', 128);
      const acceptor = new Acceptor(stage);
      acceptor.onAccept = (recorder) => recorder.pause();
      acceptor.listenSocket = stage.transport.listen(descriptor, acceptor);
      const peer = stage.world.connect(address, false);
      peer.write(pattern(1000, 1));
      yield* stage.until('handleAccept', () => acceptor.accepted.length === 1);
      yield* stage.settle();
      assert.equal(acceptor.accepted[0].receivedBytes, 0);
      acceptor.accepted[0].resume();
      yield* stage.until('data', () => acceptor.accepted[0].receivedBytes === 1000);
      acceptor.accepted[0].close();
    },
  },
  {
    name: 'listen pause: connections wait in the kernel; resume: all of them come, with what they sent',
    *script(stage) {
      const { acceptor } = yield* accepted(stage);
      acceptor.accepted[0].close();
      const { descriptor, address } = stage.world.openListener('ipv4', 128);
      const second = new Acceptor(stage);
      second.listenSocket = stage.transport.listen(descriptor, second);
      yield* stage.settle();
      for (let round = 1; round <= 3; round++) {
        second.listenSocket.pause();
        second.listenSocket.pause();
        yield* stage.settle();
        const have = second.accepted.length;
        const peers = Array.from({ length: 10 }, () => stage.world.connect(address, false));
        for (const peer of peers) peer.write(pattern(100, round));
        yield* stage.until('the kernel has them', () => peers.every((peer) => peer.isConnected));
        yield* stage.elapse(200);
        assert.equal(second.accepted.length, have);
        second.listenSocket.resume();
        second.listenSocket.resume();
        yield* stage.until('all come', () => second.accepted.length === have + 10);
        yield* stage.until('all data', () => second.accepted.slice(have).every((one) => one.receivedBytes === 100));
        assert.ok(peers.every((peer) => peer.error === null && !peer.isClosed));
      }
      for (const recorder of second.accepted) recorder.close();
    },
  },
  {
    name: 'listen pause and resume in one go lose and double nothing',
    *script(stage) {
      const { descriptor, address } = stage.world.openListener('ipv4', 128);
      const acceptor = new Acceptor(stage);
      acceptor.listenSocket = stage.transport.listen(descriptor, acceptor);
      acceptor.onAccept = () => {
        acceptor.listenSocket!.pause();
        acceptor.listenSocket!.resume();
      };
      const peers = Array.from({ length: 50 }, () => stage.world.connect(address, false));
      yield* stage.until('all are accepted', () => acceptor.accepted.length === 50);
      yield* stage.settle();
      assert.equal(acceptor.accepted.length, 50);
      assert.ok(peers.every((peer) => peer.isConnected && !peer.isClosed));
      for (const recorder of acceptor.accepted) recorder.close();
    },
  },
  {
    name: 'listen close: the other holders of the descriptor keep the queue',
    *script(stage) {
      const { descriptor, address } = stage.world.openListener('ipv4', 128);
      const other = stage.world.duplicate(descriptor);
      const first = new Acceptor(stage);
      first.listenSocket = stage.transport.listen(descriptor, first);
      const peer = stage.world.connect(address, false);
      yield* stage.until('handleAccept', () => first.accepted.length === 1);
      first.listenSocket.close();
      first.listenSocket.close();
      yield* stage.settle();
      const late = Array.from({ length: 5 }, () => stage.world.connect(address, false));
      yield* stage.until('they are connected', () => late.every((one) => one.isConnected));
      yield* stage.settle();
      assert.equal(first.accepted.length, 1);
      const second = new Acceptor(stage);
      second.listenSocket = stage.transport.listen(other, second);
      yield* stage.until('the other holder has them', () => second.accepted.length === 5);
      first.accepted[0].send(pattern(10, 1));
      yield* stage.until('sockets outlive their listener', () => peer.receivedBytes === 10);
      second.listenSocket.close();
      for (const recorder of [...first.accepted, ...second.accepted]) recorder.close();
    },
  },
  {
    name: 'listen close inside handleAccept',
    *script(stage) {
      const { descriptor, address } = stage.world.openListener('ipv4', 128);
      const acceptor = new Acceptor(stage);
      acceptor.onAccept = () => acceptor.listenSocket!.close();
      acceptor.listenSocket = stage.transport.listen(descriptor, acceptor);
      const peer = stage.world.connect(address, false);
      yield* stage.until('handleAccept', () => acceptor.accepted.length === 1);
      peer.write(pattern(10, 1));
      yield* stage.until('the socket lives', () => acceptor.accepted[0].receivedBytes === 10);
      acceptor.accepted[0].close();
    },
  },
  {
    name: 'a listening Unix socket can be paused and resumed',
    kind: 'unix',
    *script(stage) {
      const { descriptor, address } = stage.world.openListener('unix', 128);
      const acceptor = new Acceptor(stage);
      acceptor.listenSocket = stage.transport.listen(descriptor, acceptor);
      yield* stage.settle();
      acceptor.listenSocket.pause();
      yield* stage.settle();
      const peer = stage.world.connect(address, false);
      peer.write(pattern(10, 1));
      yield* stage.settle();
      assert.equal(acceptor.accepted.length, 0);
      acceptor.listenSocket.resume();
      yield* stage.until('data', () => acceptor.accepted[0]?.receivedBytes === 10);
      acceptor.accepted[0].close();
    },
  },
  {
    name: 'two hundred connections, each its own bytes both ways, and every slot back',
    *script(stage) {
      const arena = stage.transport.arena;
      const before = arena.usedSlots;
      const { descriptor, address } = stage.world.openListener('ipv4', 511);
      const acceptor = new Acceptor(stage);
      acceptor.onAccept = (recorder) => {
        recorder.handleData = (socket, slot, offset, length) => socket.send(slot, offset, length, false);
        recorder.handleEnd = (socket) => socket.end();
      };
      acceptor.listenSocket = stage.transport.listen(descriptor, acceptor);
      const peers = Array.from({ length: 200 }, () => stage.world.connect(address, false));
      peers.forEach((peer, i) => {
        peer.write(pattern(5000, i));
        peer.end();
      });
      yield* stage.until('all are echoed', () => peers.every((peer) => peer.isEnded));
      peers.forEach((peer, i) => assertSame(peer.received(), pattern(5000, i)));
      for (const recorder of acceptor.accepted) recorder.close();
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'no descriptors left: accepting resumes by itself when there are some again',
    *script(stage) {
      const { world, transport } = stage;
      const { descriptor, address } = world.openListener('ipv4', 128);
      const waiting = Array.from({ length: 12 }, () => world.connect(address, false));
      yield* stage.until('they are connected', () => waiting.every((peer) => peer.isConnected));
      const acceptor = new Acceptor(stage);
      const exhausted = world.exhaustDescriptors(4);
      if (exhausted === null) return;
      try {
        acceptor.listenSocket = transport.listen(descriptor, acceptor);
        yield* stage.elapse(500);
        assert.ok(acceptor.accepted.length <= 4, 'there is an end');
        const have = acceptor.accepted.length;
        for (const recorder of acceptor.accepted) assert.equal(recorder.closeReason, null);
        exhausted.release(40);
        const late = world.connect(address, false);
        late.write(pattern(10, 1));
        yield* stage.until('it accepts again', () => acceptor.accepted.at(-1)?.receivedBytes === 10);
        assert.ok(acceptor.accepted.length > have);
      } finally {
        exhausted.undo();
      }
      for (const recorder of acceptor.accepted) recorder.close();
    },
  },
  {
    name: 'no descriptors left: connect says so, as null or as no-resource',
    *script(stage) {
      const { world, transport } = stage;
      const listener = yield* stage.peerListen('ipv4');
      const { recorder, peer } = yield* connected(stage);
      const exhausted = world.exhaustDescriptors(0);
      if (exhausted === null) return;
      try {
        const failing = new (recorder.constructor as new (stage: Stage) => typeof recorder)(stage);
        failing.socket = transport.connect(listener.prepared, failing);
        if (failing.socket !== null) {
          yield* stage.until('handleClose', () => failing.closeReason !== null);
          assert.equal(failing.closeReason, 'no-resource');
        }
        recorder.send(pattern(10, 1));
        yield* stage.until('other sockets live on', () => peer.receivedBytes === 10);
      } finally {
        exhausted.undo();
      }
      recorder.close();
    },
  },
  {
    name: 'no slots left: reading stops, and goes on where it stopped when slots come back',
    largeSlots: 16,
    *script(stage) {
      const before = stage.transport.arena.usedSlots;
      const one = yield* accepted(stage);
      const two = yield* accepted(stage);
      one.recorder.isHolding = true;
      two.recorder.isHolding = true;
      const bytes = pattern(3_000_000, 1);
      one.peer.write(bytes);
      two.peer.write(bytes);
      for (;;) {
        const had = one.recorder.receivedBytes + two.recorder.receivedBytes;
        yield* stage.elapse(200);
        if (one.recorder.receivedBytes + two.recorder.receivedBytes === had) break;
      }
      assert.ok(one.recorder.held.length + two.recorder.held.length <= 16);
      assert.ok(one.recorder.receivedBytes + two.recorder.receivedBytes < 2 * bytes.length);
      assert.equal(one.recorder.closeReason ?? two.recorder.closeReason, null, 'nobody pays with the connection');
      one.recorder.isHolding = false;
      two.recorder.isHolding = false;
      one.recorder.releaseHeld();
      two.recorder.releaseHeld();
      yield* stage.until(
        'all of it',
        () => one.recorder.receivedBytes + two.recorder.receivedBytes >= 2 * bytes.length,
      );
      assertSame(one.recorder.received(), bytes);
      assertSame(two.recorder.received(), bytes);
      one.recorder.close();
      two.recorder.close();
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'handleTurn comes at least every TICK_MS, with a time that only grows',
    *script(stage) {
      let last = -1;
      let gapMax = 0;
      let count = 0;
      stage.onTurn = (now) => {
        assert.equal(stage.transport.now, now, 'one time for the whole turn');
        assert.ok(now >= last);
        if (last >= 0) gapMax = Math.max(gapMax, now - last);
        last = now;
        count++;
      };
      yield* stage.elapse(1000);
      assert.ok(count >= 1000 / TICK_MS / 2, `${count} turns in a second`);
      // a busy machine may be late, never by much on average
      assert.ok(gapMax < 10 * TICK_MS, `${gapMax} ms between two turns`);
    },
  },
  {
    name: 'stop ends run and drops what is open',
    *script(stage) {
      const one = yield* connected(stage, 'ipv4', true);
      const two = yield* accepted(stage);
      yield* accepted(stage, 'ipv4');
      two.recorder.pause();
      two.peer.write(pattern(100_000, 1));
      for (let i = 0; i < 4; i++) one.recorder.send(pattern(30_000, i));
      // the script ends here: the stage calls stop, and run must resolve
    },
  },
];
