/** connect, adopt, addresses. */
import assert from 'node:assert/strict';
import type { Address } from '../../base/address.ts';
import type { Case } from './case.ts';
import { accepted, assertSame, connected, pattern, Recorder } from './recorder.ts';
import type { Script, Stage } from './stage.ts';
import type { AddressKind } from './world.ts';

const HELLO = pattern(100, 1);

function* connectExchange(stage: Stage, kind: AddressKind): Script {
  const { recorder, peer } = yield* connected(stage, kind);
  recorder.send(HELLO);
  peer.write(HELLO);
  yield* stage.until('both sides have it', () => peer.receivedBytes === 100 && recorder.receivedBytes === 100);
  assertSame(peer.received(), HELLO);
  assertSame(recorder.received(), HELLO);
  recorder.close();
  yield* stage.until('the peer sees the end', () => peer.isEnded);
}

function* connectRefused(stage: Stage, kind: AddressKind): Script {
  const { transport, world } = stage;
  const recorder = new Recorder(stage);
  recorder.socket = transport.connect(transport.prepareAddress(world.refusing(kind)), recorder);
  assert.notEqual(recorder.socket, null);
  yield* stage.until('handleClose', () => recorder.closeReason !== null);
  assert.equal(recorder.closeReason, 'refused');
  assert.equal(recorder.isConnected, false);
  yield* stage.settle();
}

const MAPPED_LOOPBACK = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1];
const IPV6_LOOPBACK = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

function* remoteAddress(stage: Stage, kind: AddressKind, expected: readonly number[]): Script {
  const { recorder, peer } = yield* accepted(stage, kind);
  const into = new Uint8Array(20).fill(0xaa);
  assert.equal(recorder.socket!.remoteAddress(into, 2), peer.localPort);
  assert.deepEqual([...into], [0xaa, 0xaa, ...expected, 0xaa, 0xaa]);
  // Here it is the same address, and another port.
  const ownPort = recorder.socket!.localAddress(into.fill(0xaa), 2);
  assert.deepEqual([...into], [0xaa, 0xaa, ...expected, 0xaa, 0xaa]);
  assert.equal(ownPort > 0 && ownPort !== peer.localPort, kind !== 'unix');
  recorder.close();
}

const source = (host: string): Address => ({ family: host.includes(':') ? 6 : 4, host, port: 0 });
const loopback = (port: number): Address => ({ family: 4, host: '127.0.0.9', port });
/** RFC 5737: nobody's. */
const FOREIGN = source('192.0.2.1');

function* connectFrom(stage: Stage, sources: readonly Address[], expected: readonly string[]): Script {
  const { transport } = stage;
  const listener = yield* stage.peerListen('ipv4');
  const prepared = transport.prepareAddress(listener.address!, sources);
  for (let i = 0; i < expected.length; i++) {
    const recorder = new Recorder(stage);
    recorder.socket = transport.connect(prepared, recorder);
    recorder.send(HELLO);
    yield* stage.until('the peer has it', () => listener.peers[i]?.receivedBytes === HELLO.length);
    assert.equal(listener.peers[i].remoteHost, expected[i]);
    listener.peers[i].write(HELLO);
    yield* stage.until('it comes back', () => recorder.receivedBytes === HELLO.length);
    recorder.close();
  }
}

function* noSource(stage: Stage, sources: readonly Address[]): Script {
  const { transport } = stage;
  const listener = yield* stage.peerListen('ipv4');
  const before = transport.arena.usedSlots;
  const recorder = new Recorder(stage);
  recorder.socket = transport.connect(transport.prepareAddress(listener.address!, sources), recorder);
  recorder.send(HELLO);
  yield* stage.until('handleClose', () => recorder.closeReason !== null);
  assert.equal(recorder.closeReason, 'no-port');
  assert.equal(recorder.isConnected, false);
  yield* stage.untilUsedSlots(before);
}

export const CONNECT_CASES: readonly Case[] = [
  { name: 'connect, IPv4: handleConnect, then data both ways', script: (stage) => connectExchange(stage, 'ipv4') },
  {
    name: 'connect, IPv6: handleConnect, then data both ways',
    kind: 'ipv6',
    script: (stage) => connectExchange(stage, 'ipv6'),
  },
  {
    name: 'connect, Unix socket: handleConnect, then data both ways',
    kind: 'unix',
    script: (stage) => connectExchange(stage, 'unix'),
  },
  { name: 'connect: nobody listens is refused, IPv4', script: (stage) => connectRefused(stage, 'ipv4') },
  { name: 'connect: nobody listens is refused, IPv6', kind: 'ipv6', script: (stage) => connectRefused(stage, 'ipv6') },
  {
    name: 'connect: a Unix socket that nobody listens on is refused',
    kind: 'unix',
    script: (stage) => connectRefused(stage, 'unix'),
  },
  {
    name: 'connect: a Unix socket that does not exist is refused',
    kind: 'unix',
    *script(stage) {
      const { transport } = stage;
      const missing = transport.prepareAddress({ family: 0, host: '/nonexistent/evenkeel.sock', port: 0 });
      const recorder = new Recorder(stage);
      recorder.socket = transport.connect(missing, recorder);
      assert.notEqual(recorder.socket, null);
      yield* stage.until('handleClose', () => recorder.closeReason !== null);
      assert.equal(recorder.closeReason, 'refused');
    },
  },
  {
    name: 'connect: a network that says no is unreachable',
    *script(stage) {
      const { transport, world } = stage;
      const recorder = new Recorder(stage);
      recorder.socket = transport.connect(transport.prepareAddress(world.unreachable), recorder);
      assert.notEqual(recorder.socket, null);
      yield* stage.until('handleClose', () => recorder.closeReason !== null);
      assert.equal(recorder.closeReason, 'unreachable');
    },
  },
  {
    name: 'connect: a host that never answers is a timeout, when the kernel gives up',
    *script(stage) {
      const { transport, world } = stage;
      const silence = world.enterSilence();
      if (silence === null) {
        stage.skipped = 'only root can make a network that never answers';
        return;
      }
      try {
        const recorder = new Recorder(stage);
        recorder.socket = transport.connect(transport.prepareAddress(silence.address), recorder);
        assert.notEqual(recorder.socket, null);
        yield* stage.until('handleClose', () => recorder.closeReason !== null, 30_000);
        assert.equal(recorder.closeReason, 'timeout');
      } finally {
        silence.leave();
      }
    },
  },
  {
    name: 'connect: handleClose is never called before connect returned',
    *script(stage) {
      const { transport, world } = stage;
      const address = transport.prepareAddress(world.refusing('ipv4'));
      const recorders = Array.from({ length: 20 }, () => new Recorder(stage));
      for (const recorder of recorders) {
        recorder.socket = transport.connect(address, recorder);
        assert.equal(recorder.closeReason, null);
      }
      yield* stage.until('all are refused', () => recorders.every((recorder) => recorder.closeReason === 'refused'));
    },
  },
  {
    name: 'connect: closing while the connection is being made calls nobody',
    *script(stage) {
      const { transport, world } = stage;
      // a queue of one that is full: further SYNs get no answer
      const { descriptor, address } = world.openListener('ipv4', 0);
      const first = world.connect(address, false);
      yield* stage.until('the queue is full', () => first.isConnected);
      yield* stage.settle();
      const prepared = transport.prepareAddress(address);
      const closing = new Recorder(stage);
      const resetting = new Recorder(stage);
      const waiting = new Recorder(stage);
      closing.socket = transport.connect(prepared, closing);
      resetting.socket = transport.connect(prepared, resetting);
      waiting.socket = transport.connect(prepared, waiting);
      closing.close();
      yield* stage.settle();
      resetting.reset();
      yield* stage.settle();
      assert.equal(waiting.isConnected, false);
      assert.equal(waiting.closeReason, null, "giving up is the driver's business");
      waiting.close();
      yield* stage.settle();
      world.closeDescriptor(descriptor);
    },
  },
  {
    name: 'connect: what is sent before handleConnect leaves after it',
    *script(stage) {
      const listener = yield* stage.peerListen('ipv4');
      const recorder = new Recorder(stage);
      recorder.socket = stage.transport.connect(listener.prepared, recorder);
      recorder.send(HELLO);
      assert.equal(recorder.socket!.pendingSegments, 1);
      recorder.socket!.end();
      const peer = yield* stage.firstPeer(listener);
      yield* stage.until('the peer has it and FIN', () => peer.isEnded);
      assertSame(peer.received(), HELLO);
      assert.equal(recorder.isConnected, true);
      recorder.close();
    },
  },
  {
    name: 'connect: what was sent before a refusal is given back',
    *script(stage) {
      const { transport, world } = stage;
      const recorder = new Recorder(stage);
      const before = transport.arena.usedSlots;
      recorder.socket = transport.connect(transport.prepareAddress(world.refusing('ipv4')), recorder);
      recorder.send(HELLO);
      yield* stage.until('handleClose', () => recorder.closeReason !== null);
      yield* stage.untilUsedSlots(before);
      assert.equal(recorder.drains, 0);
    },
  },
  {
    name: 'prepareAddress: the same address gives the same number, another address another',
    *script(stage) {
      const { transport } = stage;
      yield* stage.until('a turn', () => stage.turns > 0);
      const one = transport.prepareAddress({ family: 4, host: '127.0.0.1', port: 1 });
      const two = transport.prepareAddress({ family: 4, host: '127.0.0.1', port: 2 });
      const three = transport.prepareAddress({ family: 0, host: '127.0.0.1', port: 0 });
      assert.equal(transport.prepareAddress({ family: 4, host: '127.0.0.1', port: 1 }), one);
      assert.equal(new Set([one, two, three]).size, 3);
    },
  },
  {
    name: 'connect: from each source of its family in turn',
    script: (stage) =>
      connectFrom(
        stage,
        [source('127.0.0.2'), source('::1'), source('127.0.0.3')],
        ['127.0.0.2', '127.0.0.3', '127.0.0.2'],
      ),
  },
  {
    name: 'connect: a source that this machine does not have is passed over',
    script: (stage) => connectFrom(stage, [FOREIGN, source('127.0.0.4')], ['127.0.0.4', '127.0.0.4']),
  },
  {
    name: 'connect: sources of another family change nothing',
    script: (stage) => connectFrom(stage, [source('::1')], ['127.0.0.1']),
  },
  {
    name: 'connect: no source is there is no-port',
    script: (stage) => noSource(stage, [FOREIGN, source('198.51.100.1')]),
  },
  {
    name: 'prepareAddress: the same address with other sources is another number',
    *script(stage) {
      const { transport } = stage;
      yield* stage.until('a turn', () => stage.turns > 0);
      const address: Address = { family: 4, host: '127.0.0.1', port: 1 };
      const numbers = [[], [FOREIGN], [source('127.0.0.2')]].map((sources) =>
        transport.prepareAddress(address, sources),
      );
      assert.equal(new Set(numbers).size, 3);
      assert.equal(transport.prepareAddress(address, [FOREIGN]), numbers[1]);
    },
  },
  {
    name: 'forgetAddress: the number goes with the last use, and another address gets it',
    *script(stage) {
      const { transport } = stage;
      yield* stage.until('a turn', () => stage.turns > 0);
      const number = transport.prepareAddress(loopback(1));
      assert.equal(transport.prepareAddress(loopback(1)), number);
      transport.forgetAddress(number);
      assert.equal(transport.prepareAddress(loopback(1)), number);
      transport.forgetAddress(number);
      transport.forgetAddress(number);
      const numbers = new Set<number>();
      for (let port = 2; port < 200; port++) {
        const next = transport.prepareAddress(loopback(port), [source('127.0.0.8')]);
        numbers.add(next);
        transport.forgetAddress(next);
      }
      assert.ok(numbers.size <= 2, `${numbers.size} numbers for one address at a time`);
    },
  },
  {
    name: 'forgetAddress: a connection that has begun goes where it was to go',
    *script(stage) {
      const { transport, world } = stage;
      const listener = yield* stage.peerListen('ipv4');
      const recorder = new Recorder(stage);
      transport.forgetAddress(listener.prepared);
      const prepared = transport.prepareAddress(listener.address!);
      recorder.socket = transport.connect(prepared, recorder);
      transport.forgetAddress(prepared);
      // gets the memory of the other one, if anything does
      const silence = transport.prepareAddress(world.refusing('ipv4'));
      yield* stage.until('handleConnect', () => recorder.isConnected);
      transport.forgetAddress(silence);
    },
  },
  {
    name: 'adopt: a connected descriptor becomes a socket, also in non-blocking mode',
    *script(stage) {
      const { descriptor, peer } = stage.world.openPair();
      stage.world.setNonBlocking(descriptor);
      peer.write(HELLO);
      const recorder = new Recorder(stage);
      recorder.socket = stage.transport.adopt(descriptor, recorder);
      recorder.send(HELLO);
      yield* stage.until('both sides have it', () => peer.receivedBytes === 100 && recorder.receivedBytes === 100);
      assertSame(recorder.received(), HELLO);
      assertSame(peer.received(), HELLO);
      assert.equal(recorder.isConnected, false, 'handleConnect is for connect');
      peer.end();
      yield* stage.until('handleEnd', () => recorder.isEnded);
      recorder.close();
      yield* stage.until('the peer is done', () => peer.isClosed);
    },
  },
  {
    name: 'remoteAddress: IPv4 as a mapped address, and the port',
    script: (stage) => remoteAddress(stage, 'ipv4', MAPPED_LOOPBACK),
  },
  {
    name: 'remoteAddress: IPv6, and the port',
    kind: 'ipv6',
    script: (stage) => remoteAddress(stage, 'ipv6', IPV6_LOOPBACK),
  },
  {
    name: 'remoteAddress: zeros for a Unix socket',
    kind: 'unix',
    script: (stage) =>
      remoteAddress(
        stage,
        'unix',
        Array.from({ length: 16 }, () => 0),
      ),
  },
  {
    name: 'remoteAddress: of a connection that we made',
    *script(stage) {
      const { recorder, peer } = yield* connected(stage);
      const into = new Uint8Array(16);
      const port = recorder.socket!.remoteAddress(into, 0);
      assert.deepEqual([...into], MAPPED_LOOPBACK);
      assert.ok(port > 0 && peer.isConnected);
      recorder.close();
    },
  },
];
