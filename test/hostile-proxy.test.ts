/** What a proxy that somebody else has taken over can do to the rest: with what it inherited, as if it still had all of it. */
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs';
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
}
