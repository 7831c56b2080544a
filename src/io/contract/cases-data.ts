/** Data, backpressure, draining. */
import assert from 'node:assert/strict';
import { HEAD_SLOT_BYTES, LARGE_SLOT_BYTES, POSTED_SLOTS, SEND_SEGMENTS_MAX } from '../../base/limits.ts';
import { SPLITS } from './case.ts';
import type { Case } from './case.ts';
import { accepted, assertSame, connected, pattern, Recorder, untilStuck } from './recorder.ts';

const MIB = 1024 * 1024;

export const DATA_CASES: readonly Case[] = [
  {
    name: 'data comes in order and whole, however the peer splits it',
    *script(stage) {
      const { recorder, peer } = yield* accepted(stage);
      const bytes = pattern(2 * MIB, 2);
      peer.writeSplit(bytes, [...SPLITS, ...SPLITS, ...SPLITS]);
      yield* stage.until('all of it', () => recorder.receivedBytes >= bytes.length);
      assertSame(recorder.received(), bytes);
      recorder.close();
    },
  },
  {
    name: 'segments leave in order and whole, however they are cut',
    *script(stage) {
      const { recorder, peer } = yield* connected(stage);
      const bytes = pattern(4 * MIB, 3);
      yield* recorder.sendAll(
        bytes,
        SPLITS.map((size) => Math.min(size, HEAD_SLOT_BYTES)),
      );
      yield* stage.until('all of it', () => peer.receivedBytes >= bytes.length);
      assertSame(peer.received(), bytes);
      recorder.close();
    },
  },
  {
    name: 'both directions at once do not disturb each other',
    *script(stage) {
      const { recorder, peer } = yield* accepted(stage);
      const there = pattern(2 * MIB, 4);
      const back = pattern(2 * MIB, 5);
      peer.writeSplit(back, SPLITS);
      yield* recorder.sendAll(there, [30000, 7, 1460]);
      yield* stage.until(
        'all of it',
        () => peer.receivedBytes >= there.length && recorder.receivedBytes >= back.length,
      );
      assertSame(peer.received(), there);
      assertSame(recorder.received(), back);
      recorder.close();
    },
  },
  {
    name: 'a received slot is sent on as it is, and given back when it has left',
    *script(stage) {
      const arena = stage.transport.arena;
      const before = arena.usedSlots;
      const { recorder, peer } = yield* accepted(stage);
      const bytes = pattern(MIB, 6);
      recorder.handleData = (socket, slot, offset, length) => {
        // an echo whose backpressure is the socket's own: it stops reading at the limit
        socket.send(slot, offset, length, false);
        if (socket.pendingSegments === SEND_SEGMENTS_MAX) socket.pause();
      };
      recorder.onDrain = (socket) => socket.resume();
      peer.write(bytes);
      yield* stage.until('the echo', () => peer.receivedBytes >= bytes.length);
      assertSame(peer.received(), bytes);
      recorder.close();
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'more: segments that follow one another arrive in order, and nothing is kept back after the last',
    *script(stage) {
      const { recorder, peer } = yield* connected(stage);
      const bytes = pattern(1000, 7);
      recorder.send(bytes.subarray(0, 10), true);
      recorder.send(bytes.subarray(10, 900), true);
      recorder.send(bytes.subarray(900), false);
      yield* stage.until('all of it', () => peer.receivedBytes === 1000);
      assertSame(peer.received(), bytes);
      recorder.close();
    },
  },
  {
    name: 'pendingSegments counts what was sent and has not left; handleDrain comes once when it falls to zero',
    *script(stage) {
      const { recorder, peer } = yield* connected(stage);
      assert.equal(recorder.socket!.pendingSegments, 0);
      for (let i = 1; i <= SEND_SEGMENTS_MAX; i++) {
        recorder.send(pattern(50, i));
        assert.equal(recorder.socket!.pendingSegments, i, 'no segment is done before send returned');
      }
      assert.equal(recorder.drains, 0);
      yield* stage.until('handleDrain', () => recorder.drains > 0);
      assert.equal(recorder.socket!.pendingSegments, 0);
      yield* stage.until('all of it', () => peer.receivedBytes === 50 * SEND_SEGMENTS_MAX);
      yield* stage.settle();
      assert.equal(recorder.drains, 1);
      recorder.send(pattern(50, 9));
      yield* stage.until('handleDrain again', () => recorder.drains === 2);
      recorder.close();
    },
  },
  {
    name: 'a segment more than SEND_SEGMENTS_MAX is a bug, and throws',
    *script(stage) {
      const { recorder } = yield* connected(stage, 'ipv4', true);
      for (let i = 0; i < SEND_SEGMENTS_MAX; i++) recorder.send(pattern(10, i));
      assert.throws(() => recorder.send(pattern(10, 9)), { name: 'AssertionError' });
      recorder.close();
    },
  },
  {
    name: 'handleDrain may send again, which makes a stream',
    *script(stage) {
      const { recorder, peer } = yield* connected(stage);
      const bytes = pattern(MIB, 8);
      let at = 0;
      const refill = (): void => {
        for (let i = 0; i < SEND_SEGMENTS_MAX && at < bytes.length; i++) {
          recorder.send(bytes.subarray(at, (at += 16384)));
        }
      };
      recorder.onDrain = refill;
      refill();
      yield* stage.until('all of it', () => peer.receivedBytes >= bytes.length);
      assertSame(peer.received(), bytes);
      recorder.close();
    },
  },
  {
    name: 'a peer that does not read holds back handleDrain, and nothing else',
    *script(stage) {
      const arena = stage.transport.arena;
      const before = arena.usedSlots;
      const { recorder, peer } = yield* connected(stage, 'ipv4', true);
      const other = yield* connected(stage);
      const bytes = pattern(24 * MIB, 1);
      let at = 0;
      recorder.onDrain = () => {
        while (at < bytes.length && recorder.socket!.pendingSegments < SEND_SEGMENTS_MAX) {
          recorder.send(bytes.subarray(at, (at += LARGE_SLOT_BYTES)));
        }
      };
      recorder.onDrain(recorder.socket!);
      yield* untilStuck(stage, recorder);
      other.recorder.send(pattern(10, 1));
      yield* stage.until('another socket goes on', () => other.peer.receivedBytes === 10);
      assert.ok(at < bytes.length);
      peer.resume();
      yield* stage.until('all of it is sent', () => at === bytes.length && recorder.socket!.pendingSegments === 0);
      recorder.socket!.end();
      yield* stage.until('all of it', () => peer.isEnded);
      assertSame(peer.received(), bytes);
      recorder.close();
      other.recorder.close();
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'pause: no data is given and only a bounded amount is read; resume gives everything in order',
    *script(stage) {
      const arena = stage.transport.arena;
      const { recorder, peer } = yield* accepted(stage);
      recorder.pause();
      recorder.pause();
      const before = arena.usedSlots;
      const bytes = pattern(24 * MIB, 9);
      peer.write(bytes);
      yield* stage.elapse(400);
      assert.equal(recorder.receivedBytes, 0);
      assert.equal(peer.writtenBytes, 0, 'the peer is stuck');
      assert.ok(arena.usedSlots - before <= POSTED_SLOTS, 'only what was on its way is kept');
      recorder.resume();
      recorder.resume();
      yield* stage.until('all of it', () => recorder.receivedBytes >= bytes.length);
      assertSame(recorder.received(), bytes);
      recorder.close();
    },
  },
  {
    name: 'pause and resume inside handleData, at every segment',
    *script(stage) {
      const { recorder, peer } = yield* accepted(stage);
      const bytes = pattern(300_000, 10);
      const stopped: Recorder[] = [];
      recorder.onData = () => {
        recorder.pause();
        stopped.push(recorder);
      };
      stage.onTurn = () => stopped.pop()?.resume();
      peer.writeSplit(bytes, SPLITS);
      yield* stage.until('all of it', () => recorder.receivedBytes >= bytes.length, 30000);
      assertSame(recorder.received(), bytes);
      recorder.close();
    },
  },
  {
    name: 'pause, resume and pause in one go: still paused',
    *script(stage) {
      const { recorder, peer } = yield* accepted(stage);
      recorder.pause();
      peer.write(pattern(100, 1));
      peer.end();
      yield* stage.settle();
      recorder.resume();
      recorder.pause();
      yield* stage.settle();
      assert.equal(recorder.receivedBytes, 0);
      recorder.resume();
      yield* stage.until('data and end', () => recorder.receivedBytes === 100 && recorder.isEnded);
      recorder.close();
    },
  },
  {
    name: 'an end that came while paused is told after the data',
    *script(stage) {
      const { recorder, peer } = yield* accepted(stage);
      recorder.pause();
      const bytes = pattern(100_000, 11);
      peer.write(bytes);
      peer.end();
      yield* stage.elapse(200);
      assert.equal(recorder.isEnded, false);
      recorder.resume();
      yield* stage.until('handleEnd', () => recorder.isEnded);
      assertSame(recorder.received(), bytes);
      recorder.close();
    },
  },
  {
    name: 'a socket may be paused before anything came, and send while paused',
    *script(stage) {
      const { recorder, peer } = yield* connected(stage);
      recorder.pause();
      recorder.send(pattern(100, 1));
      yield* stage.until('the peer has it', () => peer.receivedBytes === 100);
      yield* stage.until('handleDrain', () => recorder.drains === 1);
      recorder.close();
    },
  },
  {
    name: 'the handler may be changed in the middle of the data',
    *script(stage) {
      const { recorder, peer } = yield* accepted(stage);
      const second = new Recorder(stage, recorder.socket);
      recorder.onData = (socket) => {
        socket.handler = second;
      };
      peer.write(pattern(100, 1));
      yield* stage.until('the first has it', () => recorder.receivedBytes === 100);
      const more = pattern(300_000, 2);
      peer.write(more);
      peer.end();
      yield* stage.until('the second has the rest', () => second.isEnded);
      assertSame(second.received(), more);
      assert.equal(recorder.receivedBytes, 100);
      second.send(pattern(10, 3));
      yield* stage.until('the second is told', () => second.drains === 1);
      assert.equal(recorder.drains, 0);
      second.close();
    },
  },
  {
    name: 'no method calls a handler before it returns',
    *script(stage) {
      const { recorder, peer } = yield* accepted(stage);
      let inside = false;
      const outside = (): void => assert.equal(inside, false, 'called back from inside a call');
      recorder.onData = outside;
      recorder.onEnd = outside;
      recorder.onDrain = outside;
      const call = (method: () => void): void => {
        inside = true;
        method();
        inside = false;
      };
      recorder.pause();
      peer.write(pattern(50_000, 1));
      peer.end();
      yield* stage.settle();
      call(() => recorder.resume());
      yield* stage.until('data and end', () => recorder.isEnded);
      call(() => recorder.send(pattern(10, 1)));
      yield* stage.until('handleDrain', () => recorder.drains === 1);
      call(() => recorder.socket!.end());
      call(() => recorder.close());
    },
  },
];
