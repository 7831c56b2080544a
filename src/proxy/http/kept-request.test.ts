import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../../base/arena.ts';
import { encodeUtf8, latin1 } from '../../base/text.ts';
import { KeptRequest } from './kept-request.ts';

const arena = new Arena(new Uint8Array(Arena.bytesFor(1, 32)), 1, 32);

/** Writes the head into a slot, with what has to stand behind it. */
function keep(request: KeptRequest, head: string): void {
  assert.ok(request.allocate(head.length));
  arena.memory.set(encodeUtf8(head), request.start);
  request.begin(head.length);
}

/** The body is what stands at the start of the arena's large slot. */
function append(request: KeptRequest, body: string): void {
  arena.memory.set(encodeUtf8(body));
  request.append(0, body.length);
}

function textOf({ start, length }: KeptRequest): string {
  return latin1(arena.memory, start, length);
}

test('a body stays behind the head that takes the place of its own', () => {
  const request = new KeptRequest(arena);
  keep(request, 'first\n');
  append(request, 'body');
  request.releaseHead();
  keep(request, 'another\n');
  assert.equal(textOf(request), 'another\nbody');
  request.release();
});

test('a body whose request was given up with its head stands behind no other one', () => {
  const request = new KeptRequest(arena);
  keep(request, 'first\n');
  append(request, 'body');
  request.releaseHead();
  request.release();
  keep(request, 'another\n');
  assert.equal(textOf(request), 'another\n');
  request.release();
});

test('a head that is given up twice loses nothing', () => {
  const request = new KeptRequest(arena);
  keep(request, 'first\n');
  append(request, 'body');
  request.releaseHead();
  request.releaseHead();
  keep(request, 'another\n');
  assert.equal(textOf(request), 'another\nbody');
  request.release();
});
