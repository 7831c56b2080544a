/** The ways a socket ends: end, close, reset, by either side, and inside every handler. */
import assert from 'node:assert/strict';
import { LARGE_SLOT_BYTES, SEND_SEGMENTS_MAX } from '../../base/limits.ts';
import type { Socket } from '../../port/transport.ts';
import type { Case } from './case.ts';
import { Acceptor, accepted, assertSame, connected, pattern, Recorder, untilStuck } from './recorder.ts';
import type { Script, Stage } from './stage.ts';

/** The peer sends more than one slot, its end and a reset's worth of trouble; the handler closes at the first event. */
function* closeInside(stage: Stage, arm: (recorder: Recorder, act: (socket: Socket) => void) => void): Script {
  const before = stage.transport.arena.usedSlots;
  for (const how of ['close', 'reset'] as const) {
    const { recorder, peer } = yield* accepted(stage);
    let isDone = false;
    arm(recorder, () => {
      isDone = true;
      recorder[how]();
    });
    recorder.send(pattern(100, 1));
    yield* stage.settle();
    if (!isDone) {
      peer.write(pattern(200_000, 1));
      peer.end();
      yield* stage.until('the handler acts', () => isDone);
    }
    yield* stage.until('the peer is done', () => peer.isEnded || peer.isClosed);
    yield* stage.settle();
    yield* stage.untilUsedSlots(before);
  }
}

export const CLOSE_CASES: readonly Case[] = [
  {
    name: 'end: FIN comes after everything queued, and receiving goes on',
    *script(stage) {
      const { recorder, peer } = yield* connected(stage);
      const there = pattern(SEND_SEGMENTS_MAX * LARGE_SLOT_BYTES, 1);
      yield* recorder.sendAll(there, [LARGE_SLOT_BYTES]);
      recorder.socket!.end();
      recorder.socket!.end();
      yield* stage.until('FIN at the peer', () => peer.isEnded);
      assertSame(peer.received(), there);
      const back = pattern(300_000, 2);
      peer.write(back);
      peer.end();
      yield* stage.until('handleEnd', () => recorder.isEnded);
      assertSame(recorder.received(), back);
      yield* stage.settle();
      assert.equal(recorder.closeReason, null, 'both directions ended: the socket is still ours to close');
      recorder.close();
    },
  },
  {
    name: 'the peer ends first: handleEnd, and sending goes on',
    *script(stage) {
      const { recorder, peer } = yield* accepted(stage);
      peer.write(pattern(10, 1));
      peer.end();
      yield* stage.until('handleEnd', () => recorder.isEnded);
      assert.equal(recorder.receivedBytes, 10);
      yield* stage.settle();
      const back = pattern(2_000_000, 3);
      yield* recorder.sendAll(back, [30_000, 100]);
      recorder.socket!.end();
      yield* stage.until('all of it and FIN', () => peer.isEnded);
      assertSame(peer.received(), back);
      recorder.close();
      yield* stage.until('the peer is done', () => peer.isClosed);
      assert.equal(peer.error, null);
    },
  },
  {
    name: 'end while the peer does not read: FIN comes when it does',
    *script(stage) {
      const { recorder, peer } = yield* connected(stage, 'ipv4', true);
      const bytes = pattern(12 * 1024 * 1024, 4);
      let at = 0;
      recorder.onDrain = () => {
        while (at < bytes.length && recorder.socket!.pendingSegments < SEND_SEGMENTS_MAX) {
          recorder.send(bytes.subarray(at, (at += LARGE_SLOT_BYTES)));
        }
        if (at >= bytes.length) recorder.socket!.end();
      };
      recorder.onDrain(recorder.socket!);
      yield* untilStuck(stage, recorder);
      assert.equal(peer.receivedBytes, 0);
      peer.resume();
      yield* stage.until('all of it and FIN', () => peer.isEnded);
      assertSame(peer.received(), bytes);
      recorder.close();
    },
  },
  {
    name: 'close frees: the peer sees the end, the slots come back, nobody is called',
    *script(stage) {
      const before = stage.transport.arena.usedSlots;
      const { recorder, peer } = yield* connected(stage);
      recorder.send(pattern(100, 1));
      yield* stage.until('it left', () => recorder.drains === 1);
      recorder.close();
      recorder.socket!.close();
      yield* stage.until('the peer sees the end', () => peer.isEnded);
      assert.equal(peer.receivedBytes, 100);
      assert.equal(peer.error, null);
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'resetIfKilled: closing still sends everything, and FIN',
    *script(stage) {
      const { recorder, peer } = yield* connected(stage, 'ipv4', true);
      recorder.socket!.resetIfKilled();
      recorder.socket!.resetIfKilled();
      const bytes = pattern(SEND_SEGMENTS_MAX * 1000, 1);
      yield* recorder.sendAll(bytes, [1000]);
      yield* stage.until('all of it is in the hands of the kernel', () => recorder.socket!.pendingSegments === 0);
      recorder.close();
      peer.resume();
      yield* stage.until('the peer sees the end', () => peer.isEnded);
      assertSame(peer.received(), bytes);
      assert.equal(peer.error, null);
    },
  },
  {
    name: 'resetIfKilled: when both ways have ended, everything is sent to a peer that reads late, and FIN',
    *script(stage) {
      for (const isFirst of [true, false]) {
        const { recorder, peer } = yield* connected(stage, 'ipv4', true);
        recorder.socket!.resetIfKilled();
        const bytes = pattern(SEND_SEGMENTS_MAX * LARGE_SLOT_BYTES, 1);
        if (isFirst) {
          peer.end();
          yield* stage.until('handleEnd', () => recorder.isEnded);
        }
        yield* recorder.sendAll(bytes, [LARGE_SLOT_BYTES]);
        recorder.socket!.end();
        yield* stage.until('all of it is in the hands of the kernel', () => recorder.socket!.pendingSegments === 0);
        if (!isFirst) {
          peer.end();
          yield* stage.until('handleEnd', () => recorder.isEnded);
        }
        yield* stage.settle();
        peer.resume();
        yield* stage.until('the peer sees the end', () => peer.isEnded || peer.isClosed);
        assertSame(peer.received(), bytes);
        assert.equal(peer.error, null);
        recorder.close();
      }
    },
  },
  {
    name: 'close drops what is queued for a peer that does not read, and gives every slot back',
    *script(stage) {
      const before = stage.transport.arena.usedSlots;
      const { recorder, peer } = yield* connected(stage, 'ipv4', true);
      const bytes = pattern(64 * 1024 * 1024, 5);
      let at = 0;
      recorder.onDrain = () => {
        while (at < bytes.length && recorder.socket!.pendingSegments < SEND_SEGMENTS_MAX) {
          recorder.send(bytes.subarray(at, (at += LARGE_SLOT_BYTES)));
        }
      };
      recorder.onDrain(recorder.socket!);
      yield* untilStuck(stage, recorder);
      assert.ok(at < bytes.length);
      recorder.close();
      yield* stage.untilUsedSlots(before);
      peer.resume();
      yield* stage.until('the peer is done', () => peer.isEnded || peer.isClosed);
      assert.ok(peer.receivedBytes < bytes.length);
      assertSame(peer.received(), bytes.subarray(0, peer.receivedBytes));
    },
  },
  {
    name: 'close while paused, with data waiting: everything is given back',
    *script(stage) {
      const before = stage.transport.arena.usedSlots;
      const { recorder, peer } = yield* accepted(stage);
      recorder.pause();
      peer.write(pattern(500_000, 6));
      yield* stage.elapse(200);
      recorder.close();
      yield* stage.untilUsedSlots(before);
      yield* stage.until('the peer is done', () => peer.isEnded || peer.isClosed);
    },
  },
  {
    name: 'reset: the peer gets ECONNRESET',
    *script(stage) {
      const { recorder, peer } = yield* accepted(stage);
      recorder.send(pattern(10, 1));
      yield* stage.until('the peer has it', () => peer.receivedBytes === 10);
      recorder.reset();
      recorder.socket!.reset();
      yield* stage.until('the peer is done', () => peer.isClosed);
      assert.equal(peer.error, 'ECONNRESET');
      yield* stage.settle();
    },
  },
  {
    name: 'reset with segments in flight: the peer gets ECONNRESET, the slots come back',
    *script(stage) {
      const before = stage.transport.arena.usedSlots;
      const { recorder, peer } = yield* accepted(stage, 'ipv4', true);
      const block = pattern(LARGE_SLOT_BYTES, 1);
      recorder.onDrain = () => {
        for (let i = 0; i < SEND_SEGMENTS_MAX; i++) recorder.send(block);
      };
      recorder.onDrain(recorder.socket!);
      yield* untilStuck(stage, recorder);
      recorder.reset();
      yield* stage.untilUsedSlots(before);
      peer.resume();
      yield* stage.until('the peer is done', () => peer.isClosed);
      assert.equal(peer.error, 'ECONNRESET');
    },
  },
  {
    name: 'reset after end is a reset',
    *script(stage) {
      const { recorder, peer } = yield* accepted(stage);
      recorder.socket!.end();
      yield* stage.until('FIN at the peer', () => peer.isEnded);
      recorder.reset();
      yield* stage.settle();
      // a peer that has seen FIN no longer reads; a reset connection takes not even the first write
      peer.write(pattern(10, 2));
      yield* stage.until('the peer is done', () => peer.isClosed);
      assert.ok(peer.error === 'ECONNRESET' || peer.error === 'EPIPE');
      assert.equal(peer.writtenBytes, 0);
    },
  },
  {
    name: 'the peer resets: handleClose with reset, once',
    *script(stage) {
      const before = stage.transport.arena.usedSlots;
      const { recorder, peer } = yield* accepted(stage);
      peer.write(pattern(10, 1));
      yield* stage.until('data', () => recorder.receivedBytes === 10);
      peer.reset();
      yield* stage.until('handleClose', () => recorder.closeReason !== null);
      assert.equal(recorder.closeReason, 'reset');
      assert.equal(recorder.isEnded, false);
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'the peer resets while segments are pending: handleClose, no handleDrain, the slots come back',
    *script(stage) {
      const before = stage.transport.arena.usedSlots;
      const { recorder, peer } = yield* accepted(stage, 'ipv4', true);
      const block = pattern(LARGE_SLOT_BYTES, 1);
      recorder.onDrain = () => {
        for (let i = 0; i < SEND_SEGMENTS_MAX; i++) recorder.send(block);
      };
      recorder.onDrain(recorder.socket!);
      yield* untilStuck(stage, recorder);
      const { drains } = recorder;
      peer.reset();
      yield* stage.until('handleClose', () => recorder.closeReason !== null);
      assert.equal(recorder.closeReason, 'reset');
      assert.equal(recorder.drains, drains);
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'a reset while paused is told at the latest after resume and the data',
    *script(stage) {
      const before = stage.transport.arena.usedSlots;
      const { recorder, peer } = yield* accepted(stage);
      recorder.pause();
      peer.write(pattern(1000, 1));
      yield* stage.settle();
      peer.reset();
      yield* stage.elapse(200);
      if (recorder.closeReason === null) recorder.resume();
      yield* stage.until('handleClose', () => recorder.closeReason !== null);
      assert.equal(recorder.closeReason, 'reset');
      assertSame(recorder.received(), pattern(1000, 1).subarray(0, recorder.receivedBytes));
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'sending to a peer that is gone ends in handleClose with reset',
    *script(stage) {
      const before = stage.transport.arena.usedSlots;
      const { recorder, peer } = yield* accepted(stage);
      peer.end();
      yield* stage.until('handleEnd', () => recorder.isEnded);
      peer.reset();
      yield* stage.until('the peer is gone', () => peer.isClosed);
      recorder.onDrain = () => recorder.send(pattern(1000, 1));
      if (recorder.closeReason === null) recorder.send(pattern(1000, 1));
      yield* stage.until('handleClose', () => recorder.closeReason !== null);
      assert.equal(recorder.closeReason, 'reset');
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'a send that fails: what the peer had sent before its reset comes first, also what was not read yet',
    *script(stage) {
      const before = stage.transport.arena.usedSlots;
      const { recorder, peer } = yield* accepted(stage);
      const answer = pattern(50_000, 7);
      recorder.pause();
      // in two parts: what a transport keeps while paused, and what stays in the kernel
      for (const [from, to] of [
        [0, 10_000],
        [10_000, answer.length],
      ]) {
        peer.write(answer.subarray(from, to));
        yield* stage.until('it left', () => peer.writtenBytes === to);
        yield* stage.settle();
      }
      peer.reset();
      yield* stage.until('the peer is gone', () => peer.isClosed);
      recorder.send(pattern(1000, 1));
      recorder.send(pattern(1000, 2));
      yield* stage.settle();
      assert.equal(recorder.closeReason, null, 'data comes first');
      assert.ok(recorder.socket!.pendingSegments > 0, 'what cannot leave stays pending');
      recorder.resume();
      yield* stage.until('handleClose', () => recorder.closeReason !== null);
      assertSame(recorder.received(), answer);
      assert.equal(recorder.isEnded, false, 'a reset is no end');
      assert.equal(recorder.closeReason, 'reset');
      assert.equal(recorder.drains, 0);
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'an answer to an upload that the peer does not read on, and then a reset: the answer comes',
    *script(stage) {
      const before = stage.transport.arena.usedSlots;
      const answer = pattern(30_000, 8);
      for (let round = 0; round < 20; round++) {
        const { recorder, peer } = yield* accepted(stage, 'ipv4', true);
        const block = pattern(LARGE_SLOT_BYTES, 1);
        recorder.onDrain = () => recorder.send(block);
        recorder.onDrain(recorder.socket!);
        peer.write(answer);
        yield* stage.until('the answer left', () => peer.writtenBytes === answer.length);
        peer.reset();
        yield* stage.until('handleClose', () => recorder.closeReason !== null);
        assertSame(recorder.received(), answer);
        assert.equal(recorder.isEnded, false);
        assert.equal(recorder.closeReason, 'reset');
      }
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'close while a send has failed and data waits: everything is given back, nobody is called',
    *script(stage) {
      const before = stage.transport.arena.usedSlots;
      const { recorder, peer } = yield* accepted(stage);
      recorder.pause();
      peer.write(pattern(50_000, 9));
      yield* stage.until('it left', () => peer.writtenBytes === 50_000);
      yield* stage.settle();
      peer.reset();
      yield* stage.until('the peer is gone', () => peer.isClosed);
      recorder.send(pattern(1000, 1));
      yield* stage.settle();
      recorder.close();
      yield* stage.untilUsedSlots(before);
      yield* stage.settle();
    },
  },
  {
    name: 'unacknowledgedBytes: of what a peer does not read some, then none, and a reset loses nothing',
    *script(stage) {
      const { recorder, peer } = yield* accepted(stage, 'ipv4', true);
      assert.equal(recorder.socket!.unacknowledgedBytes, 0);
      const bytes = pattern(12 * 1024 * 1024, 4);
      let at = 0;
      recorder.onDrain = () => {
        while (at < bytes.length && recorder.socket!.pendingSegments < SEND_SEGMENTS_MAX) {
          recorder.send(bytes.subarray(at, (at += LARGE_SLOT_BYTES)));
        }
      };
      recorder.onDrain(recorder.socket!);
      yield* untilStuck(stage, recorder);
      assert.ok(recorder.socket!.unacknowledgedBytes > 0);
      peer.resume();
      const { socket } = recorder;
      yield* stage.until(
        'all of it is acknowledged',
        () => at >= bytes.length && socket!.pendingSegments === 0 && socket!.unacknowledgedBytes === 0,
      );
      recorder.reset();
      yield* stage.until('the peer is done', () => peer.isClosed);
      assertSame(peer.received(), bytes);
      assert.equal(peer.error, 'ECONNRESET');
    },
  },
  {
    name: 'unacknowledgedBytes: none are waited for when a peer that has ended resets',
    *script(stage) {
      const { recorder, peer } = yield* accepted(stage, 'ipv4', true);
      const socket = recorder.socket!;
      peer.end();
      yield* stage.until('handleEnd', () => recorder.isEnded);
      const slot = pattern(LARGE_SLOT_BYTES, 5);
      while (socket.unacknowledgedBytes === 0 && socket.pendingSegments === 0) {
        recorder.send(slot);
        yield* stage.settle();
      }
      peer.reset();
      yield* stage.until(
        'nothing is waited for',
        () => recorder.closeReason !== null || (socket.pendingSegments === 0 && socket.unacknowledgedBytes === 0),
      );
      if (recorder.closeReason === null) recorder.reset();
    },
  },
  {
    name: 'close inside handleConnect',
    *script(stage) {
      const listener = yield* stage.peerListen('ipv4');
      for (const how of ['close', 'reset'] as const) {
        const recorder = new Recorder(stage);
        recorder.onConnect = () => recorder[how]();
        stage.connect(listener.prepared, recorder);
        yield* stage.until('handleConnect', () => recorder.isConnected);
        yield* stage.until(
          'the peer is done',
          () => listener.peers.at(-1)?.isEnded === true || listener.peers.at(-1)?.isClosed === true,
        );
      }
      yield* stage.settle();
    },
  },
  {
    name: 'close inside handleData, with more data waiting',
    script: (stage) => closeInside(stage, (recorder, act) => (recorder.onData = act)),
  },
  {
    name: 'close inside handleEnd',
    script: (stage) => closeInside(stage, (recorder, act) => (recorder.onEnd = act)),
  },
  {
    name: 'close inside handleDrain',
    script: (stage) => closeInside(stage, (recorder, act) => (recorder.onDrain = act)),
  },
  {
    name: 'close inside handleClose does nothing',
    *script(stage) {
      const { recorder, peer } = yield* accepted(stage);
      recorder.onClose = (socket) => {
        socket.close();
        socket.reset();
        socket.close();
      };
      peer.reset();
      yield* stage.until('handleClose', () => recorder.closeReason !== null);
      yield* stage.settle();
    },
  },
  {
    name: 'close inside handleAccept',
    *script(stage) {
      const { descriptor, address } = stage.world.openListener('ipv4', 128);
      const acceptor = new Acceptor(stage);
      acceptor.onAccept = (recorder) => (acceptor.accepted.length % 2 === 0 ? recorder.close() : recorder.reset());
      acceptor.listenSocket = stage.listen(descriptor, acceptor);
      const peers = Array.from({ length: 6 }, () => stage.world.connect(address, false));
      yield* stage.until('all are accepted', () => acceptor.accepted.length === 6);
      yield* stage.until('all are done', () => peers.every((peer) => peer.isEnded || peer.isClosed));
      yield* stage.settle();
    },
  },
  {
    name: 'one handler may close another socket that has events waiting',
    *script(stage) {
      const one = yield* accepted(stage);
      const two = yield* accepted(stage);
      const before = stage.transport.arena.usedSlots;
      const closeBoth = (): void => {
        one.recorder.close();
        two.recorder.close();
      };
      one.recorder.pause();
      two.recorder.pause();
      one.peer.write(pattern(100_000, 1));
      two.peer.write(pattern(100_000, 2));
      yield* stage.settle();
      one.recorder.onData = closeBoth;
      two.recorder.onData = closeBoth;
      one.recorder.resume();
      two.recorder.resume();
      const peers = [one.peer, two.peer];
      yield* stage.until('both are done', () => peers.every(({ isClosed, isEnded }) => isEnded || isClosed));
      yield* stage.untilUsedSlots(before);
    },
  },
];
