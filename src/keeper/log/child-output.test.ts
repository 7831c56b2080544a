import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { logOutput } from './child-output.ts';
import { createLog } from './log.ts';

async function logOf(...chunks: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  const log = createLog(
    (line) => lines.push(line.trim()),
    () => 0,
    { format: 'journal', level: 'info' },
  );
  const stream = new PassThrough();
  logOutput(stream, 'proxy 3', log);
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await once(stream, 'end');
  return lines;
}

test('what a process wrote before it died is logged line by line, with its name', async () => {
  assert.deepEqual(await logOf('Error: a b', 'ug\n\n  at x\nlast'), [
    '<3>proxy 3 wrote: Error: a bug',
    '<3>proxy 3 wrote:   at x',
    '<3>proxy 3 wrote: last',
  ]);
});

test('a process that writes without an end fills neither memory nor the log', async () => {
  const lines = await logOf('x'.repeat(1_000_000), '\n', 'line\n'.repeat(10_000));
  assert.equal(lines.length, 61);
  assert.ok(lines.every((line) => line.length < 1_100));
  assert.equal(lines[60], '<3>proxy 3 wrote 9941 more lines, which are left out');
});
