/** What comes in from a socket of the test's, at a rate. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../base/arena.ts';
import { Timers } from '../base/timers.ts';
import { Pace } from '../core/bandwidth/pace.ts';
import type { Socket, SocketHandler } from '../port/transport.ts';
import type { Context } from './context.ts';
import type { Expiring } from './expiring.ts';
import { PacedSocket } from './paced-socket.ts';

class World implements SocketHandler {
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(4, 4)), 4, 4);
  readonly timers = new Timers(0);
  readonly transport = { now: 0 };
  readonly said: string[] = [];
  /** The handler pauses with each piece. */
  pauses = false;
  isReading = false;
  readonly inner = {
    handler: null as unknown as SocketHandler,
    pause: () => (this.isReading = false),
    resume: () => (this.isReading = true),
    close: () => this.said.push('closed'),
    reset: () => this.said.push('reset'),
  };
  readonly socket: PacedSocket;

  constructor(rate: number) {
    const { arena, timers, transport } = this;
    const context = { arena, timers, transport } as unknown as Context;
    this.socket = new PacedSocket(context, this.inner as unknown as Socket, new Pace(rate, 0, 0));
    this.socket.handler = this;
    this.socket.resume();
  }

  comes(letters: string): void {
    assert.ok(this.isReading, 'nothing is read');
    const slot = this.arena.allocateLarge();
    const at = this.arena.receiveStart(slot);
    for (let i = 0; i < letters.length; i++) this.arena.memory[at + i] = letters.charCodeAt(i);
    this.inner.handler.handleData(this.socket, slot, at, letters.length);
  }

  at(ms: number): readonly string[] {
    this.transport.now = ms;
    this.timers.advance(ms, { handleExpiry: (timed, now) => (timed as Expiring).handleExpiry(now) });
    return this.said.splice(0);
  }

  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    this.said.push(String.fromCharCode(...this.arena.memory.subarray(offset, offset + length)));
    this.arena.release(slot);
    if (this.pauses) this.socket.pause();
  }

  handleConnect(): void {
    assert.fail('it is connected');
  }

  handleEnd(): void {
    this.said.push('end');
  }

  handleDrain(): void {
    this.said.push('drain');
  }

  handleClose(): void {
    this.said.push('broken');
  }
}

test('what comes in goes on by the rate, and nothing is read while some of it is held', () => {
  const world = new World(4);
  world.comes('abcdefg');
  assert.deepEqual(world.at(0), ['abcd']);
  assert.ok(!world.isReading);
  assert.deepEqual(world.at(1000), ['e']);
  assert.deepEqual(world.at(2000), ['fg']);
  assert.ok(world.isReading);
  assert.equal(world.arena.usedSlots, 0);
});

test('an end and a break come behind what is held', () => {
  const world = new World(4);
  world.comes('abcdef');
  world.inner.handler.handleEnd(world.socket);
  world.inner.handler.handleClose(world.socket, 'reset');
  assert.deepEqual(world.at(0), ['abcd']);
  assert.deepEqual(world.at(2000), ['ef', 'end', 'broken']);
  assert.deepEqual(world.at(9000), []);
  assert.equal(world.arena.usedSlots, 0);
});

test('a handler that pauses gets the rest when it resumes, and no more than the rate has', () => {
  const world = new World(4);
  world.pauses = true;
  world.comes('abcdef');
  assert.deepEqual(world.at(1500), ['abcd']);
  world.pauses = false;
  world.socket.resume();
  assert.deepEqual(world.at(1500), ['ef']);
});

test('one that is closed holds nothing, and passes nothing on', () => {
  const world = new World(1);
  world.comes('abc');
  assert.deepEqual(world.at(0), ['a']);
  world.socket.reset();
  assert.deepEqual(world.at(5000), ['reset']);
  assert.equal(world.arena.usedSlots, 0);
});
