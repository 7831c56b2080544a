/** The commands of docs/admin-api.md, in their order, say what stands below them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { engineSkip, Evenkeel, freePort, startBackend } from '../evenkeel.ts';
import { temporaryDirectory } from '../peers.ts';
import { Page } from './page.ts';

const page = new Page('admin-api.md');
const [file] = page.blocks('yaml');
const run = promisify(execFile);

test('every command on the page says what is shown, or JSON', engineSkip('node'), async (t) => {
  const [port, first, second] = [await freePort(), await startBackend(t), await startBackend(t)];
  const env = { STATE_DIRECTORY: temporaryDirectory(t) };
  const options = { engine: 'node', workers: 1, hasSocket: true, env } as const;
  const here = (text: string): string =>
    text
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)
      .replaceAll('192.0.2.7:80', first.address)
      .replaceAll('192.0.2.8:80', second.address);
  const evenkeel = await Evenkeel.start(t, here(file), options);
  const commands = page.commands(here);
  assert.equal(commands.length, 7);
  for (const { line, shown } of commands) {
    const { stdout } = await run('sh', ['-c', line.replace('/run/evenkeel/evenkeel.sock', `${evenkeel.file}.sock`)]);
    if (shown.trim() === '') assert.doesNotThrow(() => JSON.parse(stdout) as unknown, line);
    else assert.equal(stdout, shown, line);
  }
});
