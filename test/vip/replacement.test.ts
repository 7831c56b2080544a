/**
 * The vip process dies, hangs or cannot live, and the rest of its node does not: who has the address then, and how often it
 * moves. Never twice for one death.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLineOf } from '../../src/lab/processes.ts';
import { Holders } from './holders.ts';
import { until } from '../waiting.ts';
import { needsNamespaces, planOf, Segment, signal, type VirtualNode } from './virtual-node.ts';

const ADDRESS = '192.168.15.3';

async function pair(segment: Segment, intervalUs: number): Promise<[VirtualNode, VirtualNode]> {
  const lb01 = await segment.host(5).start(planOf({ priority: 150, intervalUs }));
  await lb01.becomes('active');
  const lb02 = await segment.host(6).start(planOf({ priority: 100, intervalUs }));
  await lb02.hears(3);
  return [lb01, lb02];
}

async function hasStandby(node: VirtualNode): Promise<void> {
  while (!(await node.status()).process.hasStandby) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** How many messages it had told before the next. */
function mark(node: VirtualNode): number {
  return node.messages.length;
}

// With short intervals only a machine that has time is sure to be in time: what must hold always is that the address moves at
// most once for each death.
for (const { intervalMs, kills } of [
  { intervalMs: 1_000, kills: 1 },
  { intervalMs: 300, kills: 3 },
  { intervalMs: 50, kills: 3 },
]) {
  const often = kills === 1 ? 'dies' : `dies ${kills} times`;
  test(`the vip process alone ${often}, adverts each ${intervalMs} ms: no double move`, needsNamespaces, async (t) => {
    const [lb01, lb02] = await pair(new Segment(t), intervalMs * 1_000);
    for (let i = 0; i < kills; i++) {
      await hasStandby(lb01);
      const [ours, theirs] = [mark(lb01), mark(lb02)];
      const pid = await lb01.vipPid();
      const before = (await lb02.status()).status[0].state;
      signal(pid, 'SIGKILL');
      await lb01.told((message) => message.type === 'change' && message.change.from === 'initialize', ours);
      assert.notEqual(await lb01.vipPid(), pid);
      // Longer than anybody waits for anything.
      await new Promise((resolve) => setTimeout(resolve, 5 * intervalMs));
      const moves = lb02.messages
        .slice(theirs)
        .flatMap((message) => (message.type === 'change' ? [message.change.to] : []));
      if (intervalMs >= 300) assert.deepEqual(moves, [], lb01.log);
      assert.ok(moves.length <= 1, `${before}, then ${moves.join()}\n${lb01.log}`);
      // It left the address to the peer: the next one is to be killed while it is active.
      if (moves.length === 1) {
        lb01.send({ type: 'resume', router: 'VI_1' });
        await lb01.becomes('active', undefined, ours);
      }
    }
  });
}

test(
  'a vip process that hangs is replaced before the peers notice, adverts each second',
  needsNamespaces,
  async (t) => {
    const [lb01, lb02] = await pair(new Segment(t), 1_000_000);
    await hasStandby(lb01);
    const [ours, theirs] = [mark(lb01), mark(lb02)];
    signal(await lb01.vipPid(), 'SIGSTOP');
    await lb01.logged(/the vip process hangs: no sign of life for \d+ ms; ending it/);
    assert.equal((await lb01.becomes('active', undefined, ours)).cause, 'adopt');
    assert.ok(lb01.host.has(ADDRESS));
    await lb02.hears(2);
    assert.deepEqual(lb02.changes().slice(theirs), []);
  },
);

test('with short intervals its peer has the address meanwhile, and keeps it', needsNamespaces, async (t) => {
  const [lb01, lb02] = await pair(new Segment(t), 100_000);
  await hasStandby(lb01);
  const holders = await Holders.watch(ADDRESS, [lb01.host, lb02.host]);
  const ours = mark(lb01);
  signal(await lb01.vipPid(), 'SIGSTOP');
  assert.equal((await lb01.becomes('backup', undefined, ours)).cause, 'late');
  // The change is told at once, the status behind it.
  await until(async () => (await lb01.status()).status[0]?.restraint?.reason === 'late');
  await holders.settle(lb02.host);
  // It has the higher priority and would preempt, but for the second move that this would be.
  await lb01.hears(5);
  assert.deepEqual(holders.takers.slice(holders.takers.indexOf(lb02.host.name)), [lb02.host.name]);
  const from = mark(lb01);
  lb02.kill();
  assert.equal((await lb01.becomes('active', undefined, from)).cause, 'peer-silent');
});

test('a keeper that stands still is not needed for a replacement', needsNamespaces, async (t) => {
  const [lb01, lb02] = await pair(new Segment(t), 300_000);
  await hasStandby(lb01);
  const [ours, theirs] = [mark(lb01), mark(lb02)];
  const pid = await lb01.vipPid();
  signal(lb01.keeper.pid!, 'SIGSTOP');
  signal(pid, 'SIGKILL');
  await lb02.hears(5);
  signal(lb01.keeper.pid!, 'SIGCONT');
  assert.equal((await lb01.becomes('active', undefined, ours)).cause, 'adopt');
  assert.deepEqual(
    lb02.messages.slice(theirs).filter(({ type }) => type === 'change'),
    [],
  );
});

test(
  'where no vip process lives the address is given up, and all is well again by itself',
  needsNamespaces,
  async (t) => {
    const [lb01, lb02] = await pair(new Segment(t), 1_000_000);
    await hasStandby(lb01);
    const [ours, theirs] = [mark(lb01), mark(lb02)];
    lb01.send({ type: 'break', isBroken: true });
    const first = await lb01.vipPid();
    signal(first, 'SIGKILL');
    await lb01.becomes('active', undefined, ours);
    assert.deepEqual(
      lb02.changes().filter(({ to }) => to === 'active'),
      [],
    );
    signal(await lb01.vipPid(), 'SIGKILL');
    const { to, cause, detail } = await lb01.becomes('fault', undefined, ours);
    assert.deepEqual([to, cause, detail], ['fault', 'fault', 'the vip process ended']);
    assert.equal(lb01.host.has(ADDRESS), false);
    await lb02.becomes('active', undefined, theirs);
    await lb01.logged(/vip process ended .*; another one starts in 400 ms/);
    const { problem, hasStandby: has } = (await lb01.status()).process;
    assert.match(problem ?? '', /^the vip process ended \(exit code 1\), \d+ times in a row$/);
    assert.equal(has, false);
    const from = mark(lb01);
    lb01.send({ type: 'break', isBroken: false });
    await lb01.becomes('backup', undefined, from);
    await lb01.hears(5);
    assert.equal((await lb01.status()).process.problem, null);
    assert.equal((await lb01.status()).status[0].state, 'backup');
    assert.equal(lb02.changes().at(-1)?.to, 'active');
  },
);

test('the process that stands by is replaced too, and nothing else happens', needsNamespaces, async (t) => {
  const node = await new Segment(t).host(5).start(planOf({ intervalUs: 100_000 }));
  await node.becomes('active');
  await hasStandby(node);
  const from = mark(node);
  const standby = node.children().find((pid) => commandLineOf(pid).includes('standby'))!;
  signal(standby, 'SIGKILL');
  await node.logged(/the standby vip process ended \(killed by SIGKILL\)/);
  await hasStandby(node);
  assert.deepEqual(
    node.messages.slice(from).filter(({ type }) => type === 'change'),
    [],
  );
  assert.equal((await node.status()).process.restarts, 0);
});

test('the keeper alone is killed: the address is handed over, and nobody goes on', needsNamespaces, async (t) => {
  const [lb01, lb02] = await pair(new Segment(t), 1_000_000);
  await hasStandby(lb01);
  const from = mark(lb02);
  const children = lb01.children();
  assert.equal(children.length, 2);
  signal(lb01.keeper.pid!, 'SIGKILL');
  assert.equal((await lb02.becomes('active', undefined, from)).cause, 'released');
  await until(() => children.every((pid) => commandLineOf(pid) === ''));
  assert.equal(lb01.host.has(ADDRESS), false);
  assert.equal(lb02.changes().at(-1)?.to, 'active');
});

test('the keeper and the vip process are killed: the one that stands by hands over', needsNamespaces, async (t) => {
  const [lb01, lb02] = await pair(new Segment(t), 1_000_000);
  await hasStandby(lb01);
  const from = mark(lb02);
  const children = lb01.children();
  const active = await lb01.vipPid();
  signal(lb01.keeper.pid!, 'SIGKILL');
  signal(active, 'SIGKILL');
  await lb02.becomes('active', undefined, from);
  // A release, and not silence: that would cost three seconds, and in the last of them nobody would have the address.
  assert.equal((await lb02.status()).status[0].peers.at(-1)?.priority, 0);
  await until(() => children.every((pid) => commandLineOf(pid) === ''));
  assert.equal(lb01.host.has(ADDRESS), false);
});
