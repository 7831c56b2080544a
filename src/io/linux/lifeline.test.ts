import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { createLifeline } from './lifeline.ts';
import { poll, POLLHUP } from './segment/system.ts';

function hangsUp(descriptor: number, timeoutMs: number): boolean {
  const words = Int32Array.of(descriptor, 0);
  poll(words, 1, timeoutMs);
  return words[1] >>> 16 === POLLHUP;
}

test('a lifeline ends with the process that holds it, and not before', () => {
  const { heldEnd, watchedEnd } = createLifeline();
  const child = spawn('sleep', ['1000'], { stdio: ['ignore', 'ignore', 'ignore', heldEnd] });
  closeSync(heldEnd);
  assert.equal(hangsUp(watchedEnd, 0), false);
  child.kill('SIGKILL');
  assert.equal(hangsUp(watchedEnd, 60_000), true);
  closeSync(watchedEnd);
});

test('the process holds it above everything else that it opens', async (t) => {
  if (descriptorLimit() <= 1_000) return t.skip('this process may have no descriptor as high as that');
  const module = new URL('lifeline.js', import.meta.url).href;
  const script = `const { holdLifeline } = await import('${module}'); holdLifeline(3); process.stdin.resume();
    process.stdout.write('held');`;
  const { heldEnd, watchedEnd } = createLifeline();
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit', heldEnd],
  });
  closeSync(heldEnd);
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout!, 'data');
  const inode = /\d+/.exec(readlinkSync(`/proc/self/fd/${watchedEnd}`))![0];
  const places = readdirSync(`/proc/${child.pid}/fd`).filter((fd) => {
    return readlinkSync(`/proc/${child.pid}/fd/${fd}`) === `pipe:[${inode}]`;
  });
  assert.equal(places.length, 1);
  assert.ok(Number(places[0]) >= 1_000);
  child.kill('SIGKILL');
  assert.equal(hangsUp(watchedEnd, 60_000), true);
  closeSync(watchedEnd);
});

/** Node raises it as far as it may. */
function descriptorLimit(): number {
  return Number(/Max open files +(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity);
}
