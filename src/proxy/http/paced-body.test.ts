/** Bodies at a rate, between a server and a client of the test's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../../base/arena.ts';
import { Timers } from '../../base/timers.ts';
import { Pace } from '../../core/bandwidth/pace.ts';
import type { Context } from '../context.ts';
import type { Expiring } from '../expiring.ts';
import { PacedBody } from './paced-body.ts';
import type { BodySink } from './sides.ts';

class World {
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(4, 4)), 4, 4);
  readonly timers = new Timers(0);
  readonly transport = { now: 0 };
  readonly said: string[] = [];
  isFull = false;
  hasRoom = true;
  readonly sink: BodySink = {
    takesChunks: true,
    isFull: false,
    send: (slot, offset, length) => {
      assert.ok(!this.isFull, 'the client is full');
      if (!this.hasRoom) return false;
      this.said.push(String.fromCharCode(...this.arena.memory.subarray(offset, offset + length)));
      this.arena.release(slot);
      return true;
    },
    sendLast: () => assert.fail('ends are said by finish'),
    flush: () => this.hasRoom,
    sendTrailers: () => true,
    finish: () => {
      if (this.hasRoom) this.said.push('end');
      return this.hasRoom;
    },
  };
  readonly body: PacedBody;

  constructor(rate: number, after = 0) {
    Object.defineProperty(this.sink, 'isFull', { get: () => this.isFull });
    const { arena, timers, transport } = this;
    const context = { arena, timers, transport } as unknown as Context;
    this.body = new PacedBody(context, new Pace(rate, after, 0), this.sink, this);
  }

  segment(letters: string, isLast = false): boolean {
    const slot = this.arena.allocateLarge();
    const at = this.arena.receiveStart(slot);
    for (let i = 0; i < letters.length; i++) this.arena.memory[at + i] = letters.charCodeAt(i);
    const isTaken = isLast ? this.body.sendLast(slot, at, letters.length) : this.body.send(slot, at, letters.length);
    if (!isTaken) this.arena.release(slot);
    return isTaken;
  }

  at(ms: number): readonly string[] {
    this.transport.now = ms;
    this.timers.advance(ms, { handleExpiry: (timed, now) => (timed as Expiring).handleExpiry(now) });
    return this.said.splice(0);
  }

  handleClientFull(): void {
    this.said.push('client full');
  }

  handlePaced(): void {
    this.said.push('paced');
  }
}

test('a body goes in the pieces that its rate allows, and takes nothing while one is held', () => {
  const world = new World(4);
  assert.ok(world.segment('abcdefgh'));
  assert.deepEqual(world.at(0), ['abcd']);
  assert.ok(world.body.isFull);
  assert.ok(world.body.finish());
  assert.deepEqual(world.at(900), []);
  assert.deepEqual(world.at(1000), ['e', 'paced']);
  assert.deepEqual(world.at(1200), []);
  assert.deepEqual(world.at(2000), ['fgh', 'end', 'paced'], 'what is late catches up');
  assert.ok(world.body.isDone);
  world.body.release();
  assert.equal(world.arena.usedSlots, 0);
});

test('nothing is held, and nothing taken, when the bytes that came were as many as may go on', () => {
  const world = new World(4, 2);
  assert.ok(world.segment('abcdef'));
  assert.deepEqual(world.at(0), ['abcdef']);
  assert.ok(world.body.isFull);
  assert.deepEqual(world.at(1000), ['paced']);
  assert.ok(!world.body.isFull);
  assert.ok(world.segment('g', true));
  assert.deepEqual(world.at(1000), ['g', 'end']);
  world.body.release();
  assert.equal(world.arena.usedSlots, 0);
});

test('a client that does not take what is due is waited for', () => {
  const world = new World(4);
  world.segment('abcdef');
  assert.deepEqual(world.at(0), ['abcd']);
  world.isFull = true;
  assert.deepEqual(world.at(2000), ['client full', 'paced']);
  world.isFull = false;
  assert.ok(!world.body.resume());
  assert.deepEqual(world.at(2000), ['ef']);
  world.body.release();
});

test('without a free slot the first piece is not taken, and a later one is tried again', () => {
  const world = new World(4);
  world.hasRoom = false;
  assert.ok(!world.segment('abcdef'));
  assert.equal(world.arena.usedSlots, 0);
  world.hasRoom = true;
  assert.ok(world.segment('abcdef'));
  world.hasRoom = false;
  assert.ok(world.body.finish());
  assert.deepEqual(world.at(2000), ['abcd', 'paced']);
  world.hasRoom = true;
  assert.deepEqual(world.at(2100), ['ef', 'end', 'paced']);
  world.body.release();
  assert.equal(world.arena.usedSlots, 0);
});

test('what is held of a body that is given up is let go, and its timer with it', () => {
  const world = new World(1);
  world.segment('abc');
  world.body.release();
  assert.equal(world.arena.usedSlots, 0);
  assert.deepEqual(world.at(5000), ['a']);
});
