/** `evenkeel convert` as a program. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { program } from './evenkeel.ts';
import { temporaryDirectory } from './peers.ts';

test('whoever reads slowly gets all of it', async (t) => {
  const file = join(temporaryDirectory(t), 'large.conf');
  const servers = Array.from(
    { length: 4000 },
    (_, i) => `server { server_name a${i}.example; return 200 "text ${i}"; }`,
  );
  writeFileSync(file, `events { }\nhttp {\n${servers.join('\n')}\n}\n`);
  const { stdout: whole } = spawnSync(process.execPath, [program, 'convert', file], {
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
  const child = spawn(process.execPath, [program, 'convert', file], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  // A program that does not wait for its reader is gone by then, and what it had not written with it.
  await Promise.race([ended, wait(3000)]);
  let text = '';
  for await (const part of child.stdout) text += String(part);
  await ended;
  assert.ok(whole.length > 200_000);
  assert.equal(text.length, whole.length);
});
