import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, type Log, type LogOptions } from './log.ts';

function lineOf(write: (log: Log) => void, options?: LogOptions): string {
  const lines: string[] = [];
  write(
    createLog(
      (line) => lines.push(line),
      () => 0,
      options,
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

test("systemd's journal gets the priority, and no time that it has itself", () => {
  const options = { format: 'journal', level: 'info' } as const;
  assert.equal(
    lineOf((log) => log.warn('proxy 0 ended', { pid: 812 }), options),
    '<4>proxy 0 ended pid=812\n',
  );
  assert.equal(
    lineOf((log) => log.error('a\nb'), options),
    '<3>a\\x0ab\n',
  );
  assert.equal(
    lineOf((log) => log.info('a'), options),
    '<6>a\n',
  );
});

test('a line of JSON has the same, in fields', () => {
  const line = lineOf((log) => log.warn('a "b"\n', { pid: 812 }), { format: 'json', level: 'info' });
  assert.deepEqual(JSON.parse(line), { time: '1970-01-01T00:00:00.000Z', level: 'warn', message: 'a "b"\n', pid: 812 });
  assert.ok(line.endsWith('\n') && line.indexOf('\n') === line.length - 1, 'one line');
});

test('what is below the level is not written', () => {
  const line = lineOf(
    (log) => {
      log.info('info');
      log.warn('warn');
      log.error('error');
    },
    { format: 'journal', level: 'error' },
  );
  assert.equal(line, '<3>error\n');
});

test('nothing in a message can begin another line or control a terminal', () => {
  const line = lineOf((log) => log.info('a\nb\u001b[2J\u009b', { key: 'c\nd', other: '\u009b2J' }));
  assert.equal(line, '1970-01-01T00:00:00.000Z info  a\\x0ab\\x1b[2J\\x9b key="c\\nd" other="\\x9b2J"\n');
});

test('a message has an end, whatever a peer put into it', () => {
  assert.ok(lineOf((log) => log.info('x'.repeat(1_000_000), { y: 'y'.repeat(1_000_000) })).length < 4_096);
});
