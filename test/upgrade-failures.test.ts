/** A program that cannot serve does not take the place of the running one, and changes nothing. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { engineSkip, Evenkeel, freePort, get, program, startBackend, startLoad } from './evenkeel.ts';
import { ask, endAfter, replaceable, status, upgrade } from './upgrading.ts';

const BROKEN = {
  'lacks a module': `import './missing.mjs';`,
  'ends at once': `process.exit(0);`,
  crashes: `throw new Error('broken');`,
};

for (const [what, source] of Object.entries(BROKEN)) {
  test(`a program that ${what} changes nothing, and says why`, engineSkip('node'), async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const file = replaceable(t);
    const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine: 'node', hasSocket: true, program: file.path });
    const proxies = evenkeel.proxies();
    const load = startLoad(t, port, 2);
    file.replace(source);
    assert.match((await upgrade(evenkeel)).error!, /^the new program ended before it served/);
    await evenkeel.said(/upgrade failed, and this evenkeel goes on/);
    while (evenkeel.proxies().length > proxies.length) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(evenkeel.proxies(), proxies);
    file.replace(null);
    const { pid } = await upgrade(evenkeel);
    endAfter(t, pid!);
    assert.notEqual(pid, evenkeel.child.pid);
    assert.deepEqual((await load.stop()).failures, []);
    evenkeel.signal('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
  });
}

test('a program that hangs is ended when its time is over, and nothing has changed', engineSkip('node'), async (t) => {
  const backend = await startBackend(t);
  const port = await freePort();
  const file = replaceable(t);
  const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
  const evenkeel = await Evenkeel.start(t, yaml, { engine: 'node', workers: 1, hasSocket: true, program: file.path });
  file.replace('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);');
  evenkeel.signal('SIGUSR2');
  await evenkeel.said(/upgrade failed, and this evenkeel goes on: the new program does not serve after 30 s/);
  assert.equal((await get(port)).status, 200);
  while (evenkeel.proxies().length > 1) await new Promise((resolve) => setTimeout(resolve, 20));
});

test('while an upgrade is under way orders and reloads are refused, and not lost', engineSkip('node'), async (t) => {
  const backend = await startBackend(t);
  const port = await freePort();
  const file = replaceable(t);
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-state-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}", "127.0.0.1:9" ] } }
`;
  const options = { engine: 'node', workers: 1, hasSocket: true, program: file.path } as const;
  const evenkeel = await Evenkeel.start(t, yaml, { ...options, env: { STATE_DIRECTORY: directory } });
  const end = join(directory, 'end');
  const why = 'an upgrade is under way; try again when it is over';
  const drain = (): Promise<object> => ask(evenkeel, 'POST', `/v1/upstreams/web/servers/${backend.address}/drain`);
  file.replace(`import { existsSync } from 'node:fs'; setInterval(() => existsSync('${end}') && process.exit(0), 10);`);
  const upgraded = upgrade(evenkeel);
  await evenkeel.said(/starting the program that is on disk now/);
  assert.deepEqual(await drain(), { error: why });
  assert.deepEqual(await ask(evenkeel, 'POST', '/v1/reload'), { error: why });
  evenkeel.signal('SIGHUP');
  await evenkeel.said(new RegExp(`reload by SIGHUP refused, nothing has changed: ${why}`));
  const command = [program, 'server', 'drain', `web/${backend.address}`, '--socket', `${evenkeel.file}.sock`];
  const ran = spawnSync(process.execPath, command, { encoding: 'utf8' });
  assert.deepEqual([ran.status, ran.stdout, ran.stderr], [1, '', `evenkeel: ${why}\n`]);

  writeFileSync(end, '');
  assert.match((await upgraded).error!, /ended before it served/);
  assert.deepEqual(await ask(evenkeel, 'POST', '/v1/reload'), { changes: [] });
  file.replace(null);
  // What was begun before an upgrade is known to the successor.
  const [ordered, { pid, error }] = await Promise.all([drain(), upgrade(evenkeel)]);
  assert.equal(error, undefined, evenkeel.stderr);
  endAfter(t, pid!);
  const { upstreams } = await status(evenkeel);
  assert.equal(upstreams[0].servers[0].state === 'draining', !('error' in ordered), JSON.stringify(ordered));
  evenkeel.signal('SIGTERM');
  assert.equal(await evenkeel.exit, 0);
});
