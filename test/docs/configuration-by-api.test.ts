/** The commands of docs/configuration-by-api.md, in their order, say what stands below them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandOf } from '../commands.ts';
import { engineSkip, Evenkeel, freePort, startBackend } from '../evenkeel.ts';
import { temporaryDirectory } from '../peers.ts';
import { Page } from './page.ts';

const page = new Page('configuration-by-api.md');
const [file] = page.blocks('yaml');

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
  const commands = page.commands(here);
  assert.equal(commands.length, 6);
  for (const { line, shown } of commands) {
    const { stdout, stderr } = await command(...line.split(' ').slice(1));
    assert.equal(stdout + stderr, shown, line);
  }
});
