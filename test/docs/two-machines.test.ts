/** The commands on docs/two-machines.md that look at its file say what stands below them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../commands.ts';
import { temporaryDirectory } from '../peers.ts';
import { Page } from './page.ts';

const page = new Page('two-machines.md');
const [yaml] = page.blocks('yaml');

test('the file is right for both nodes', async (t) => {
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, 'evenkeel.yaml'), yaml);
  const commands = page.commands();
  assert.equal(commands.length, 2);
  for (const { line, shown } of commands) {
    const words = line
      .split(' ')
      .slice(1)
      .map((word) => (word === 'evenkeel.yaml' ? join(folder, word) : word));
    const { stdout, stderr } = await run(words);
    assert.equal((stdout + stderr).replaceAll(`${folder}/`, ''), shown, line);
  }
});
