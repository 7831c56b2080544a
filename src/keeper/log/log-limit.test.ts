import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from './log.ts';
import { LimitedLog } from './log-limit.ts';

function scene(): { log: LimitedLog; lines: string[] } {
  const lines: string[] = [];
  const log = createLog(
    (line) => lines.push(line.trim()),
    () => 0,
    { format: 'journal', level: 'info' },
  );
  return { log: new LimitedLog(log), lines };
}

/** A word without digits of its own for each number. */
function word(n: number): string {
  return n.toString(36).replace(/[0-9]/g, (digit) => 'ABCDEFGHIJ'[Number(digit)]);
}

test('what happens again and again is written twenty times in ten seconds, and then counted', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { log, lines } = scene();
  for (let i = 0; i < 70_000; i++) log.warn(`listener web at ${i}`);
  log.info('something else');
  assert.equal(lines.length, 21);
  t.mock.timers.tick(10_000);
  assert.equal(lines[21], '<4>listener web at 69999 (the last of 69980 like it in 10 s)');
  log.warn('listener web at 1');
  assert.equal(lines[22], '<4>listener web at 1', 'then it begins anew');
  t.mock.timers.tick(10_000);
  assert.equal(lines.length, 23, 'nothing is said of nothing');
});

test('a flood of messages that are all different is bounded too', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { log, lines } = scene();
  for (let i = 0; i < 100_000; i++) log.error(word(i));
  assert.ok(lines.length < 300, `${lines.length}`);
  t.mock.timers.tick(10_000);
  assert.match(lines.at(-1)!, /the last of 99724 like it in 10 s/);
});
