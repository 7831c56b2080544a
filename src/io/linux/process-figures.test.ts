import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figuresOf } from './process-figures.ts';

test('what a process uses, and that there is none', () => {
  const before = process.cpuUsage();
  const figures = figuresOf(process.pid)!;
  const after = process.cpuUsage();
  // ticks of 10 ms, which the kernel rounds down, of both kinds
  assert.ok(figures.cpuSeconds >= (before.user + before.system) / 1e6 - 0.03, String(figures.cpuSeconds));
  assert.ok(figures.cpuSeconds <= (after.user + after.system) / 1e6 + 0.03, String(figures.cpuSeconds));
  const { rss } = process.memoryUsage();
  assert.ok(figures.residentBytes > rss / 2 && figures.residentBytes < rss * 2, `${figures.residentBytes} of ${rss}`);
  assert.ok(figures.descriptors === null || figures.descriptors > 2);
  assert.equal(figuresOf(0), null);
});
