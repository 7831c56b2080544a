import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { Board, emptySlot, SERVER_UP, WEIGHT_UNIT } from '../../base/board.ts';
import * as libc from './libc.ts';
import { createSharedMemory, createUnnamedFile, openSharedMemory } from './shared-memory.ts';

const linux = { skip: process.platform === 'linux' ? false : 'needs Linux' };

test('two mappings of one descriptor are the same memory, and zeroed', linux, () => {
  const memory = createSharedMemory('test', 4096, 'holder');
  const other = new Uint8Array(openSharedMemory(memory.descriptor, 'write'));
  assert.equal(other.length, 4096);
  assert.ok(other.every((byte) => byte === 0));
  new Uint8Array(memory.buffer)[17] = 42;
  assert.equal(other[17], 42);
  closeSync(memory.descriptor);
  closeSync(memory.readOnlyDescriptor);
  assert.equal(other[17], 42, 'the mapping outlives the descriptor');
});

test('nobody can cut shared memory short or make it longer', linux, () => {
  const memory = createSharedMemory('test', 4096, 'holder');
  assert.throws(() => ftruncateSync(memory.descriptor, 0), { code: 'EPERM' });
  assert.throws(() => ftruncateSync(memory.descriptor, 8192), { code: 'EPERM' });
  assert.ok(libc.addSeals(memory.descriptor, libc.F_SEAL_WRITE) < 0, 'nor freeze it');
});

test('who may only read can neither map shared memory to write nor write to its file', linux, () => {
  const row = createSharedMemory('test', 4096, 'holder');
  assert.throws(() => openSharedMemory(row.readOnlyDescriptor, 'write'), /EACCES/);
  assert.throws(() => writeSync(row.readOnlyDescriptor, 'x'), { code: 'EBADF' });

  const table = createSharedMemory('test', 4096, 'creator');
  new Uint8Array(table.buffer)[1] = 7;
  assert.equal(new Uint8Array(openSharedMemory(table.readOnlyDescriptor, 'read'))[1], 7);
  assert.throws(() => openSharedMemory(table.descriptor, 'write'), /EPERM/, 'not even with the other descriptor');
  assert.throws(() => writeSync(table.descriptor, 'x'), { code: 'EPERM' });
});

test('a board written here is read in another process, and the other way round', linux, async () => {
  const shape = { servers: 2, listeners: 1, rows: 1 };
  const { tableBytes, rowBytes } = Board.sizesFor(shape);
  const table = createSharedMemory('servers', tableBytes, 'creator');
  const row = createSharedMemory('row', rowBytes, 'holder');
  const board = Board.create({ table: table.buffer, rows: [row.buffer] }, shape);
  board.update((set) =>
    set(1, {
      ...emptySlot(),
      state: SERVER_UP,
      weight: WEIGHT_UNIT,
      family: 4,
      port: 80,
      address: Uint8Array.of(192, 0, 2, 1),
    }),
  );
  const script = `
    const { openSharedMemory } = await import(${JSON.stringify(new URL('shared-memory.js', import.meta.url))});
    const { Board, emptySlot } = await import(${JSON.stringify(new URL('../../base/board.js', import.meta.url))});
    const board = Board.open({ table: openSharedMemory(3, 'read'), rows: [openSharedMemory(4, 'write')] });
    const slot = emptySlot();
    board.readTable(slot, (index, { port }) => { if (index === 1) board.worker(0).pid = port; });
    board.worker(0).beat();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', table.readOnlyDescriptor, row.descriptor],
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

test('an unnamed file cannot be changed by who inherits it', linux, () => {
  const descriptor = createUnnamedFile('plan', Buffer.from('a plan'));
  assert.throws(() => writeSync(descriptor, 'x', 0), { code: 'EPERM' });
  assert.throws(() => ftruncateSync(descriptor, 0), { code: 'EPERM' });
  closeSync(descriptor);
});
