import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena, PLENTY } from '../../base/arena.ts';
import { Prng } from '../../base/prng.ts';
import { StreamState } from '../../core/http2/stream-state.ts';
import { KEEPS_NOTHING } from '../session.ts';
import { Sessions } from '../sessions.ts';
import type { Stream, StreamOwner } from './stream.ts';
import { WebSocketStream } from './web-socket-stream.ts';

const SLOTS = 16;
const WINDOW_BYTES = 65_535;

test('what a client sends before there is a tunnel is seen by the memory guard, and given back when it goes', () => {
  const arena = new Arena(new Uint8Array(Arena.bytesFor(SLOTS, SLOTS)), SLOTS, SLOTS);
  const context = {
    arena,
    memory: arena.memory,
    prng: new Prng(1),
    sessions: new Sessions(),
    timers: { remove: () => undefined },
    transport: { now: 0 },
  };
  const owner = {
    service: { listener: { context } },
    output: { isFull: false },
    take: () => undefined,
    unblock: () => undefined,
  } as unknown as StreamOwner;
  const state = new StreamState<Stream>(1, false, WINDOW_BYTES);
  let received = -1;
  for (; arena.worstPressure === PLENTY; arena.judge(0)) received = arena.allocateLarge();
  const stream = new WebSocketStream(owner, state, 0, arena.start(received));
  assert.equal(stream.progress(), KEEPS_NOTHING);
  const before = arena.large.freeCount;
  stream.receive(received, arena.start(received), 10_000);
  arena.release(received);
  assert.equal(stream.progress(), 0);
  stream.handleGone();
  assert.deepEqual([stream.progress(), arena.large.freeCount], [KEEPS_NOTHING, before + 1]);
});
