import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SEND_SEGMENTS_MAX, SMALL_SLOT_BYTES } from '../src/base/limits.ts';
import type { Address } from '../src/base/address.ts';
import type { CloseReason, Socket, SocketHandler } from '../src/port/transport.ts';
import { CheckedArena } from './checked-arena.ts';
import { Network, type Endpoint, type LinkSpec } from './network.ts';
import { SimTransport, type TransportSpec } from './transport.ts';
import { Violation, World } from './world.ts';

const LINK: LinkSpec = {
  delayUs: 10,
  jitterUs: 0,
  tinyBytes: 0,
  tinySlice: 1,
  stallOneIn: 0,
  stallUs: 0,
  bufferBytes: 1000,
};
const SPEC: TransportSpec = {
  clockBaseMs: 0,
  wakeUs: 10,
  lateOneIn: 0,
  lateMs: 1,
  isShortWriting: false,
  isOddOffset: false,
  isOneByOne: false,
  seesResetWhilePaused: false,
  connectFailOneIn: 0,
  acceptFailOneIn: 0,
  shortageOneIn: 0,
  timeoutOneIn: 0,
  socketsMax: 100,
  backlog: 10,
};

/** A driver that writes down what it is told. */
class Script implements SocketHandler {
  readonly events: string[] = [];
  private readonly arena: CheckedArena;

  constructor(arena: CheckedArena) {
    this.arena = arena;
  }

  handleConnect(): void {
    this.events.push('connect');
  }
  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    this.events.push(`data ${Buffer.from(this.arena.memory.subarray(offset, offset + length)).toString('latin1')}`);
    this.arena.release(slot);
  }
  handleEnd(): void {
    this.events.push('end');
  }
  handleDrain(): void {
    this.events.push('drain');
  }
  handleClose(_socket: Socket, reason: CloseReason): void {
    this.events.push(`close ${reason}`);
  }
}

interface Stage {
  readonly world: World;
  readonly arena: CheckedArena;
  readonly script: Script;
  readonly socket: Socket;
  readonly peer: Endpoint;
  /** Lets the world go on for a while. */
  readonly run: () => void;
}

/** A listening driver with one client connected to it. */
function stage(): Stage {
  CheckedArena.discard();
  const world = new World(1, false);
  const network = new Network(world);
  const arena = new CheckedArena(world, 8, 8);
  const transport = new SimTransport(network, arena, SPEC);
  const script = new Script(arena);
  const descriptor = transport.openListener('10.0.0.1:80', () => LINK);
  const accepted: Socket[] = [];
  transport.listen(descriptor, {
    handleAccept: (socket) => {
      socket.handler = script;
      accepted.push(socket);
    },
  });
  void transport.run({ handleTurn: () => {} });
  const peer = network.dial('10.0.0.2:5000', '10.0.0.1:80');
  const run = (): void => void world.run(world.nowUs + 200_000, () => false);
  run();
  return { world, arena, script, socket: accepted[0], peer, run };
}

function breaks(invariant: string, body: () => void): void {
  assert.throws(body, (error) => error instanceof Violation && error.invariant === invariant);
}

function slotWith(arena: CheckedArena, text: string): { slot: number; offset: number; length: number } {
  const slot = arena.allocate(SMALL_SLOT_BYTES);
  const offset = arena.start(slot);
  arena.memory.set(Buffer.from(text, 'latin1'), offset);
  return { slot, offset, length: text.length };
}

const source = (last: number): Address => ({ family: 4, host: `10.9.9.${last}`, port: 0 });

test('connections come from each source in turn', () => {
  CheckedArena.discard();
  const world = new World(1, false);
  const network = new Network(world);
  const transport = new SimTransport(network, new CheckedArena(world, 8, 8), SPEC);
  const dialled: string[] = [];
  const dial = network.dial.bind(network);
  network.dial = (local, remote) => {
    dialled.push(local.split(':', 1)[0]);
    return dial(local, remote);
  };
  const prepared = transport.prepareAddress({ family: 4, host: '10.0.0.1', port: 80 }, [source(1), source(2)]);
  const script = new Script(transport.arena);
  for (let i = 0; i < 3; i++) transport.connect(prepared, script);
  assert.deepEqual(dialled, ['10.9.9.1', '10.9.9.2', '10.9.9.1']);
});

test('bytes, FIN and completions go through in both directions, and no slot stays behind', () => {
  const { arena, script, socket, peer, run } = stage();
  peer.write(Buffer.from('hello'), 0, 5);
  run();
  const { slot, offset, length } = slotWith(arena, 'world');
  socket.send(slot, offset, length, false);
  socket.end();
  peer.shutdown();
  run();
  assert.equal(script.events.filter((event) => event.startsWith('data')).join(''), 'data hello');
  assert.deepEqual(
    script.events.filter((event) => !event.startsWith('data')).sort((a, b) => a.localeCompare(b)),
    ['drain', 'end'],
  );
  const into = Buffer.alloc(10);
  assert.equal(into.toString('latin1', 0, peer.read(into, 0, 10)), 'world');
  assert.ok(peer.isAtEnd);
  socket.close();
  assert.equal(arena.usedSlots, 0);
});

test('a paused socket gets no data, and all of it after resume', () => {
  const { script, socket, peer, run } = stage();
  socket.pause();
  peer.write(Buffer.from('later'), 0, 5);
  run();
  assert.equal(script.events.length, 0);
  socket.resume();
  run();
  assert.equal(script.events.map((event) => event.slice(5)).join(''), 'later');
});

test('a peer that does not read stops the sending when all buffers are full', () => {
  const { arena, socket, peer, run } = stage();
  const first = arena.allocateLarge();
  socket.send(first, arena.start(first), 5000, false);
  run();
  assert.equal(socket.pendingSegments, 1);
  const into = Buffer.alloc(6000);
  let got = 0;
  for (let i = 0; i < 10; i++) {
    got += peer.read(into, 0, 6000);
    run();
  }
  assert.equal(got, 5000);
  assert.equal(socket.pendingSegments, 0);
});

test('a reset by the peer is told once, and what was being sent is given back', () => {
  const { arena, script, socket, peer, run } = stage();
  const { slot, offset, length } = slotWith(arena, 'x'.repeat(1500));
  socket.send(slot, offset, length, false);
  peer.reset();
  run();
  run();
  assert.deepEqual(
    script.events.filter((event) => event.startsWith('close')),
    ['close reset'],
  );
  assert.equal(arena.usedSlots, 0);
});

test('what the driver may not do is a violation', () => {
  breaks('contract', () => {
    const { arena, socket } = stage();
    const { slot, offset, length } = slotWith(arena, 'abc');
    socket.close();
    socket.send(slot, offset, length, false);
  });
  breaks('contract', () => {
    const { arena, socket } = stage();
    const { slot, offset, length } = slotWith(arena, 'abc');
    socket.end();
    socket.send(slot, offset, length, false);
  });
  breaks('contract', () => {
    const { arena, socket } = stage();
    for (let i = 0; i <= SEND_SEGMENTS_MAX; i++) {
      const { slot, offset, length } = slotWith(arena, 'abc');
      socket.send(slot, offset, length, false);
    }
  });
  breaks('contract', () => {
    const { arena, socket } = stage();
    const { slot, offset } = slotWith(arena, 'abc');
    socket.send(slot, offset, 3000, false);
  });
  breaks('contract', () => {
    const { arena, socket, run } = stage();
    const { slot, offset, length } = slotWith(arena, 'abc');
    socket.send(slot, offset, length, true);
    run();
  });
  breaks('slot not owned', () => {
    const { arena, socket } = stage();
    const { slot, offset, length } = slotWith(arena, 'abc');
    socket.send(slot, offset, length, false);
    socket.send(slot, offset, length, false);
  });
  breaks('slot not owned', () => {
    const { arena } = stage();
    const { slot } = slotWith(arena, 'abc');
    arena.release(slot);
    arena.release(slot);
  });
  breaks('slot not owned', () => {
    const { arena, socket } = stage();
    const { slot, offset, length } = slotWith(arena, 'abc');
    socket.send(slot, offset, length, false);
    arena.release(slot);
  });
});

test('bytes that change between send and completion are seen', () => {
  breaks('bytes changed in flight', () => {
    const { arena, socket, run } = stage();
    const { slot, offset, length } = slotWith(arena, 'abc');
    socket.send(slot, offset, length, false);
    arena.memory[offset] = 0x7a;
    run();
  });
});

test('a write to a slot that was released is seen', () => {
  breaks('write to a free slot', () => {
    const { arena } = stage();
    const { slot, offset } = slotWith(arena, 'abc');
    arena.release(slot);
    arena.memory[offset] = 0x7a;
    arena.allocate(SMALL_SLOT_BYTES);
  });
});
