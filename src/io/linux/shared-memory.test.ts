import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readSync } from 'node:fs';
import { test } from 'node:test';
import { Board, SERVER_UP, WEIGHT_UNIT } from '../../base/board.ts';
import { createSharedMemory, createUnnamedFile, openSharedMemory } from './shared-memory.ts';

const linux = { skip: process.platform === 'linux' ? false : 'needs Linux' };

test('two mappings of one descriptor are the same memory, and zeroed', linux, () => {
  const memory = createSharedMemory('test', 4096);
  const other = new Uint8Array(openSharedMemory(memory.descriptor));
  assert.equal(other.length, 4096);
  assert.ok(other.every((byte) => byte === 0));
  new Uint8Array(memory.buffer)[17] = 42;
  assert.equal(other[17], 42);
  closeSync(memory.descriptor);
  assert.equal(other[17], 42, 'the mapping outlives the descriptor');
});

test('a board written here is read in another process, and the other way round', linux, async () => {
  const shape = { servers: 2, listeners: 1, workers: 1 };
  const memory = createSharedMemory('board', Board.bytesFor(shape));
  const board = Board.create(memory.buffer, shape);
  board.update((set) =>
    set(1, { state: SERVER_UP, weight: WEIGHT_UNIT, family: 4, port: 80, address: Uint8Array.of(192, 0, 2, 1) }),
  );
  const script = `
    const { openSharedMemory } = await import(${JSON.stringify(new URL('shared-memory.js', import.meta.url))});
    const { Board } = await import(${JSON.stringify(new URL('../../base/board.js', import.meta.url))});
    const board = Board.open(openSharedMemory(3));
    const slot = { state: 0, weight: 0, family: 0, port: 0, address: new Uint8Array(16) };
    board.readServer(1, slot);
    board.worker(0).pid = slot.port;
    board.worker(0).beat();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', memory.descriptor],
  });
  const [code] = (await once(child, 'exit')) as [number];
  assert.equal(code, 0);
  assert.equal(board.worker(0).pid, 80);
  assert.equal(board.worker(0).heartbeat, 1);
});

test('an unnamed file holds its content for every reader', linux, () => {
  const content = Buffer.from('x'.repeat(100_000));
  const descriptor = createUnnamedFile('plan', content);
  for (let reader = 0; reader < 2; reader++) {
    const read = Buffer.alloc(content.length);
    assert.equal(readSync(descriptor, read, 0, read.length, 0), content.length);
    assert.deepEqual(read, content);
  }
  closeSync(descriptor);
});
