import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Arena } from '../base/arena.ts';
import { HEAD_BYTES_MAX, MEDIUM_SLOT_BYTES, SMALL_SLOT_BYTES } from '../base/limits.ts';
import { Stash, STASH_NO_MEMORY } from './stash.ts';

const LIMIT = HEAD_BYTES_MAX;

function arenaOf(largeCount: number, smallCount: number): Arena {
  return new Arena(new Uint8Array(Arena.bytesFor(largeCount, smallCount)), largeCount, smallCount);
}

/** Feeds `text` in pieces of these sizes from a receive slot, until the stash is complete; returns what was not taken. */
function feed(arena: Arena, stash: Stash, text: string, sizes: readonly number[]): string {
  const bytes = Buffer.from(text, 'latin1');
  const slot = arena.allocateLarge();
  let from = 0;
  for (let i = 0; from < bytes.length && !stash.isComplete; i++) {
    const size = Math.min(sizes[i % sizes.length], bytes.length - from);
    const at = arena.receiveStart(slot);
    arena.memory.set(bytes.subarray(from, from + size), at);
    const taken = stash.take(arena, at, at + size, LIMIT);
    assert.ok(taken >= 0);
    from += taken;
    if (stash.length === LIMIT) break;
  }
  arena.release(slot);
  return bytes.subarray(from).toString('latin1');
}

function held(arena: Arena, stash: Stash): string {
  const start = arena.start(stash.slot);
  return Buffer.from(arena.memory.subarray(start, start + stash.length)).toString('latin1');
}

test('a head is put together however it is cut, and what follows it is left alone', () => {
  const line = fc.oneof(
    fc.stringMatching(/^[a-z: ]{0,200}$/),
    fc.nat(20_000).map((length) => 'x'.repeat(length)),
  );
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 40 }).filter((lines) => lines.join('\r\n').length < LIMIT - 100),
      fc.string({ unit: 'binary-ascii', maxLength: 50 }),
      fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1 }),
      (lines, rest, sizes) => {
        const head = `${['GET / HTTP/1.1', ...lines.filter((text) => text !== '')].join('\r\n')}\r\n\r\n`;
        const arena = arenaOf(3, 3);
        const stash = new Stash();
        assert.equal(feed(arena, stash, head + rest, sizes), rest);
        assert.ok(stash.isComplete);
        assert.equal(held(arena, stash), head);
        stash.clear(arena);
        assert.equal(arena.usedSlots, 0);
      },
    ),
  );
});

test('an empty line at once ends a section that begins after a line', () => {
  const arena = arenaOf(2, 2);
  const stash = new Stash();
  stash.beginAfterLine();
  assert.equal(feed(arena, stash, '\r\nrest', [1]), 'rest');
  assert.ok(stash.isComplete);
  assert.equal(stash.length, 2);
});

test('a lone CR or LF ends nothing', () => {
  const arena = arenaOf(2, 2);
  const stash = new Stash();
  feed(arena, stash, 'a\r\r\nb\n\nc\r\n\n\r', [3]);
  assert.ok(!stash.isComplete);
});

test('no more than the limit is taken', () => {
  const arena = arenaOf(3, 1);
  const stash = new Stash();
  const rest = feed(arena, stash, 'x'.repeat(LIMIT + 5), [1000]);
  assert.equal(rest.length, 5);
  assert.equal(stash.length, LIMIT);
  assert.ok(!stash.isComplete);
});

test('without a slot nothing is taken, and nothing is lost of what was held', () => {
  const arena = arenaOf(1, 1);
  const stash = new Stash();
  const slot = arena.allocateLarge();
  const others: number[] = [];
  // medium ones, then larger ones that would lend
  for (let next = arena.allocate(MEDIUM_SLOT_BYTES); next >= 0; next = arena.allocate(MEDIUM_SLOT_BYTES))
    others.push(next);
  const at = arena.receiveStart(slot);
  arena.memory.fill(97, at, at + SMALL_SLOT_BYTES + 1);
  assert.equal(stash.take(arena, at, at + SMALL_SLOT_BYTES + 1, LIMIT), STASH_NO_MEMORY);
  assert.equal(stash.length, 0);
  assert.equal(stash.take(arena, at, at + SMALL_SLOT_BYTES, LIMIT), SMALL_SLOT_BYTES);
  assert.equal(stash.take(arena, at, at + 1, LIMIT), STASH_NO_MEMORY);
  assert.equal(held(arena, stash), 'a'.repeat(SMALL_SLOT_BYTES));
  stash.clear(arena);
  arena.release(slot);
  for (const other of others) arena.release(other);
  assert.equal(arena.usedSlots, 0);
});
