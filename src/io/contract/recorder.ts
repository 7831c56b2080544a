/**
 * A handler that keeps what happened to one socket, and holds the transport to what the contract says of every call: the
 * order of events, silence after the end, and slots with room around what was received.
 */
import assert from 'node:assert/strict';
import type { Address } from '../../base/address.ts';
import { Arena } from '../../base/arena.ts';
import { HEAD_SLOT_BYTES, SEND_SEGMENTS_MAX, TICK_MS } from '../../base/limits.ts';
import type { CloseReason, ListenHandler, ListenSocket, Socket, SocketHandler } from '../../port/transport.ts';
import type { Stage, Step } from './stage.ts';
import type { AddressKind, Peer } from './world.ts';

export class Recorder implements SocketHandler {
  readonly stage: Stage;
  socket: Socket | null = null;
  isConnected = false;
  isEnded = false;
  closeReason: CloseReason | null = null;
  drains = 0;
  receivedBytes = 0;
  /** Segments of data, one per handleData. */
  readonly segments: Uint8Array[] = [];
  /** With `isHolding`, received slots are kept here instead of being released. */
  isHolding = false;
  readonly held: number[] = [];
  /** Called after the event was recorded. */
  onConnect: ((socket: Socket) => void) | null = null;
  onData: ((socket: Socket) => void) | null = null;
  onEnd: ((socket: Socket) => void) | null = null;
  onDrain: ((socket: Socket) => void) | null = null;
  onClose: ((socket: Socket) => void) | null = null;
  /** No handler may be called any more. */
  private isGone = false;
  private isPaused = false;

  constructor(stage: Stage, socket: Socket | null = null) {
    this.stage = stage;
    this.socket = socket;
  }

  get arena(): Arena {
    return this.stage.transport.arena;
  }

  received(): Uint8Array {
    return Buffer.concat(this.segments);
  }

  // --- the test acts; the recorder knows what must not follow ---

  close(): void {
    this.isGone = true;
    this.socket!.close();
  }

  reset(): void {
    this.isGone = true;
    this.socket!.reset();
  }

  pause(): void {
    this.isPaused = true;
    this.socket!.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.socket!.resume();
  }

  /** Sends a copy of `bytes` as one segment. */
  send(bytes: Uint8Array, more = false): void {
    const slot = this.arena.allocate(bytes.length);
    assert.ok(slot >= 0, 'the arena has a slot for the test');
    assert.ok(bytes.length <= HEAD_SLOT_BYTES);
    const at = this.arena.start(slot);
    this.arena.memory.set(bytes, at);
    this.socket!.send(slot, at, bytes.length, more);
  }

  /** Sends all of `bytes` in segments of these sizes, over and over, as fast as the transport takes them. */
  *sendAll(bytes: Uint8Array, sizes: readonly number[]): Step<void> {
    let at = 0;
    let i = 0;
    while (at < bytes.length) {
      yield* this.stage.until('the transport takes a segment', () => this.socket!.pendingSegments < SEND_SEGMENTS_MAX);
      const size = Math.min(sizes[i++ % sizes.length], bytes.length - at);
      this.send(bytes.subarray(at, at + size));
      at += size;
    }
  }

  releaseHeld(): void {
    for (const slot of this.held) this.arena.release(slot);
    this.held.length = 0;
  }

  // --- SocketHandler ---

  handleConnect(socket: Socket): void {
    this.event('handleConnect', socket, () => {
      assert.equal(this.isConnected, false, 'handleConnect comes once');
      assert.equal(this.receivedBytes, 0, 'handleConnect comes before data');
      this.isConnected = true;
      this.onConnect?.(socket);
    });
  }

  handleData(socket: Socket, slot: number, offset: number, length: number): void {
    this.event('handleData', socket, () => {
      const arena = this.arena;
      assert.equal(this.isPaused, false, 'no handleData while paused');
      assert.equal(this.isEnded, false, 'no handleData after handleEnd');
      assert.ok(length >= 1, 'no empty data');
      assert.ok(arena.isLarge(slot), 'data comes in large slots');
      const first = arena.receiveStart(slot);
      assert.ok(offset >= first && offset + length <= first + Arena.receiveBytes, 'headroom and tailroom stay free');
      this.segments.push(arena.memory.slice(offset, offset + length));
      this.receivedBytes += length;
      // the reference is ours: writing is allowed while nobody else has one
      if (!arena.isShared(slot)) arena.memory.fill(0xee, offset, offset + length);
      if (this.isHolding) this.held.push(slot);
      else arena.release(slot);
      this.onData?.(socket);
    });
  }

  handleEnd(socket: Socket): void {
    this.event('handleEnd', socket, () => {
      assert.equal(this.isPaused, false, 'no handleEnd while paused');
      assert.equal(this.isEnded, false, 'handleEnd comes once');
      this.isEnded = true;
      this.onEnd?.(socket);
    });
  }

  handleDrain(socket: Socket): void {
    this.event('handleDrain', socket, () => {
      assert.equal(socket.pendingSegments, 0, 'handleDrain: nothing is pending');
      this.drains++;
      this.onDrain?.(socket);
    });
  }

  handleClose(socket: Socket, reason: CloseReason): void {
    this.event('handleClose', socket, () => {
      this.isGone = true;
      this.closeReason = reason;
      this.onClose?.(socket);
    });
  }

  private event(name: string, socket: Socket, record: () => void): void {
    this.stage.guard(() => {
      assert.equal(this.isGone, false, `${name} after the socket's end`);
      assert.equal(this.stage.transport.now, this.stage.turnTime, `${name} outside of a turn`);
      // adopt and connect have returned before anything happens
      assert.equal(socket, this.socket, `${name} of another socket, or before its call returned`);
      record();
    });
    this.stage.advance();
  }
}

/** Gives every accepted connection a recorder. */
export class Acceptor implements ListenHandler {
  readonly stage: Stage;
  readonly accepted: Recorder[] = [];
  listenSocket: ListenSocket | null = null;
  address: Address | null = null;
  onAccept: ((recorder: Recorder) => void) | null = null;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  handleAccept(socket: Socket): void {
    this.stage.guard(() => {
      const recorder = new Recorder(this.stage, socket);
      recorder.isConnected = true;
      socket.handler = recorder;
      this.accepted.push(recorder);
      assert.notEqual(this.listenSocket, null, 'no handleAccept before listen returned');
      this.onAccept?.(recorder);
    });
    this.stage.advance();
  }
}

/** A connection made by the transport, standing on both sides. */
export function* connected(
  stage: Stage,
  kind: AddressKind = 'ipv4',
  peerPaused = false,
): Step<{ recorder: Recorder; peer: Peer }> {
  const listener = yield* stage.peerListen(kind, peerPaused);
  const recorder = new Recorder(stage);
  stage.connect(listener.prepared, recorder);
  yield* stage.until('handleConnect', () => recorder.isConnected);
  yield* untilQuiet(stage, recorder);
  return { recorder, peer: yield* stage.firstPeer(listener) };
}

/** A connection made by a peer, standing on both sides. */
export function* accepted(
  stage: Stage,
  kind: AddressKind = 'ipv4',
  peerPaused = false,
): Step<{ recorder: Recorder; peer: Peer; acceptor: Acceptor }> {
  const { descriptor, address } = stage.world.openListener(kind, 128);
  const acceptor = new Acceptor(stage);
  acceptor.address = address;
  acceptor.listenSocket = stage.listen(descriptor, acceptor);
  const peer = stage.world.connect(address, peerPaused);
  yield* stage.until('handleAccept', () => acceptor.accepted.length === 1);
  yield* stage.until('the peer is connected', () => peer.isConnected);
  const [recorder] = acceptor.accepted;
  yield* untilQuiet(stage, recorder);
  return { recorder, peer, acceptor };
}

/** What is over the socket may have had to say something itself. */
function* untilQuiet(stage: Stage, recorder: Recorder): Step<void> {
  yield* stage.until('nothing is pending', () => recorder.socket!.pendingSegments === 0);
  recorder.drains = 0;
}

/** Bytes that differ from place to place, so that a lost, doubled or moved one is seen. */
export function pattern(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < words.length; i++) {
    let z = Math.imul(i + 1 + seed * 0x10001, 0x9e3779b1);
    z = Math.imul(z ^ (z >>> 15), 0x85ebca6b);
    words[i] = z ^ (z >>> 13);
  }
  return new Uint8Array(words.buffer, 0, length);
}

/** Fails with the place of the first difference instead of printing megabytes. */
export function assertSame(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) === 0) return;
  const length = Math.min(actual.length, expected.length);
  let at = 0;
  while (at < length && actual[at] === expected[at]) at++;
  assert.fail(`bytes differ at ${at}: ${actual.length} received, ${expected.length} expected`);
}

/** Until the kernel takes no more of what is sent to a peer that does not read: nothing has left for a while. */
export function* untilStuck(stage: Stage, recorder: Recorder): Step<void> {
  let drains = -1;
  let since = 0;
  yield* stage.until('the kernel takes no more', () => {
    assert.equal(recorder.closeReason, null);
    const { now } = stage.transport;
    if (recorder.drains !== drains || recorder.socket!.pendingSegments === 0) {
      drains = recorder.drains;
      since = now;
    }
    return now - since >= 4 * TICK_MS;
  });
}
