/** The commands on docs/two-machines.md that look at its file say what stands below them. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../commands.ts';
import { temporaryDirectory } from '../peers.ts';

const page = readFileSync(new URL('../../../docs/two-machines.md', import.meta.url), 'utf8');
const [, yaml] = /^```yaml\n([^]*?)^```/m.exec(page)!;
const [, block] = /^```console\n([^]*?)^```/m.exec(page)!;

test('the file is right for both nodes', async (t) => {
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, 'evenkeel.yaml'), yaml);
  const commands = [...block.matchAll(/^\$ evenkeel (.*)\n([^$]*)/gm)];
  assert.equal(commands.length, 2);
  for (const [, line, shown] of commands) {
    const words = line.split(' ').map((word) => (word === 'evenkeel.yaml' ? join(folder, word) : word));
    const { stdout, stderr } = await run(words);
    assert.equal((stdout + stderr).replaceAll(`${folder}/`, ''), shown, line);
  }
});
