/** The commands of docs/explain.md say what stands below them: asked of what runs, and of the file alone. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { printedBy } from '../commands.ts';
import { engineSkip, Evenkeel, freePort, program } from '../evenkeel.ts';
import { temporaryDirectory } from '../peers.ts';
import { type Command, Page } from './page.ts';

const page = new Page('explain.md');
const [file] = page.blocks('yaml');

async function check(commands: readonly Command[], options: string, cwd: string, isFile: boolean): Promise<void> {
  assert.equal(commands.length, 3);
  for (const { line, shown } of commands) {
    const real = line.replace(/^evenkeel /, `'${process.execPath}' '${program}' `);
    const expected = isFile
      ? shown.replace(/^assuming {2}/m, 'assuming  every server is up, and not busy\n          ')
      : shown;
    assert.equal(await printedBy(`${real} ${options}`, cwd), expected, line);
  }
}

test('what runs says what stands on the page', engineSkip('node'), async (t) => {
  const [web, db] = [await freePort(), await freePort()];
  const here = (text: string): string =>
    text.replaceAll('127.0.0.1:8080', `127.0.0.1:${web}`).replaceAll('127.0.0.1:5432', `127.0.0.1:${db}`);
  const evenkeel = await Evenkeel.start(t, here(file), { engine: 'node', workers: 1, hasSocket: true });
  await check(page.commands(here), `--socket ${evenkeel.file}.sock`, '/', false);
});

test('so does the file alone', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'evenkeel.yaml'), file);
  await check(page.commands(), '--config evenkeel.yaml', directory, true);
});
