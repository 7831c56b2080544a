/** Two sockets of which one passes all to the other, with backpressure as a relay has it. */
import assert from 'node:assert/strict';
import { SEND_SEGMENTS_MAX } from '../../base/limits.ts';
import { SPLITS } from './case.ts';
import type { Case } from './case.ts';
import { accepted, assertSame, connected, pattern, type Recorder } from './recorder.ts';
import type { Stage, Step } from './stage.ts';
import type { Peer } from './world.ts';

const MIB = 1024 * 1024;

interface Passing {
  readonly from: Recorder;
  readonly sender: Peer;
  readonly to: Recorder;
  readonly reader: Peer;
  /** Bytes that the transport passed on itself, and those that it handed over. */
  readonly passed: number;
  readonly handed: number;
}

function isDone({ isClosed, isEnded }: Peer): boolean {
  return isEnded || isClosed;
}

function* passing(stage: Stage, isReaderPaused = false): Step<Passing> {
  const { recorder: from, peer: sender } = yield* accepted(stage);
  const { recorder: to, peer: reader } = yield* connected(stage, 'ipv4', isReaderPaused);
  const result = { from, sender, to, reader, passed: 0, handed: 0 };
  from.handleData = (socket, slot, offset, length) => {
    stage.guard(() => assert.equal(from.isEnded, false, 'no data behind the end'));
    result.handed += length;
    to.socket!.send(slot, offset, length, false);
    if (to.socket!.pendingSegments >= 2) socket.pause();
  };
  const handlePassed = (bytes: number): void => {
    stage.guard(() => {
      assert.ok(bytes > 0 && !from.isEnded, 'nothing is passed behind the end');
      assert.equal(to.socket!.pendingSegments, 0, 'nothing is passed before what is pending');
    });
    result.passed += bytes;
  };
  to.onDrain = () => from.socket!.resume();
  from.onEnd = () => to.socket!.end();
  from.socket!.passTo(to.socket!, { handlePassed });
  return result;
}

export const PASS_CASES: readonly Case[] = [
  {
    name: 'passTo: bulk and small messages arrive in order and whole, whoever passes them on, and then the end',
    *script(stage) {
      const before = stage.transport.arena.usedSlots;
      const all = yield* passing(stage);
      const { sender, reader } = all;
      const bulk = pattern(8 * MIB, 1);
      const small = pattern(60_000, 2);
      sender.write(bulk);
      yield* stage.until('the bulk', () => reader.receivedBytes === bulk.length);
      sender.writeSplit(small, SPLITS);
      yield* stage.until('the small messages', () => reader.receivedBytes === bulk.length + small.length);
      sender.write(bulk);
      sender.end();
      yield* stage.until('the end', () => reader.isEnded);
      assertSame(reader.received(), Buffer.concat([bulk, small, bulk]));
      assert.equal(all.passed + all.handed, reader.receivedBytes);
      if (stage.passesBulk) assert.ok(all.passed > 0, 'the transport passes bulk on itself');
      else assert.equal(all.passed, 0);
      all.from.close();
      all.to.close();
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'passTo: a peer that does not read stops the other, and no more is kept than without',
    *script(stage) {
      const { arena } = stage.transport;
      const before = arena.usedSlots;
      const all = yield* passing(stage, true);
      const { from, sender, to, reader } = all;
      const bytes = pattern(32 * MIB, 3);
      sender.write(bytes);
      yield* stage.until('segments that do not leave', () => to.socket!.pendingSegments > 0 && all.handed > 0);
      yield* stage.elapse(400);
      assert.equal(sender.writtenBytes, 0, 'the sender is stuck');
      assert.ok(to.socket!.pendingSegments <= SEND_SEGMENTS_MAX);
      reader.resume();
      sender.end();
      yield* stage.until('the end', () => reader.isEnded);
      assertSame(reader.received(), bytes);
      from.close();
      to.close();
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'passTo: both directions at once do not disturb each other',
    *script(stage) {
      const { from, sender, to, reader } = yield* passing(stage);
      to.handleData = (socket, slot, offset, length) => {
        from.socket!.send(slot, offset, length, false);
        if (from.socket!.pendingSegments >= 2) socket.pause();
      };
      from.onDrain = () => to.socket!.resume();
      to.socket!.passTo(from.socket!, { handlePassed: () => undefined });
      const there = pattern(6 * MIB, 4);
      const back = pattern(5 * MIB, 5);
      sender.write(there);
      reader.write(back);
      yield* stage.until(
        'all of it',
        () => reader.receivedBytes >= there.length && sender.receivedBytes >= back.length,
      );
      assertSame(reader.received(), there);
      assertSame(sender.received(), back);
      from.close();
      to.close();
    },
  },
  {
    name: 'passTo: whoever breaks in the middle, the other is told, and nothing is left',
    *script(stage) {
      const before = stage.transport.arena.usedSlots;
      const bytes = pattern(16 * MIB, 6);
      for (const who of ['sender', 'reader', 'from', 'to'] as const) {
        const all = yield* passing(stage);
        const { from, sender, to, reader } = all;
        sender.write(bytes);
        yield* stage.until('some of it', () => reader.receivedBytes > MIB);
        if (who === 'sender' || who === 'reader') {
          all[who].reset();
          const told = who === 'sender' ? from : to;
          yield* stage.until('handleClose', () => told.closeReason !== null);
          assert.equal(told.closeReason, 'reset');
        } else {
          all[who].close();
        }
        for (const each of [from, to]) if (each.closeReason === null) each.reset();
        yield* stage.until('the peers are done', () => isDone(sender) && isDone(reader));
        const came = reader.received();
        assertSame(came, bytes.subarray(0, came.length));
        yield* stage.untilUsedSlots(before);
      }
    },
  },
  {
    name: 'passTo: while paused nothing is passed',
    *script(stage) {
      const all = yield* passing(stage);
      const { from, sender, to, reader } = all;
      const bytes = pattern(24 * MIB, 7);
      sender.write(bytes);
      yield* stage.until('some of it', () => reader.receivedBytes > MIB);
      to.onDrain = null;
      from.socket!.pause();
      const moved = all.passed + all.handed;
      yield* stage.settle();
      assert.equal(all.passed + all.handed, moved);
      to.onDrain = () => from.socket!.resume();
      from.socket!.resume();
      sender.end();
      yield* stage.until('the end', () => reader.isEnded);
      assertSame(reader.received(), bytes);
      from.close();
      to.close();
    },
  },
];
