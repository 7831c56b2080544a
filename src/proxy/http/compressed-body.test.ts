import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Arena } from '../../base/arena.ts';
import { ENCODE_END, ENCODE_FLUSH, type Encoder, type EncodeStep } from '../../port/compression.ts';
import { Later } from '../later.ts';
import { CompressedBody, UNTOLD } from './compressed-body.ts';
import { Compressors } from './compressors.ts';
import type { BodySink } from './sides.ts';

const SLICE = 10_000;
const LARGE = 4;

/**
 * Says what went in, in brackets: `[` with the first byte, `|` where it was flushed, `]` at the end. It says nothing before it is flushed, and as
 * real ones do wants what was flushed to be taken before anything else.
 */
class Brackets implements Encoder {
  readonly sliceBytes = SLICE;
  consumed = 0;
  produced = 0;
  hasMore = false;
  static begun = 0;
  private readonly memory: Uint8Array;
  /** Bytes that it says at once. */
  private readonly most: number;
  private said = '[';
  private isFlushing = false;

  constructor(memory: Uint8Array, most: number) {
    this.memory = memory;
    this.most = most;
    Brackets.begun++;
  }

  encode(step: EncodeStep, input: number, length: number, output: number, room: number): void {
    this.consumed = length;
    if (this.isFlushing) assert.deepEqual([step, length], [ENCODE_FLUSH, 0], 'the same step follows');
    else this.note(step, input, length);
    const isLast = step === ENCODE_FLUSH || step === ENCODE_END;
    const count = isLast ? Math.min(room, this.most, this.said.length) : 0;
    for (let i = 0; i < count; i++) this.memory[output + i] = this.said.charCodeAt(i);
    this.said = this.said.slice(count);
    this.produced = count;
    this.hasMore = isLast && this.said !== '';
    this.isFlushing = this.hasMore && step === ENCODE_FLUSH;
  }

  private note(step: EncodeStep, input: number, length: number): void {
    if (this.hasMore) return;
    if (length > 0) this.said += `${String.fromCharCode(this.memory[input])}${length}`;
    if (step === ENCODE_FLUSH) this.said += '|';
    if (step === ENCODE_END) this.said += ']';
  }

  release(): void {
    Brackets.begun--;
  }
}

class World {
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(LARGE, 4)), LARGE, 4);
  readonly said: string[] = [];
  private turns = 0;
  readonly later = new Later({ requestTurn: () => this.turns++ } as never);
  readonly compressors = new Compressors(this.arena, this.later, () => ({
    has: () => true,
    begin: () => new Brackets(this.arena.memory, this.most),
  }));
  most = Infinity;
  isFull = false;
  /** Whatever it is sent fills it. */
  fillsUp = false;
  hasRoom = true;
  private hasHead = true;

  readonly sink: BodySink = {
    takesChunks: false,
    isFull: false,
    send: (slot, offset, length) => this.send(slot, offset, length, ''),
    sendLast: (slot, offset, length) => this.send(slot, offset, length, ' end'),
    flush: () => {
      if (!this.hasRoom) return false;
      if (this.hasHead) this.said.push('head');
      this.hasHead = false;
      return true;
    },
    sendTrailers: () => true,
    finish: () => {
      if (this.hasRoom) this.said.push('end');
      return this.hasRoom;
    },
  };

  constructor() {
    Object.defineProperty(this.sink, 'isFull', { get: () => this.isFull });
  }

  private send(slot: number, offset: number, length: number, end: string): boolean {
    assert.ok(!this.isFull, 'the client is full');
    if (!this.hasRoom) return false;
    this.isFull = this.fillsUp;
    const text = String.fromCharCode(...this.arena.memory.subarray(offset, offset + length));
    this.said.push(`${this.hasHead ? 'head ' : ''}${text}${end}`);
    this.hasHead = false;
    this.arena.release(slot);
    return true;
  }

  body(bytes: number): CompressedBody {
    assert.ok(this.compressors.enter('gzip'));
    return new CompressedBody(this.arena, this.compressors, 'gzip', 4, this.sink, this, bytes);
  }

  /** A segment of so many bytes of this letter. */
  segment(body: CompressedBody, letter: string, length: number): boolean {
    const slot = this.arena.allocateLarge();
    assert.ok(slot >= 0);
    const at = this.arena.receiveStart(slot);
    this.arena.memory.fill(letter.charCodeAt(0), at, at + length);
    const isTaken = body.send(slot, at, length);
    if (!isTaken) this.arena.release(slot);
    return isTaken;
  }

  turn(): void {
    this.later.handleTurn();
  }

  handleClientFull(): void {
    this.said.push('client full');
  }

  handleWorkedOn(): void {
    this.said.push('worked on');
  }
}

describe('a compressed body', () => {
  it('that is short leaves at once, in one piece with its head and its end', () => {
    const world = new World();
    const body = world.body(500);
    assert.ok(world.segment(body, 'a', 500));
    assert.deepEqual(world.said, ['head [a500] end']);
    assert.ok(body.isDone);
    assert.ok(body.finish());
    assert.equal(Brackets.begun, 0, 'its encoder is free for another one');
    body.release();
    world.turn();
    assert.equal(world.arena.usedSlots, 0);
    assert.equal(world.said.length, 1);
  });

  it('is worked on slice by slice, and takes nothing meanwhile', () => {
    const world = new World();
    const body = world.body(25_000);
    assert.ok(world.segment(body, 'a', 25_000));
    assert.deepEqual(world.said, ['head']);
    assert.ok(body.isFull);
    body.finish();
    world.turn();
    assert.equal(body.isDone, false);
    world.turn();
    assert.deepEqual(world.said, ['head', '[a10000a10000a5000] end', 'worked on']);
    body.release();
    world.turn();
    assert.equal(world.arena.usedSlots, 0);
  });

  it('of unknown length is flushed when its server pauses', () => {
    const world = new World();
    const body = world.body(UNTOLD);
    world.segment(body, 'a', 100);
    assert.equal(body.isFull, false);
    world.segment(body, 'b', 9000);
    assert.ok(body.finish());
    assert.deepEqual(world.said, ['head [a100|', 'b9000|', '] end']);
    body.release();
  });

  it('of unknown length is not flushed in the middle of a stream', () => {
    const world = new World();
    const body = world.body(UNTOLD);
    world.segment(body, 'a', Arena.receiveBytes);
    for (let i = 0; i < 5; i++) world.turn();
    assert.deepEqual(world.said, ['head', 'worked on']);
    body.release();
  });

  it('waits for a client that does not take it', () => {
    const world = new World();
    const body = world.body(UNTOLD);
    world.segment(body, 'a', 15_000);
    world.isFull = true;
    world.turn();
    world.turn();
    assert.deepEqual(world.said, ['head', 'client full']);
    world.isFull = false;
    assert.ok(body.resume());
    world.turn();
    assert.deepEqual(world.said, ['head', 'client full', '[a10000a5000|', 'worked on']);
    assert.equal(body.resume(), false);
    body.release();
  });

  it('is sent to a client piece by piece as it takes them, whatever the encoder has to say and the server has ended', () => {
    const world = new World();
    world.most = 4;
    world.fillsUp = true;
    const body = world.body(UNTOLD);
    world.segment(body, 'a', 100);
    assert.deepEqual(world.said.splice(0), ['head [a10']);
    assert.ok(body.isFull);
    assert.ok(body.finish());
    for (let i = 0; i < 9; i++) {
      world.turn();
      world.isFull = false;
      body.resume();
    }
    const pieces = world.said.filter((text) => text !== 'client full');
    assert.deepEqual(pieces, ['0|', '] end', 'worked on']);
    assert.ok(body.isDone);
    body.release();
    world.turn();
    assert.equal(world.arena.usedSlots, 0);
  });

  it('takes nothing more while its encoder has something to say', () => {
    const world = new World();
    world.most = 4;
    const body = world.body(UNTOLD);
    world.fillsUp = true;
    world.segment(body, 'a', 100);
    world.isFull = false;
    assert.ok(body.isFull);
    assert.ok(body.resume());
    world.turn();
    world.isFull = false;
    assert.ok(!body.isFull);
    world.segment(body, 'b', 100);
    assert.deepEqual(world.said.slice(-1), ['b100']);
    body.release();
    world.turn();
    assert.equal(world.arena.usedSlots, 0);
  });

  it('lets another one that is short go first, and another long one wait until its segment is done', () => {
    const world = new World();
    const first = world.body(UNTOLD);
    world.segment(first, 'a', 20_000);
    const second = world.body(UNTOLD);
    world.segment(second, 'b', 20_000);
    assert.equal(Brackets.begun, 1, 'the second one has not begun');
    world.turn();
    assert.deepEqual(world.said.slice(-2), ['[a10000a10000|', 'worked on']);
    world.turn();
    world.turn();
    assert.deepEqual(world.said.slice(-2), ['[b10000b10000|', 'worked on']);
    first.release();
    second.release();
    world.turn();
    assert.equal(world.arena.usedSlots, 0);
  });

  it('without a slot in the beginning has taken and sent nothing', () => {
    const world = new World();
    const body = world.body(100);
    world.hasRoom = false;
    assert.equal(world.segment(body, 'a', 100), false);
    body.release();
    assert.deepEqual(world.said, []);
    world.turn();
    assert.equal(world.arena.usedSlots, 0);
    assert.equal(Brackets.begun, 0);
  });

  it('without a slot later goes on when there is one', () => {
    const world = new World();
    const body = world.body(UNTOLD);
    world.segment(body, 'a', 100);
    world.hasRoom = false;
    assert.ok(world.segment(body, 'b', 100));
    assert.ok(body.isFull);
    world.turn();
    body.finish();
    world.turn();
    world.hasRoom = true;
    world.turn();
    assert.deepEqual(world.said.slice(1, 2), ['b100|']);
    world.turn();
    assert.match(world.said.join(), /\](,| )end,worked on$/);
    body.release();
    world.turn();
    assert.equal(world.arena.usedSlots, 0);
  });

  it('that is given up leaves nothing behind', () => {
    const world = new World();
    const body = world.body(UNTOLD);
    world.segment(body, 'a', 20_000);
    body.release();
    world.turn();
    assert.equal(world.arena.usedSlots, 0);
    assert.equal(Brackets.begun, 0);
    assert.ok(world.compressors.isIdle);
  });

  it('that is given up before its encoder has said anything leaves nothing behind', () => {
    const world = new World();
    const body = world.body(200);
    assert.ok(world.segment(body, 'a', 100));
    assert.deepEqual(world.said, ['head']);
    body.release();
    world.turn();
    assert.equal(world.arena.usedSlots, 0);
    assert.equal(Brackets.begun, 0);
  });
});
