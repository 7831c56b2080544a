/** The commands of docs/servers-by-hand.md, in their order, say what stands below them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { engineSkip, Evenkeel, freePort, program, startBackend } from '../evenkeel.ts';

const page = readFileSync(new URL('../../../docs/servers-by-hand.md', import.meta.url), 'utf8');
const [, file] = /^```yaml\n([^]*?)^```/m.exec(page)!;
const blocks = Array.from(page.matchAll(/^```console\n([^]*?)^```/gm), ([, text]) => text);

/** Ages differ from run to run. */
function withoutAges(text: string): string {
  return text.replaceAll(/after \d+(?:\.\d)? s/g, 'after 0.1 s');
}

async function run(socket: string, command: string): Promise<string> {
  const child = spawn(process.execPath, [program, ...command.split(' ').slice(1), '--socket', socket]);
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (out += data.toString()));
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0, out);
  return out;
}

test('every command on the page does what is shown', engineSkip('node'), async (t) => {
  const [port, first, second] = [await freePort(), await startBackend(t), await startBackend(t)];
  const here = (text: string): string =>
    text
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)
      .replaceAll('192.0.2.7:80', first.address)
      .replaceAll('192.0.2.8:80', second.address);
  const state = mkdtempSync(join(tmpdir(), 'evenkeel-state-'));
  t.after(() => rmSync(state, { recursive: true, force: true }));
  const options = { engine: 'node', workers: 1, hasSocket: true, env: { STATE_DIRECTORY: state } } as const;
  const evenkeel = await Evenkeel.start(t, here(file), options);
  assert.ok(blocks.length >= 5);
  for (const block of blocks) {
    for (const [, command, shown] of here(block).matchAll(/^\$ (.*)\n([^$]*)/gm)) {
      assert.equal(withoutAges(await run(`${evenkeel.file}.sock`, command)), shown, command);
    }
  }
});
