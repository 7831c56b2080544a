import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from './log.ts';

function lineOf(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(
    createLog(
      (line) => lines.push(line),
      () => 0,
    ),
  );
  assert.equal(lines.length, 1);
  return lines[0];
}

test('a line has the time, the level, a sentence and details', () => {
  assert.equal(
    lineOf((log) => log.warn('proxy 0 ended, starting another', { pid: 812, reason: 'killed by SIGKILL' })),
    '1970-01-01T00:00:00.000Z warn  proxy 0 ended, starting another pid=812 reason="killed by SIGKILL"\n',
  );
});

test('nothing in a message can begin another line or control a terminal', () => {
  const line = lineOf((log) => log.info('a\nb\u001b[2J\u009b', { key: 'c\nd' }));
  assert.equal(line, '1970-01-01T00:00:00.000Z info  a\\x0ab\\x1b[2J\\x9b key="c\\nd"\n');
});
