/** Routes and rules that go with the addresses, in this machine's kernel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KernelRoute, KernelRule } from '../../src/base/kernel-routing.ts';
import { compileRoute, compileRule } from '../../src/config/compile/routing.ts';
import { until } from '../waiting.ts';
import { type Host, needsNamespaces, planOf, Segment, signal, type VirtualNode } from './virtual-node.ts';

const ADDRESS = '192.168.15.3';
const FAST = { intervalUs: 200_000 };

const FROM_IT = compileRoute({ to: '10.1.0.0/16', via: '192.168.15.254', source: ADDRESS }, 'lb01');
const DEFAULT = compileRoute({ to: '0.0.0.0/0', via: '192.168.15.254', table: 100 }, 'lb01');
const DIRECT = compileRoute({ to: '10.2.0.0/16', interface: 'eth0', metric: 7 }, 'lb01');
const OVER_6 = compileRoute({ to: '2001:db8:5::/48', type: 'blackhole' }, 'lb01');
const RULE = compileRule({ preference: 40, from: `${ADDRESS}/32`, table: 100 }, 'lb01');
const ALL = { routes: [FROM_IT, DEFAULT, DIRECT, OVER_6], rules: [RULE] };
const ALL_SHOWN = [
  '10.1.0.0/16 via 192.168.15.254 dev eth0 proto 112 src 192.168.15.3',
  '10.2.0.0/16 dev eth0 proto 112 scope link metric 7',
  '40: from 192.168.15.3 lookup 100 proto 112',
  'blackhole 2001:db8:5::/48 dev lo proto 112 metric 1024 pref medium',
  'default via 192.168.15.254 dev eth0 table 100 proto 112',
];

/** What it has of this program's, but for the ways to the networks of addresses. */
function shown(host: Host): readonly string[] {
  const shows = ['-4', '-6'].flatMap((family) => [
    host.ip(family, 'route', 'show', 'table', 'all', 'proto', '112'),
    host.ip(family, 'rule', 'show'),
  ]);
  return shows
    .flatMap((output) => output.split('\n'))
    .filter((line) => !line.includes('metric 4000000'))
    .map((line) => {
      const text = line.replaceAll(/\s+/g, ' ').trim();
      // Asked for one protocol, ip(8) does not say which.
      return text === '' || /^\d+:/.test(text) ? text : withProtocol(text);
    })
    .filter((line) => line.includes('proto 112'))
    .sort();
}

function withProtocol(text: string): string {
  return text.replace(/( dev \S+(?: table \d+)?)/, '$1 proto 112');
}

function plan(
  routing: { routes?: readonly KernelRoute[]; rules?: readonly KernelRule[] },
  priority = 150,
): ReturnType<typeof planOf> {
  return planOf({ ...FAST, priority, ...routing });
}

async function activeNode(host: Host, routing: Parameters<typeof plan>[0] = ALL): Promise<VirtualNode> {
  const node = await host.start(plan(routing));
  await node.becomes('active');
  return node;
}

test('they are where the addresses are, and go with them in a hand-over and a stop', needsNamespaces, async (t) => {
  const segment = new Segment(t);
  const [here, there] = [segment.host(5), segment.host(6)];
  const lb01 = await activeNode(here);
  assert.deepEqual(shown(here), ALL_SHOWN);
  const lb02 = await there.start(plan(ALL, 100));
  await lb02.hears(3);
  assert.deepEqual(shown(there), []);

  lb01.send({ type: 'hand-over', router: 'VI_1' });
  await lb02.becomes('active');
  assert.deepEqual(shown(there), ALL_SHOWN);
  await until(() => shown(here).length === 0);
  assert.equal(here.ip('rule', 'show').trim().split('\n').length, 3);
  await lb02.stop();
  await until(() => shown(there).length === 0);
});

test('what an operator has put there himself stays, though it is the same', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  host.ip('route', 'add', '10.2.0.0/16', 'via', '192.168.15.200', 'metric', '7', 'proto', 'static');
  host.ip('route', 'add', 'default', 'via', '192.168.15.254', 'table', '100');
  host.ip('rule', 'add', 'preference', '40', 'from', ADDRESS, 'table', '100');
  const before = [host.ip('route', 'show', 'table', 'all'), host.ip('rule', 'show')];
  const node = await activeNode(host);
  // Its own comes first.
  assert.match(host.ip('route', 'get', '10.2.0.1'), /^10\.2\.0\.1 dev eth0/);
  await node.stop();
  assert.deepEqual([host.ip('route', 'show', 'table', 'all'), host.ip('rule', 'show')], before);
});

test('what somebody removes is put back, and the log says so', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await activeNode(host);
  host.ip('route', 'delete', '10.2.0.0/16');
  await node.logged(/route 10\.2\.0\.0\/16 dev eth0 metric 7 was removed and is put back/);
  host.ip('rule', 'delete', 'preference', '40');
  await node.logged(/rule 40: from 192\.168\.15\.3\/32 lookup 100 was removed and is put back/);
  assert.deepEqual(shown(host), ALL_SHOWN);
  // With the address the kernel removes the route that is from it, and says nothing of that.
  host.ip('address', 'delete', `${ADDRESS}/32`, 'dev', 'eth0');
  await node.logged(/route 10\.1\.0\.0\/16 via .* was removed and is put back/);
  assert.deepEqual(shown(host), ALL_SHOWN);
});

test('what cannot be added is told, and added when it can be', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const far = compileRoute({ to: '10.3.0.0/16', via: '10.99.0.1' }, 'lb01');
  const node = await activeNode(host, { routes: [far, DIRECT] });
  const routes = async (): Promise<unknown> => (await node.status()).status[0].routes;
  assert.deepEqual(await routes(), [
    { text: '10.3.0.0/16 via 10.99.0.1', problem: 'ENETUNREACH' },
    { text: '10.2.0.0/16 dev eth0 metric 7', problem: null },
  ]);
  await node.logged(/cannot add the route 10\.3\.0\.0\/16 via 10\.99\.0\.1 \(ENETUNREACH\)/);
  host.ip('route', 'add', '10.99.0.0/16', 'dev', 'eth0');
  await node.logged(/route 10\.3\.0\.0\/16 via 10\.99\.0\.1 is there now/);
  assert.match(host.ip('route', 'get', '10.3.0.1'), /via 10\.99\.0\.1/);
});

test('a reload changes them while the node is active', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await activeNode(host);
  const from = node.messages.length;
  const other = compileRule({ preference: 41, from: `${ADDRESS}/32`, table: 101 }, 'lb01');
  await node.apply(plan({ routes: [DEFAULT, { ...DIRECT, metric: 8 }], rules: [RULE, other] }));
  assert.deepEqual(shown(host), [
    '10.2.0.0/16 dev eth0 proto 112 scope link metric 8',
    ALL_SHOWN[2],
    '41: from 192.168.15.3 lookup 101 proto 112',
    ALL_SHOWN[4],
  ]);
  await node.apply(plan({}));
  assert.deepEqual(shown(host), []);
  assert.ok(host.has(ADDRESS));
  assert.ok(node.messages.slice(from).every(({ type }) => type !== 'change'));
});

test('one death of the vip process: the next one goes on with them', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const node = await activeNode(host);
  while (!(await node.status()).process.hasStandby) await new Promise((resolve) => setTimeout(resolve, 20));
  const from = node.messages.length;
  signal(await node.vipPid(), 'SIGKILL');
  assert.equal((await node.becomes('active', undefined, from)).cause, 'adopt');
  assert.deepEqual(shown(host), ALL_SHOWN);
  await node.sends(3);
  host.ip('route', 'delete', '10.2.0.0/16');
  await node.logged(/route 10\.2\.0\.0\/16 .* was removed and is put back/);
  await node.stop();
  assert.deepEqual(shown(host), []);
});

test(
  'all of it is killed: what is from the address goes with it, the rest at the next start',
  needsNamespaces,
  async (t) => {
    const host = new Segment(t).host(5);
    const killed = await activeNode(host);
    killed.kill();
    await until(() => !host.has(ADDRESS));
    assert.deepEqual(shown(host), ALL_SHOWN.slice(1));
    // Of another plan, that has nothing of it.
    const next = await host.start(plan({ routes: [DIRECT] }));
    await next.becomes('active');
    assert.deepEqual(shown(host), [ALL_SHOWN[1]]);
  },
);
