/** The commands of docs/configuration-by-api.md, in their order, say what stands below them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { engineSkip, Evenkeel, freePort, startBackend } from '../evenkeel.ts';
import { commandOf } from '../commands.ts';
import { temporaryDirectory } from '../peers.ts';

const page = readFileSync(new URL('../../../docs/configuration-by-api.md', import.meta.url), 'utf8');
const [, file] = /^```yaml\n([^]*?)^```/m.exec(page)!;
const blocks = Array.from(page.matchAll(/^```console\n([^]*?)^```/gm), ([, text]) => text);

test('every command on the page says what is shown', engineSkip('node'), async (t) => {
  const [port, first, second] = [await freePort(), await startBackend(t), await startBackend(t)];
  const here = (text: string): string =>
    text
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)
      .replaceAll('192.0.2.7:80', first.address)
      .replaceAll('192.0.2.8:80', second.address);
  const env = { STATE_DIRECTORY: temporaryDirectory(t) };
  const evenkeel = await Evenkeel.start(t, here(file), { engine: 'node', workers: 1, hasSocket: true, env });
  const command = commandOf(`${evenkeel.file}.sock`);
  assert.ok(blocks.length >= 2);
  for (const block of blocks) {
    for (const [, line, shown] of here(block).matchAll(/^\$ evenkeel (.*)\n([^$]*)/gm)) {
      const { stdout, stderr } = await command(...line.split(' '));
      assert.equal(stdout + stderr, shown, line);
    }
  }
});
