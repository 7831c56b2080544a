/** A program that cannot serve does not take the place of the running one, and changes nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineSkip, Evenkeel, freePort, get, startBackend, startLoad } from './evenkeel.ts';
import { endAfter, replaceable, upgrade } from './upgrading.ts';

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
    const load = startLoad(port, 2);
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
  file.replace('for (;;);');
  evenkeel.signal('SIGUSR2');
  await evenkeel.said(/upgrade failed, and this evenkeel goes on: the new program does not serve after 30 s/);
  assert.equal((await get(port)).status, 200);
  while (evenkeel.proxies().length > 1) await new Promise((resolve) => setTimeout(resolve, 20));
});
