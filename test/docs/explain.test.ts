/** The commands of docs/explain.md say what stands below them: asked of what runs, and of the file alone. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { engineSkip, Evenkeel, freePort, program } from '../evenkeel.ts';
import { temporaryDirectory } from '../peers.ts';

const page = readFileSync(new URL('../../../docs/explain.md', import.meta.url), 'utf8');
const [, file] = /^```yaml\n([^]*?)^```/m.exec(page)!;
const blocks = Array.from(page.matchAll(/^```console\n([^]*?)^```/gm), ([, text]) => text);

/** What it prints, whatever its exit code. */
function said(command: string, cwd: string): Promise<string> {
  return new Promise((resolve) => {
    execFile('sh', ['-c', command], { cwd }, (_, stdout, stderr) => resolve(stdout + stderr));
  });
}

async function check(here: (text: string) => string, options: string, cwd: string, isFile: boolean): Promise<number> {
  let count = 0;
  for (const block of blocks) {
    for (const [, command, shown] of here(block).matchAll(/^\$ evenkeel (.*)\n([^$]*)/gm)) {
      const found = await said(`'${process.execPath}' '${program}' ${command} ${options}`, cwd);
      const expected = isFile
        ? shown.replace(/^assuming {2}/m, 'assuming  every server is up, and not busy\n          ')
        : shown;
      assert.equal(found, expected, command);
      count++;
    }
  }
  return count;
}

test('what runs says what stands on the page', engineSkip('node'), async (t) => {
  const [web, db] = [await freePort(), await freePort()];
  const here = (text: string): string =>
    text.replaceAll('127.0.0.1:8080', `127.0.0.1:${web}`).replaceAll('127.0.0.1:5432', `127.0.0.1:${db}`);
  const evenkeel = await Evenkeel.start(t, here(file), { engine: 'node', workers: 1, hasSocket: true });
  assert.equal(await check(here, `--socket ${evenkeel.file}.sock`, '/', false), 3);
});

test('so does the file alone', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'evenkeel.yaml'), file);
  assert.equal(await check((text) => text, '--config evenkeel.yaml', directory, true), 3);
});
