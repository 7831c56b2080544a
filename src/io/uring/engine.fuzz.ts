/**
 * The engine's side of the fuzzer: a process with one transport, started by transport.fuzz.ts. Descriptor 3 is its control
 * channel: the parent sends its port, and closes when its connections are done.
 */
import assert from 'node:assert/strict';
import { readdirSync, writeSync } from 'node:fs';
import {
  HEAD_SLOT_BYTES,
  LARGE_SLOT_BYTES,
  MEDIUM_SLOT_BYTES,
  SEND_SEGMENTS_MAX,
  SMALL_SLOT_BYTES,
} from '../../base/limits.ts';
import type { Prng } from '../../base/prng.ts';
import type {
  CloseReason,
  ListenHandler,
  Socket,
  SocketHandler,
  Transport,
  TransportDriver,
} from '../../port/transport.ts';
import { openListening, setDescriptorLimit } from '../contract/sockets.ts';
import { mapMemory, setsockopt, SOL_SOCKET } from './ffi.ts';
import * as fuzz from './plan.fuzz.ts';
import { createUringTransport } from './transport.ts';

const SO_SNDBUF = 7;

/** Of slots to send from. */
const SIZES = [SMALL_SLOT_BYTES, MEDIUM_SLOT_BYTES, LARGE_SLOT_BYTES, HEAD_SLOT_BYTES];

/** One connection, on the engine's side. */
class Side implements SocketHandler {
  private readonly fleet: Fleet;
  private readonly socket: Socket;
  private plan: fuzz.Plan | null = null;
  private prng: Prng | null = null;
  private headerBytes = 0;
  private id = 0;
  private isConnected: boolean;
  private received = 0;
  private sent = 0;
  private hasEnded = false;
  private isGone = false;
  private segmentsMax = 1;
  private pausedTurns = 0;
  private isPaused = false;
  /** For the number, which goes out first; -1 if the peer made the connection. */
  private readonly numberSlot: number;

  constructor(fleet: Fleet, socket: Socket, plan: fuzz.Plan | null, numberSlot: number) {
    this.fleet = fleet;
    this.socket = socket;
    this.numberSlot = numberSlot;
    this.isConnected = plan === null;
    if (plan !== null) this.begin(plan);
  }

  private begin(plan: fuzz.Plan): void {
    this.plan = plan;
    this.prng = plan.prng(fuzz.TO_PEER);
    this.segmentsMax = this.prng.oneIn(2) ? 1 : SEND_SEGMENTS_MAX;
    this.fleet.sides.add(this);
  }

  handleConnect(): void {
    this.isConnected = true;
    const { arena } = this.fleet.transport;
    const at = arena.start(this.numberSlot);
    new DataView(arena.memory.buffer, at).setInt32(0, this.plan!.id, true);
    this.socket.send(this.numberSlot, at, 4, false);
    this.abortIfTime();
    this.write();
  }

  handleData(socket: Socket, slot: number, offset: number, length: number): void {
    assert.ok(!this.isGone && !this.isPaused && !this.hasEnded && socket === this.socket);
    const { arena } = this.fleet.transport;
    let bytes = arena.memory.subarray(offset, offset + length);
    while (this.plan === null && bytes.length > 0) {
      this.id |= bytes[0] << (8 * this.headerBytes++);
      bytes = bytes.subarray(1);
      if (this.headerBytes === 4) this.begin(fuzz.planOf(this.fleet.round.seed, this.id));
    }
    if (this.plan === null) {
      arena.release(slot);
      return;
    }
    assert.ok(fuzz.isStream(this.plan.id, fuzz.TO_ENGINE, this.received, bytes), 'other bytes than were sent');
    this.received += bytes.length;
    assert.ok(this.received <= this.plan.bytes[fuzz.TO_ENGINE]);
    // Now and then somebody keeps a slot for a while.
    if (this.prng!.oneIn(10)) this.fleet.kept.push(slot);
    else arena.release(slot);
    this.abortIfTime();
    if (this.isGone) return;
    if (this.prng!.oneIn(6)) this.pause();
    if (this.prng!.oneIn(6)) this.fleet.resumeOne();
    this.write();
  }

  handleEnd(): void {
    assert.ok(!this.isGone && !this.isPaused && !this.hasEnded);
    this.hasEnded = true;
    if (this.plan === null) {
      this.leave('close');
      return;
    }
    if (this.plan.abort !== 'peer-reset' && this.plan.abort !== 'peer-destroy') {
      assert.equal(this.received, this.plan.bytes[fuzz.TO_ENGINE], 'the stream ended short');
    }
    this.finishIfDone();
  }

  handleDrain(): void {
    assert.ok(!this.isGone);
    assert.equal(this.socket.pendingSegments, 0);
    this.write();
  }

  handleClose(_: Socket, reason: CloseReason): void {
    assert.ok(!this.isGone);
    this.isGone = true;
    this.fleet.left(this);
    if (!this.isConnected) this.fleet.transport.arena.release(this.numberSlot);
    const isExpected = this.plan === null || this.plan.abort === 'peer-reset' || this.plan.abort === 'peer-destroy';
    if (reason === 'no-resource' && !this.isConnected) this.fleet.retry(this.plan!.id);
    else assert.ok(isExpected, `closed for nothing: ${reason}`);
  }

  resume(): void {
    if (!this.isPaused || this.isGone) return;
    this.isPaused = false;
    this.socket.resume();
  }

  /** Once a turn. */
  handleTurn(): void {
    if (this.isPaused && --this.pausedTurns <= 0) this.resume();
    else if (!this.isPaused && this.prng!.oneIn(50)) this.pause();
    this.write();
  }

  private pause(): void {
    this.isPaused = true;
    this.pausedTurns = this.prng!.below(12);
    this.fleet.lastPaused = this;
    this.socket.pause();
    if (this.prng!.oneIn(5)) {
      this.socket.resume();
      this.socket.pause();
    }
  }

  private abortIfTime(): void {
    const { abort, abortAt } = this.plan!;
    if (this.received < abortAt) return;
    if (abort === 'engine-reset') this.leave('reset');
    else if (abort === 'engine-close') this.leave('close');
  }

  private leave(how: 'close' | 'reset'): void {
    this.isGone = true;
    this.socket[how]();
    this.socket.close();
    this.fleet.left(this);
  }

  private write(): void {
    if (this.isGone || this.plan === null || !this.isConnected) return;
    const { arena } = this.fleet.transport;
    const total = this.plan.bytes[fuzz.TO_PEER];
    while (this.sent < total && this.socket.pendingSegments < this.segmentsMax) {
      const size = SIZES[this.prng!.below(SIZES.length)];
      const slot = size === LARGE_SLOT_BYTES ? arena.allocateLarge() : arena.allocate(size);
      if (slot < 0) return;
      const length = Math.min(total - this.sent, 1 + this.prng!.below(arena.capacity(slot)));
      const at = arena.start(slot);
      arena.memory.set(fuzz.streamBytes(this.plan.id, fuzz.TO_PEER, this.sent, length), at);
      this.sent += length;
      const isLast = this.sent === total || this.socket.pendingSegments === this.segmentsMax - 1;
      this.socket.send(slot, at, length, !isLast && this.prng!.oneIn(3));
      if (this.prng!.oneIn(5)) return;
    }
    if (this.sent === total) {
      this.socket.end();
      this.finishIfDone();
    }
  }

  private finishIfDone(): void {
    if (this.hasEnded && this.sent === this.plan!.bytes[fuzz.TO_PEER] && this.socket.pendingSegments === 0) {
      this.leave('close');
    }
  }
}

class Fleet implements ListenHandler, SocketHandler, TransportDriver {
  readonly transport: Transport;
  readonly round: fuzz.Round;
  readonly sides = new Set<Side>();
  readonly kept: number[] = [];
  private readonly waiting: number[] = [];
  private address = -1;
  lastPaused: Side | null = null;
  private isParentDone = false;
  private turns = 0;

  constructor(round: fuzz.Round) {
    this.round = round;
    this.transport = createUringTransport(round);
    for (let id = round.connections - 1; id >= 0; id--) if (id % 2 === 1) this.waiting.push(id);
  }

  run(): void {
    const before = readdirSync('/proc/self/fd').length;
    const { transport, round } = this;
    const { descriptor, address } = openListening({ family: 4, host: '127.0.0.1', port: 0 }, 4096);
    // Accepted sockets inherit it: a kernel buffer this small makes sends wait.
    const option = mapMemory(4096);
    new Int32Array(option.buffer)[0] = 10_000;
    if (round.seed % 2 === 0) setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, option.address, 4);
    const control = transport.adopt(3, this);
    transport.listen(descriptor, this);
    const slot = transport.arena.allocate(SMALL_SLOT_BYTES);
    const at = transport.arena.start(slot);
    new DataView(transport.arena.memory.buffer, at).setInt32(0, address.port, true);
    control.send(slot, at, 4, false);
    if (round.descriptors !== undefined) setDescriptorLimit(BigInt(before + 2 + round.descriptors));
    void transport.run(this);
    setDescriptorLimit(4096n);
    for (const kept of this.kept) transport.arena.release(kept);
    assert.equal(transport.arena.usedSlots, 0, 'slots leaked');
    // The ring and the control channel were there before; the ring is closed now, like everything else.
    assert.equal(readdirSync('/proc/self/fd').length, before - 2, 'descriptors leaked');
    writeSync(1, `${this.turns} turns\n`);
  }

  // --- the control channel ---

  handleData(_: Socket, slot: number, offset: number, length: number): void {
    const { arena } = this.transport;
    assert.equal(length, 4);
    const port = new DataView(arena.memory.buffer, offset).getInt32(0, true);
    this.address = this.transport.prepareAddress({ family: 4, host: '127.0.0.1', port });
    arena.release(slot);
  }

  handleEnd(): void {
    this.isParentDone = true;
  }

  handleConnect(): void {}
  handleDrain(): void {}

  handleClose(): void {
    throw new Error('the parent died');
  }

  // --- the fleet ---

  handleAccept(socket: Socket): void {
    socket.handler = new Side(this, socket, null, -1);
  }

  handleTurn(): void {
    this.turns++;
    if (this.turns % 8 === 0) for (const slot of this.kept.splice(0)) this.transport.arena.release(slot);
    for (const side of this.sides) side.handleTurn();
    while (this.address >= 0 && this.waiting.length > 0 && this.sides.size < 2 * this.round.width) {
      if (!this.connect(this.waiting[this.waiting.length - 1])) break;
      this.waiting.pop();
    }
    if (this.isParentDone && this.sides.size === 0 && this.waiting.length === 0) this.transport.stop();
  }

  private connect(id: number): boolean {
    const { arena } = this.transport;
    // Connections that come to nothing for want of a slot, made again every turn, would soon use up the ports of the host,
    // and its kernel resets what meets a connection before it.
    const slot = arena.allocate(SMALL_SLOT_BYTES);
    if (slot < 0) return false;
    const socket = this.transport.connect(this.address, NOBODY);
    if (socket === null) {
      arena.release(slot);
      return false;
    }
    socket.handler = new Side(this, socket, fuzz.planOf(this.round.seed, id), slot);
    return true;
  }

  /** In the middle of somebody else's events. */
  resumeOne(): void {
    this.lastPaused?.resume();
  }

  retry(id: number): void {
    this.waiting.push(id);
  }

  left(side: Side): void {
    this.sides.delete(side);
  }
}

const NOBODY = {} as SocketHandler;

new Fleet(JSON.parse(process.argv[2]) as fuzz.Round).run();
