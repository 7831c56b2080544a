import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogWriter } from './log-writer.ts';

const LINE = `${'x'.repeat(99)}\n`;

class Sink {
  text = '';
  isOpen = true;
  code: string | null = null;
  /** Bytes until the disk is full. */
  room = Infinity;

  isWritable(): boolean {
    return this.isOpen;
  }

  write(bytes: Uint8Array): number {
    if (this.code !== null) throw Object.assign(new Error(this.code), { code: this.code });
    if (this.room === 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    const taken = Math.min(bytes.length, this.room);
    this.room -= taken;
    this.text += Buffer.from(bytes).toString('latin1', 0, taken);
    return taken;
  }
}

function scene(): { sink: Sink; writer: LogWriter } {
  const sink = new Sink();
  return { sink, writer: new LogWriter(sink, (count, why) => `${count} lost: ${why}\n`) };
}

test('with a reader every line is written at once', () => {
  const { sink, writer } = scene();
  writer.write('a\n');
  writer.write('b\n');
  assert.equal(sink.text, 'a\nb\n');
});

test('without a reader so many bytes wait and the rest is counted; all of that is written when it reads again', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { sink, writer } = scene();
  sink.isOpen = false;
  for (let i = 0; i < 10_000; i++) writer.write(LINE);
  assert.equal(sink.text, '');
  sink.isOpen = true;
  t.mock.timers.tick(100);
  const kept = Math.floor((256 * 1024) / LINE.length);
  assert.equal(sink.text, LINE.repeat(kept) + `${10_000 - kept} lost: nobody read them\n`);
});

test('a disk that is full loses lines, says how many, and is written to again when there is room', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { sink, writer } = scene();
  sink.code = 'ENOSPC';
  writer.write('a\n');
  writer.write('b\n');
  sink.code = null;
  t.mock.timers.tick(100);
  writer.write('c\n');
  assert.equal(sink.text, '2 lost: ENOSPC\nc\n');
});

test('a disk that stays full for a while loses no count of what it lost', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { sink, writer } = scene();
  sink.code = 'ENOSPC';
  writer.write('a\n');
  writer.write('b\n');
  for (let i = 0; i < 5; i++) t.mock.timers.tick(100);
  writer.write('c\n');
  t.mock.timers.tick(100);
  sink.code = null;
  t.mock.timers.tick(100);
  assert.equal(sink.text, '3 lost: ENOSPC\n');
});

test('a line that had begun when the disk was full ends before the next one begins', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { sink, writer } = scene();
  sink.room = 3;
  writer.write('abcdef\n');
  writer.write('lost\n');
  t.mock.timers.tick(100);
  sink.room = Infinity;
  t.mock.timers.tick(100);
  writer.write('g\n');
  assert.match(sink.text, /^abc\n/);
  assert.match(sink.text, /^1 lost: ENOSPC$/m);
  assert.match(sink.text, /^g$/m);
});

test('a reader that is gone for good costs nothing', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { sink, writer } = scene();
  sink.code = 'EPIPE';
  writer.write('a\n');
  sink.code = null;
  writer.write('b\n');
  t.mock.timers.tick(1_000);
  assert.equal(sink.text, '');
});
