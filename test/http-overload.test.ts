/** More than there are descriptors for: nothing crashes, and when there is room again everything goes on by itself. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import { ENGINES, Evenkeel, freePort, get, startBackend, WAIT_MS } from './evenkeel.ts';
import { peerSkip } from './peers.ts';

/** Few enough to run out of, and more than the program needs for itself. */
const DESCRIPTORS = 120;

for (const engine of ENGINES) {
  test(`[${engine}] file descriptors run out, and come back`, peerSkip(engine, 'prlimit'), async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
    const through = ['prlimit', `--nofile=${DESCRIPTORS}`, '--'];
    const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, through });
    const [pid] = evenkeel.proxies();
    const open = (): number => readdirSync(`/proc/${pid}/fd`).length;
    assert.equal((await get(port)).status, 200);

    for (let round = 0; round < 2; round++) {
      const idle = Array.from({ length: DESCRIPTORS * 2 }, () => net.connect(port, '127.0.0.1'));
      for (const socket of idle) socket.on('error', () => undefined);
      t.after(() => idle.forEach((socket) => socket.destroy()));
      // as many as it takes; libuv, which lets go of what it cannot take, is left with a few to spare
      while (open() < DESCRIPTORS - 3) await new Promise((resolve) => setTimeout(resolve, 20));
      await new Promise((resolve) => setTimeout(resolve, 300));
      for (const socket of idle) socket.destroy();
      assert.equal(await served(port), `${backend.port}\n`);
    }
    assert.deepEqual(evenkeel.proxies(), [pid], 'it is still the same process');
  });
}

/** Asks until there is an answer: the proxy may still be full of connections that have just been closed. */
async function served(port: number): Promise<string> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const answer = await get(port).catch(() => null);
    if (answer?.status === 200) return answer.body;
    assert.ok(Date.now() < deadline, 'it serves again');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
