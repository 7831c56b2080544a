/** A connection of HTTP/2 whose client takes nothing, or for which there is no memory: on a socket and a clock of the test's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../../base/arena.ts';
import { Timers } from '../../base/timers.ts';
import type { Socket, SocketHandler } from '../../port/transport.ts';
import { FRAME_DATA, FRAME_HEADER_BYTES, FRAME_HEADERS, PREFACE } from '../../wire/http2/frame.ts';
import { emitFrameHeader, emitPing, emitSettings } from '../../wire/http2/frame-writer.ts';
import { LineCache } from '../../wire/http2/hpack/line-cache.ts';
import type { ClientEmitters } from '../http/client-emitters.ts';
import type { HttpService } from '../http/service.ts';
import { IdleClients } from '../idle-clients.ts';
import { Later } from '../later.ts';
import { Sessions } from '../sessions.ts';
import { Connection } from './connection.ts';

const HEAD_MS = 1000;
const BODY_MS = 10_000;
const IDLE_MS = 60_000;
const SLOTS = 8;

/** Takes what it is sent when the test says so. */
class TestSocket {
  handler!: SocketHandler;
  pendingSegments = 0;
  readonly keepsScarce = false;
  readonly acknowledgedBytes = 0;
  isReset = false;
  hasEnded = false;
  isClosed = false;
  /** Of the frames that it was sent: type and flags, and the content in hexadecimal. */
  readonly frames: string[] = [];
  private readonly arena: Arena;
  private readonly slots: number[] = [];

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Whole frames, as all of these small ones are. */
  send(slot: number, offset: number, length: number): void {
    assert.ok(!this.isClosed, 'a closed socket is sent nothing');
    this.slots.push(slot);
    this.pendingSegments++;
    const sent = Buffer.from(this.arena.memory.subarray(offset, offset + length));
    for (let at = 0; at < sent.length;) {
      const end = at + FRAME_HEADER_BYTES + sent.readUIntBE(at, 3);
      this.frames.push(`${sent[at + 3]} ${sent[at + 4]} ${sent.toString('hex', at + FRAME_HEADER_BYTES, end)}`);
      at = end;
    }
  }

  drain(): void {
    for (const slot of this.slots.splice(0)) this.arena.release(slot);
    this.pendingSegments = 0;
    this.handler.handleDrain(this as unknown as Socket);
  }

  pause(): void {
    assert.ok(!this.isClosed);
  }

  resume(): void {
    assert.ok(!this.isClosed);
  }

  close(): void {
    this.isClosed = true;
    for (const slot of this.slots.splice(0)) this.arena.release(slot);
    this.pendingSegments = 0;
  }

  end(): void {
    this.hasEnded = true;
  }

  reset(): void {
    this.isReset = true;
    this.close();
  }
}

class Stage {
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(SLOTS, SLOTS)), SLOTS, SLOTS);
  readonly transport = { now: 0, requestTurn: (): void => undefined };
  readonly timers = new Timers(0);
  readonly sessions = new Sessions();
  readonly later = new Later(this.transport as never);
  readonly socket = new TestSocket(this.arena);
  released = 0;
  cutOff = 0;
  private readonly service: HttpService;

  constructor() {
    const { arena, later, sessions, timers, transport } = this;
    const answers = { note: () => undefined };
    const context = { answers, arena, later, memory: arena.memory, segmentsEnough: 2, sessions, timers, transport };
    const plan = { timeouts: { headMs: HEAD_MS, bodyMs: BODY_MS, idleMs: IDLE_MS }, limits: { bodyRate: 256 } };
    const listener = {
      plan,
      context,
      idle: new IdleClients(),
      release: () => this.released++,
      noteCutOff: () => this.cutOff++,
    };
    this.service = { listener } as unknown as HttpService;
  }

  accept(): void {
    const emitters = { limits: { headBytes: 16_384, headers: 100 } } as ClientEmitters;
    const socket = this.socket as unknown as Socket;
    this.sessions.add(new Connection(this.service, emitters, new LineCache(), socket, null));
  }

  receive(write: (memory: Uint8Array, at: number) => number): void {
    const slot = this.arena.allocateLarge();
    assert.ok(slot >= 0);
    const start = this.arena.receiveStart(slot);
    const end = write(this.arena.memory, start);
    this.socket.handler.handleData(this.socket as unknown as Socket, slot, start, end - start);
  }

  pass(ms: number): void {
    this.transport.now += ms;
    this.timers.advance(this.transport.now, {
      handleExpiry: (timed, now) => (timed as never as Connection).handleExpiry(now),
    });
    this.later.handleTurn();
  }
}

function preface(memory: Uint8Array, at: number): number {
  memory.set(PREFACE, at);
  return emitSettings(memory, at + PREFACE.length, []);
}

const OPAQUE = new Uint8Array(8);

test('SETTINGS are the first frame, and those of the client are acknowledged at once (sections 3.4 and 6.5.3)', () => {
  const stage = new Stage();
  stage.accept();
  stage.pass(0);
  assert.match(stage.socket.frames[0], /^4 0 ([0-9a-f]{12})+$/);
  const before = stage.socket.frames.length;
  stage.socket.drain();
  stage.receive(preface);
  assert.deepEqual(stage.socket.frames.slice(before), ['4 1 ']);
});

test('PING is answered with its 8 bytes, and an acknowledgment is not (section 6.7)', () => {
  const stage = new Stage();
  stage.accept();
  stage.receive(preface);
  stage.socket.drain();
  const before = stage.socket.frames.length;
  const opaque = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 0xfe);
  stage.receive((memory, at) => emitPing(memory, emitPing(memory, at, opaque, true), opaque, false));
  assert.deepEqual(stage.socket.frames.slice(before), ['6 1 01020304050607fe']);
});

test('behind a GOAWAY for an error the connection is closed, and nothing more is answered (section 5.4.1)', () => {
  const stage = new Stage();
  stage.accept();
  stage.receive(preface);
  stage.socket.drain();
  stage.receive((memory, at) => emitFrameHeader(memory, at, 0, FRAME_DATA, 0, 0));
  const protocolError = '00000001';
  assert.equal(stage.socket.frames.at(-1), `7 0 00000000${protocolError}`);
  assert.ok(stage.socket.hasEnded);
  const before = stage.socket.frames.length;
  stage.receive((memory, at) => emitPing(memory, at, OPAQUE, false));
  stage.socket.drain();
  stage.pass(BODY_MS);
  assert.equal(stage.socket.frames.length, before);
  assert.deepEqual([stage.socket.isClosed, stage.released], [true, 1]);
});

test('the time of a header block begins with its first byte, not with the block before', () => {
  const stage = new Stage();
  stage.accept();
  stage.receive(preface);
  stage.socket.drain();
  stage.pass(IDLE_MS / 2);
  stage.receive((memory, at) => emitFrameHeader(memory, at, 10, FRAME_HEADERS, 0, 1));
  stage.pass(HEAD_MS / 2);
  assert.ok(!stage.socket.frames.some((sent) => sent.startsWith('7 ')), 'it is not told to go');
  stage.pass(HEAD_MS);
  stage.socket.drain();
  stage.pass(BODY_MS);
  assert.equal(stage.released, 1, 'it never comes');
});

test('a client that takes nothing is cut off, also where no stream waits for it', () => {
  const stage = new Stage();
  stage.accept();
  stage.receive(preface);
  stage.socket.drain();
  stage.receive((memory, at) => emitPing(memory, at, OPAQUE, false));
  assert.equal(stage.socket.pendingSegments, 1);
  for (let i = 0; i < 4; i++) stage.pass(BODY_MS / 2);
  assert.deepEqual([stage.cutOff, stage.released, stage.sessions.size], [1, 1, 0]);
});

test('one that takes what it is sent may be idle for as long as that may be', () => {
  const stage = new Stage();
  stage.accept();
  stage.receive(preface);
  stage.socket.drain();
  for (let i = 0; i < 10; i++) stage.pass(IDLE_MS / 11);
  assert.equal(stage.socket.pendingSegments, 0);
  stage.pass(IDLE_MS / 10);
  assert.equal(stage.socket.pendingSegments, 1, 'it is told to go');
  assert.deepEqual([stage.cutOff, stage.released], [0, 0]);
});

test('a connection for which there is no slot from the beginning is gone with the next turn, and counted once', () => {
  const stage = new Stage();
  const slots = [];
  for (let slot; (slot = stage.arena.allocate(FRAME_HEADER_BYTES)) >= 0;) slots.push(slot);
  for (let slot; (slot = stage.arena.allocateLarge()) >= 0;) slots.push(slot);
  stage.accept();
  assert.equal(stage.released, 0, 'nobody has it yet');
  for (let i = 0; i < 4; i++) stage.pass(1000);
  assert.deepEqual([stage.socket.isReset, stage.released, stage.sessions.size], [true, 1, 0]);
});
