/** Listening. */
import assert from 'node:assert/strict';
import type { Case } from './case.ts';
import { Acceptor, accepted, assertSame, pattern } from './recorder.ts';
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
    name: 'listen: a descriptor in non-blocking mode serves as well',
    *script(stage) {
      const { descriptor, address } = stage.world.openListener('ipv4', 128);
      stage.world.setNonBlocking(descriptor);
      const acceptor = new Acceptor(stage);
      acceptor.listenSocket = stage.transport.listen(descriptor, acceptor);
      yield* stage.settle();
      for (let i = 1; i <= 3; i++) {
        const peer = stage.world.connect(address, false);
        peer.write(pattern(10, i));
        yield* stage.until('data', () => acceptor.accepted[i - 1]?.receivedBytes === 10);
      }
      for (const recorder of acceptor.accepted) recorder.close();
    },
  },
];
