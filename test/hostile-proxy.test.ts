/** What a proxy that somebody else has taken over can do to the rest: with what it inherited, as if it still had all of it. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, get, getUntil, kill, startBackend } from './evenkeel.ts';

const isRoot = process.getuid?.() === 0;

/** What a process has of the memory that the processes share. */
function sharedFiles(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory)
    .map((name) => `${directory}/${name}`)
    .filter((path) => readlinkSync(path).startsWith('/memfd:evenkeel'));
}

/** True: it could be done. */
function attempt(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs in every process of evenkeel, beside its own work: writes what stands in the file that is named by the process to the
 * control channel of a proxy.
 */
const HOSTILE = `
import { Worker } from 'node:worker_threads';
if (process.argv.at(-1).startsWith('{')) new Worker(\`
  const { readFileSync, writeSync } = require('node:fs');
  const look = setInterval(() => {
    let text = '';
    try { text = readFileSync(process.env.HOSTILE + '/' + process.pid, 'utf8'); } catch { return; }
    clearInterval(look);
    writeSync(3, text);
  }, 20);
\`, { eval: true }).unref();
`;

for (const engine of ENGINES) {
  const { skip } = engineSkip(engine);
  test(
    `[${engine}] nobody who holds shared memory can truncate it, or change what only the keeper writes`,
    { skip: skip !== false ? skip : isRoot ? false : 'needs root, to look into the processes' },
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const evenkeel = await Evenkeel.start(
        t,
        `
listeners: { web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`,
        { engine },
      );
      const proxies = evenkeel.proxies();
      const files = [evenkeel.child.pid!, ...proxies].flatMap(sharedFiles);
      assert.ok(files.length > 0);
      for (const file of files)
        assert.equal(
          attempt(() => truncateSync(file, 0)),
          false,
          `${file} was truncated`,
        );
      const written = files.filter((file) => attempt(() => writeFileSync(file, '\xff'.repeat(64), { flag: 'r+' })));
      // A row belongs to who writes it.
      const names = written.map((file) => readlinkSync(file));
      assert.ok(
        names.every((name) => /evenkeel-proxy-\d/.test(name)),
        names.join(', '),
      );

      await get(port);
      kill(proxies[0], 'SIGKILL');
      await evenkeel.said(/another one starts at once/);
      await evenkeel.said(/serves again/);
      await getUntil(port, ({ body }) => body === `${backend.port}\n`);
    },
  );
  test(
    `[${engine}] whatever a proxy says on its control channel, the keeper goes on`,
    engineSkip(engine),
    async (t) => {
      const directory = mkdtempSync(join(tmpdir(), 'evenkeel-hostile-'));
      t.after(() => rmSync(directory, { recursive: true, force: true }));
      chmodSync(directory, 0o755);
      const script = join(directory, 'hostile.mjs');
      writeFileSync(script, HOSTILE);
      const backend = await startBackend(t);
      const port = await freePort();
      const evenkeel = await Evenkeel.start(
        t,
        `
listeners: { web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`,
        { engine, env: { HOSTILE: directory, NODE_OPTIONS: `--import ${script}` } },
      );
      const lies = [
        '{"type":"applied","generation":0}',
        `{"type":"applied","generation":${Number.MAX_SAFE_INTEGER}}`,
        '{"type":"refused","generation":7,"reason":"no"}',
        '{"type":"event","event":{"kind":"server-failed","slot":0,"epoch":0,"reason":"x","count":0}}',
      ];
      for (const [i, lie] of lies.entries()) {
        const [liar] = evenkeel.proxies();
        // by its name it is found as a whole
        writeFileSync(join(directory, 'lie'), `${lie}\n`.repeat(100));
        renameSync(join(directory, 'lie'), join(directory, `${liar}`));
        const times = i + 1;
        await evenkeel.said(new RegExp(`(?:[^]*; ending it\\n){${times}}`));
        await evenkeel.said(new RegExp(`(?:[^]*serves again){${times}}`));
        assert.equal(kill(liar, 0), false);
        await getUntil(port, ({ body }) => body === `${backend.port}\n`);
      }
      assert.equal(evenkeel.stderr.split('; ending it').length - 1, lies.length);
      evenkeel.signal('SIGTERM');
      assert.equal(await evenkeel.exit, 0);
    },
  );
}
