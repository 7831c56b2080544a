/** Addresses on this machine: when they appear, and that they go, whatever happens to the process that owns them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsNamespaces, planOf, Segment, signal, until } from './virtual-node.ts';

const ADDRESS = '192.168.15.3';
/** Becomes active within a third of a second. */
const FAST = { intervalUs: 100_000 };

test(
  'the active router has the address with a lifetime that is lengthened with the adverts',
  needsNamespaces,
  async (t) => {
    const host = new Segment(t).host(5);
    const node = await host.start(planOf(FAST));
    await node.becomes('active');
    // In whole seconds.
    for (let i = 0; i < 15; i++) {
      const [info] = host.find(ADDRESS);
      assert.equal(info.link, 'eth0');
      assert.equal(info.prefixlen, 24);
      assert.equal(info.valid_life_time, 1);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  },
);

test('a clean stop removes it at once', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  await node.stop();
  assert.equal(host.has(ADDRESS), false);
});

test('kill -9 of all its processes: the kernel removes it', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  node.kill();
  const tookMs = await until(() => !host.has(ADDRESS));
  assert.ok(tookMs < 1_300, `${tookMs} ms`);
});

test('all its processes are stopped: the kernel removes it', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await host.start(planOf(FAST));
  await node.becomes('active');
  const pid = await node.vipPid();
  signal(node.keeper.pid!, 'SIGSTOP');
  signal(pid, 'SIGSTOP');
  const tookMs = await until(() => !host.has(ADDRESS));
  assert.ok(tookMs < 1_300, `${tookMs} ms`);
});
