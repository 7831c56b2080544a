import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OUTLET_HALF_BYTES, type Outlet, type OutletHandler } from '../../port/outlet.ts';
import { LineBuffer } from './line-buffer.ts';

/** A disk that takes what it is given when it is told to. */
class Disk implements Outlet {
  readonly memory = new Uint8Array(2 * OUTLET_HALF_BYTES);
  readonly clock = { now: 0 };
  readonly buffer: LineBuffer;
  written = '';
  waiting = 0;
  dropped = 0;
  readonly errors: number[] = [];
  isClosed = false;
  private handler!: OutletHandler;
  private under: readonly [offset: number, length: number] | null = null;

  constructor() {
    const open = (handler: OutletHandler): Outlet => {
      this.handler = handler;
      return this;
    };
    const counts = {
      wait: (lines: number) => void (this.waiting += lines),
      drop: (lines: number) => void (this.dropped += lines),
    };
    const news = {
      handleFailure: (error: number) => void this.errors.push(error),
      handleSuccess: () => undefined,
    };
    this.buffer = new LineBuffer(open, counts, news, this.clock);
  }

  write(offset: number, length: number): void {
    assert.equal(this.under, null, 'one write at a time');
    this.under = [offset, length];
  }

  close(): void {
    this.isClosed = true;
  }

  get isWriting(): boolean {
    return this.under !== null;
  }

  /** So many bytes; negative: an error. */
  take(count = Infinity): void {
    const [offset, length] = this.under!;
    this.under = null;
    const taken = Math.min(count, length);
    if (taken > 0) this.written += Buffer.from(this.memory.subarray(offset, offset + taken)).toString();
    this.handler.handleWritten(taken);
  }

  line(text: string): void {
    const { buffer } = this;
    if (buffer.at + text.length + 1 > buffer.end) return buffer.drop();
    this.memory.set(Buffer.from(`${text}\n`), buffer.at);
    buffer.commit(buffer.at + text.length + 1);
  }
}

test('lines wait for their time, and go together', () => {
  const disk = new Disk();
  disk.line('a');
  disk.line('b');
  disk.buffer.handleTick(49, 50);
  assert.equal(disk.isWriting, false);
  disk.buffer.handleTick(50, 50);
  assert.equal(disk.waiting, 2, 'they are not on the disk yet');
  disk.take();
  assert.equal(disk.written, 'a\nb\n');
  assert.equal(disk.waiting, 0);
});

test('while one half is written the other is filled, and a write that is cut short goes on', () => {
  const disk = new Disk();
  disk.line('abc');
  disk.buffer.flush();
  disk.line('def');
  disk.take(2);
  disk.take();
  assert.equal(disk.written, 'abc\n');
  disk.buffer.handleTick(50, 50);
  disk.take();
  assert.equal(disk.written, 'abc\ndef\n');
});

test('where both halves are full lines are dropped, whole ones, and counted', () => {
  const disk = new Disk();
  const text = 'x'.repeat(999);
  for (let i = 0; i < 1000; i++) disk.line(text);
  const kept = disk.waiting;
  assert.equal(disk.dropped, 1000 - kept);
  assert.ok(kept >= 150 && kept <= 262, `${kept}`);
  while (disk.isWriting) disk.take();
  disk.buffer.flush();
  while (disk.isWriting) disk.take();
  assert.equal(disk.written, `${text}\n`.repeat(kept));
});

test('an error is tried again, and loses nothing that still has room', () => {
  const disk = new Disk();
  disk.line('a');
  disk.buffer.flush();
  disk.take(-11);
  assert.deepEqual(disk.errors, [], 'it is full at the moment, and has not failed');
  disk.buffer.handleTick(50, 50);
  disk.take(-28);
  assert.deepEqual(disk.errors, [28]);
  disk.line('b');
  disk.clock.now = 999;
  disk.buffer.handleTick(999, 50);
  assert.equal(disk.isWriting, false);
  disk.clock.now = 1000;
  disk.buffer.handleTick(1000, 50);
  disk.take();
  disk.buffer.handleTick(1050, 50);
  disk.take();
  assert.equal(disk.written, 'a\nb\n');
});

test('at its end all that waits is written, and the descriptor given back', () => {
  const disk = new Disk();
  disk.line('a');
  disk.buffer.flush();
  disk.line('b');
  disk.buffer.finish();
  assert.equal(disk.isClosed, false);
  disk.take();
  disk.take();
  assert.equal(disk.written, 'a\nb\n');
  assert.ok(disk.isClosed);
});

test('at its end a disk that takes nothing is waited for no more', () => {
  const disk = new Disk();
  disk.line('a');
  disk.buffer.flush();
  disk.line('b');
  disk.buffer.finish();
  disk.take(-28);
  assert.ok(disk.isClosed);
  assert.equal(disk.dropped, 2);
  assert.equal(disk.waiting, 0);
});
