/** Many connections, exhausted descriptors and memory, turns and stop. */
import assert from 'node:assert/strict';
import { POSTED_SLOTS, TICK_MS } from '../../base/limits.ts';
import type { Case } from './case.ts';
import { Acceptor, accepted, assertSame, connected, pattern, Recorder } from './recorder.ts';

export const LIMIT_CASES: readonly Case[] = [
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
    name: 'a turn receives into at most POSTED_SLOTS slots, however many peers have sent something',
    *script(stage) {
      const arena = stage.transport.arena;
      const before = arena.usedSlots;
      const { descriptor, address } = stage.world.openListener('ipv4', 511);
      const acceptor = new Acceptor(stage);
      acceptor.onAccept = (recorder) => {
        recorder.isHolding = true;
        recorder.pause();
      };
      acceptor.listenSocket = stage.transport.listen(descriptor, acceptor);
      const peers = Array.from({ length: 3 * POSTED_SLOTS }, () => stage.world.connect(address, false));
      peers.forEach((peer, i) => peer.write(pattern(100, i)));
      yield* stage.until('all have sent', () => peers.every((peer) => peer.writtenBytes === 100));
      yield* stage.until('all are accepted', () => acceptor.accepted.length === peers.length);
      let ofTurn = 0;
      stage.onTurn = () => {
        ofTurn = 0;
      };
      for (const recorder of acceptor.accepted) {
        recorder.onData = () => assert.ok(++ofTurn <= POSTED_SLOTS, 'one turn for all');
        recorder.resume();
      }
      yield* stage.until('all of it', () => acceptor.accepted.every(({ receivedBytes }) => receivedBytes === 100));
      for (const recorder of acceptor.accepted) {
        recorder.releaseHeld();
        recorder.close();
      }
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'a relay between two sockets holds no more than its backpressure allows, and loses nothing',
    *script(stage) {
      const arena = stage.transport.arena;
      const before = arena.usedSlots;
      const source = yield* accepted(stage);
      const sink = yield* connected(stage, 'ipv4', true);
      const bytes = pattern(16 * 1024 * 1024, 1);
      let usedMax = 0;
      source.recorder.handleData = (socket, slot, offset, length) => {
        const other = sink.recorder.socket!;
        other.send(slot, offset, length, false);
        usedMax = Math.max(usedMax, arena.usedSlots);
        if (other.pendingSegments >= 2) socket.pause();
      };
      source.recorder.handleEnd = () => sink.recorder.socket!.end();
      sink.recorder.onDrain = () => source.recorder.socket!.resume();
      source.peer.write(bytes);
      source.peer.end();
      yield* stage.elapse(300);
      assert.equal(source.peer.writtenBytes, 0, 'the slow reader stops the writer');
      sink.peer.resume();
      yield* stage.until('all of it', () => sink.peer.isEnded);
      assertSame(sink.peer.received(), bytes);
      assert.ok(usedMax - before <= 3, `${usedMax - before} slots in use`);
      source.recorder.close();
      sink.recorder.close();
      yield* stage.untilUsedSlots(before);
    },
  },
  {
    name: 'a slot sent to several sockets comes back when all of them are done with it',
    *script(stage) {
      const { arena } = stage.transport;
      const before = arena.usedSlots;
      const reading = yield* connected(stage);
      const closing = yield* connected(stage);
      const slot = arena.allocateLarge();
      const at = arena.start(slot) + 7;
      const bytes = pattern(20_000, 1);
      arena.memory.set(bytes, at);
      arena.retain(slot);
      arena.retain(slot);
      reading.recorder.socket!.send(slot, at, 10_000, false);
      reading.recorder.socket!.send(slot, at + 10_000, 10_000, false);
      closing.recorder.socket!.send(slot, at, 20_000, false);
      closing.recorder.close();
      yield* stage.until('all of it', () => reading.peer.receivedBytes === 20_000);
      assertSame(reading.peer.received(), bytes);
      yield* stage.untilUsedSlots(before);
      reading.recorder.close();
    },
  },
  {
    name: 'a closed socket gives its descriptor back, however it ended',
    *script(stage) {
      const { world, transport } = stage;
      const listener = yield* stage.peerListen('ipv4');
      const before = world.openDescriptors();
      const recorders = Array.from({ length: 40 }, () => {
        const recorder = new Recorder(stage);
        recorder.socket = transport.connect(listener.prepared, recorder);
        return recorder;
      });
      yield* stage.until('all are connected', () => recorders.every((recorder) => recorder.isConnected));
      yield* stage.until('the peers too', () => listener.peers.length === 40);
      for (let i = 0; i < 40; i++) {
        // fewer of them than connections: which peer belongs to which does not matter
        if (i < 20) recorders[i].close();
        else if (i < 30) recorders[i].reset();
      }
      for (const peer of listener.peers) peer.reset();
      yield* stage.until('the rest is told', () => recorders.slice(30).every((one) => one.closeReason === 'reset'));
      yield* stage.until('no descriptor is left', () => world.openDescriptors() <= before);
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
      if (exhausted === null) {
        stage.skipped = 'descriptors cannot be exhausted here';
        return;
      }
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
        if (!stage.dropsWhenExhausted) {
          yield* stage.until('those that waited come', () => acceptor.accepted.length === waiting.length + 1);
          assert.ok(waiting.every((peer) => !peer.isEnded && !peer.isClosed));
        }
      } finally {
        exhausted.undo();
      }
      for (const recorder of acceptor.accepted) recorder.close();
    },
  },
  {
    name: 'no descriptors left: a listener that is resumed accepts when there are some again',
    *script(stage) {
      const { world } = stage;
      const { acceptor, recorder } = yield* accepted(stage);
      acceptor.listenSocket!.pause();
      yield* stage.settle();
      const exhausted = world.exhaustDescriptors(0);
      if (exhausted === null) {
        stage.skipped = 'descriptors cannot be exhausted here';
        return;
      }
      try {
        acceptor.listenSocket!.resume();
        yield* stage.elapse(200);
        exhausted.release(20);
        const late = world.connect(acceptor.address!, false);
        late.write(pattern(10, 1));
        yield* stage.until('it accepts', () => acceptor.accepted.at(-1)?.receivedBytes === 10);
      } finally {
        exhausted.undo();
      }
      recorder.close();
    },
  },
  {
    name: 'no descriptors left: connect says so, as null or as no-resource',
    *script(stage) {
      const { world, transport } = stage;
      const listener = yield* stage.peerListen('ipv4');
      const { recorder, peer } = yield* connected(stage);
      const exhausted = world.exhaustDescriptors(0);
      if (exhausted === null) {
        stage.skipped = 'descriptors cannot be exhausted here';
        return;
      }
      try {
        const failing = new Recorder(stage);
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
      const gaps: number[] = [];
      stage.onTurn = (now) => {
        assert.equal(stage.transport.now, now, 'one time for the whole turn');
        assert.ok(now >= last);
        if (last >= 0) gaps.push(now - last);
        last = now;
      };
      yield* stage.until('turns', () => gaps.length >= 21);
      // A busy machine may let any turn come late, but not most of them.
      const median = gaps.sort((a, b) => a - b)[10];
      assert.ok(median <= 2 * TICK_MS, `${median} ms between two turns`);
    },
  },
  {
    name: 'requestTurn: the next turn begins at once, though nothing happens',
    *script(stage) {
      yield* stage.settle();
      const begun = stage.transport.now;
      const from = stage.turns;
      stage.onTurn = () => stage.transport.requestTurn();
      yield* stage.until('turns', () => stage.turns >= from + 200);
      stage.onTurn = null;
      const tookMs = stage.transport.now - begun;
      assert.ok(tookMs < 100 * TICK_MS, `${tookMs} ms for 200 turns: they wait for ticks`);
    },
  },
  {
    name: 'stop may be called from a handler',
    *script(stage) {
      const { recorder, peer } = yield* accepted(stage);
      peer.write(pattern(200_000, 1));
      yield* stage.until('data', () => recorder.receivedBytes > 0);
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
