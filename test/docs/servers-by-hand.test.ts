/** The commands of docs/servers-by-hand.md, in their order, say what stands below them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandOf } from '../commands.ts';
import { engineSkip, Evenkeel, freePort, startBackend } from '../evenkeel.ts';
import { temporaryDirectory } from '../peers.ts';
import { Page } from './page.ts';

const page = new Page('servers-by-hand.md');
const [file] = page.blocks('yaml');

/** Ages differ from run to run. */
function withoutAges(text: string): string {
  return text.replaceAll(/after \d+(?:\.\d)? s/g, 'after 0.1 s');
}

test('every command on the page does what is shown', engineSkip('node'), async (t) => {
  const [port, first, second] = [await freePort(), await startBackend(t), await startBackend(t)];
  const here = (text: string): string =>
    text
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)
      .replaceAll('192.0.2.7:80', first.address)
      .replaceAll('192.0.2.8:80', second.address);
  const env = { STATE_DIRECTORY: temporaryDirectory(t) };
  const options = { engine: 'node', workers: 1, hasSocket: true, env } as const;
  const evenkeel = await Evenkeel.start(t, here(file), options);
  const command = commandOf(`${evenkeel.file}.sock`);
  const commands = page.commands(here);
  assert.equal(commands.length, 8);
  for (const { line, shown } of commands) {
    const { code, stderr, stdout } = await command(...line.split(' ').slice(1));
    assert.equal(code, 0, stdout + stderr);
    assert.equal(withoutAges(stdout + stderr), shown, line);
  }
});
