/** The commands of docs/admin-api.md, in their order, say what stands below them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { engineSkip, Evenkeel, freePort, startBackend } from '../evenkeel.ts';
import { temporaryDirectory } from '../peers.ts';

const page = readFileSync(new URL('../../../docs/admin-api.md', import.meta.url), 'utf8');
const [, file] = /^```yaml\n([^]*?)^```/m.exec(page)!;
const blocks = Array.from(page.matchAll(/^```console\n([^]*?)^```/gm), ([, text]) => text);
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
  assert.ok(blocks.length >= 2);
  for (const block of blocks) {
    for (const [, command, shown] of here(block).matchAll(/^\$ (.*)\n([^$]*)/gm)) {
      const { stdout } = await run('sh', [
        '-c',
        command.replace('/run/evenkeel/evenkeel.sock', `${evenkeel.file}.sock`),
      ]);
      if (shown.trim() === '') assert.doesNotThrow(() => JSON.parse(stdout) as unknown, command);
      else assert.equal(stdout, shown, command);
    }
  }
});
