/**
 * `evenkeel reload` of the `ha` part, as an operator has it: a pair in network namespaces, one file for both. What each change
 * does to adverts and addresses is tested beside their owner (vip/reload.test.ts).
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Pair } from '../src/lab/pair.ts';
import { refusalOfLab } from '../src/lab/system.ts';
import { program } from './evenkeel.ts';
import { HA, RunningNode } from './running-node.ts';
import { Change } from './waiting.ts';

const lab = { skip: refusalOfLab() ?? false };

const REST = `
listeners:
  web: { bind: "*:80", routes: [ { upstream: web } ] }
upstreams:
  web: { servers: [ "192.168.15.7:80", "192.168.15.8:80" ] }
`;

class Site {
  readonly pair: Pair;
  readonly file: string;

  private constructor(pair: Pair) {
    this.pair = pair;
    this.file = join(pair.network.directory, 'evenkeel.yaml');
  }

  static async create(t: TestContext): Promise<Site> {
    const pair = await Pair.create([process.execPath, program]);
    t.after(() => pair.remove());
    return new Site(pair);
  }

  async start(host: 'lb01' | 'lb02', text: string, options: readonly string[] = []): Promise<RunningNode> {
    writeFileSync(this.file, text);
    const node = new RunningNode(this.pair, host, this.file, options);
    await node.said(/ready: web \*:80/);
    return node;
  }

  /** What `evenkeel reload` says. */
  reload(node: RunningNode, text: string): string[] {
    writeFileSync(this.file, text);
    const { code, out, err } = node.command('reload');
    assert.equal(code, 0, err);
    return out.trim().split('\n');
  }
}

test('the ha part changes on both nodes, and the address stays where it is', lab, async (t) => {
  const site = await Site.create(t);
  const lb01 = await site.start('lb01', REST + HA);
  await lb01.is('active');
  const lb02 = await site.start('lb02', REST + HA);
  await lb02.is('backup');
  await lb02.hears();
  const before = [(await lb01.router()).changes.length, (await lb02.router()).changes.length];
  const check = join(site.pair.network.directory, 'notified');
  const changed =
    REST +
    HA.replace('advertise: 200ms', 'advertise: 1s')
      .replace('lb01: 150', 'lb01: 140')
      .replace('192.168.15.3/24', '192.168.15.3/24, 192.168.15.4/24') +
    `    track: [{ proxy: true, weight: 5 }, { upstream: web }]
    guard: { gateway: 192.168.15.7 }
    notify: { backup: [/usr/bin/touch, ${check}], user: root }
`;
  const told = [
    'address 192.168.15.4/24 added',
    'priority changed',
    'advertise changed',
    'guard changed',
    'track changed',
    'notify changed',
  ];
  for (const node of [lb01, lb02]) {
    const lines = site.reload(node, changed).map((line) => line.replace('virtual router VI_1: ', ''));
    assert.deepEqual(new Set(lines), new Set(told.filter((line) => node === lb01 || line !== 'priority changed')));
  }
  await lb01.untilRouter('as the file says', ({ intervalMs }) => intervalMs === 1_000);
  const active = await lb01.router();
  assert.deepEqual(active.addresses, ['192.168.15.3/24', '192.168.15.4/24']);
  assert.deepEqual(
    active.tracked.map(({ name, weight }) => [name, weight]),
    [
      ['proxy', 5],
      ['upstream web', 0],
    ],
  );
  // A verdict on all of it, and a peer that believes it.
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  assert.equal((await lb01.router()).account?.priority, 145);
  assert.deepEqual([(await lb01.router()).changes.length, (await lb02.router()).changes.length], before);
  assert.ok(!existsSync(check), 'a program is run when a role changes, and none has');
  assert.deepEqual(site.reload(lb01, changed), ['nothing has changed']);

  assert.equal(lb01.command('handover', 'VI_1').code, 0);
  await lb02.is('active');
  for (const end = performance.now() + 10_000; !existsSync(check) && performance.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(existsSync(check), 'the program that the file names now');
});

test('an ha part that appears is taken up, one that is gone is handed over', lab, async (t) => {
  const site = await Site.create(t);
  const lb01 = await site.start('lb01', REST);
  assert.deepEqual(site.reload(lb01, REST + HA), ['virtual router VI_1 added']);
  await lb01.is('active');
  const lb02 = await site.start('lb02', REST + HA);
  await lb02.is('backup');
  await lb02.hears();
  assert.deepEqual(site.reload(lb01, REST), ['virtual router VI_1 removed']);
  await lb02.is('active');
  assert.match((await lb02.router()).changes[0].cause, /released/);
  assert.equal((await lb01.ask()).ha, null);
  assert.deepEqual(site.reload(lb01, REST + HA), ['virtual router VI_1 added']);
  await lb01.is('active');
});

test('a file that is refused changes nothing of the ha part either', lab, async (t) => {
  const site = await Site.create(t);
  const lb01 = await site.start('lb01', REST + HA);
  await lb01.is('active');
  writeFileSync(site.file, `${REST + HA.replace('lb01: 150', 'lb01: 90')}    guard: { gateway: nowhere }\n`);
  const { code, err } = lb01.command('reload');
  assert.equal(code, 1);
  assert.match(err, /evenkeel\.yaml:14:\d+: .*nowhere/);
  writeFileSync(site.file, `node: lb02\n${REST}${HA}`);
  assert.equal(lb01.command('reload').code, 0, '`--node` says which node this is');
  assert.equal((await lb01.router()).account?.priority, 150);
});

test('another `node` takes a restart, and check says so', lab, async (t) => {
  const { pair, file } = await Site.create(t);
  const socket = join(pair.network.directory, 'lb01.sock');
  const write = (node: string): void => writeFileSync(file, `node: ${node}\n${REST}${HA}`);
  const ask = async (...args: string[]): Promise<readonly [code: unknown, output: string]> => {
    const asked = pair.run('lb01', [process.execPath, program, ...args, '--socket', socket]);
    const [code] = await once(asked.child, 'close');
    return [code, asked.output];
  };
  write('lb01');
  const command = [process.execPath, program, 'run', file, '--workers', '1', '--socket', socket];
  const change = new Change();
  const env = { RUNTIME_DIRECTORY: pair.network.directory };
  const running = pair.run('lb01', command, { env, onLine: () => change.wake() });
  await change.until(
    () => /ready: web/.test(running.output),
    () => running.output,
  );
  const [same, output] = await ask('check', file);
  assert.equal(same, 0, output);
  write('lb02');
  const [checked, complaint] = await ask('check', file);
  assert.match(complaint, /:1:7: `node` is another one than that of the evenkeel that runs here .*takes-restart/);
  const [reloaded, refusal] = await ask('reload');
  assert.match(refusal, /`node` has changed, and takes a restart/);
  assert.deepEqual([checked, reloaded], [1, 1]);
});

function keyLine(id: number): string {
  return `${id} hex:${`${id}`.repeat(64)}\n`;
}

test('with --watch, a key file that changes is used', lab, async (t) => {
  const site = await Site.create(t);
  const key = join(site.pair.network.directory, 'vrrp.key');
  writeFileSync(key, keyLine(1), { mode: 0o600 });
  const unicast = `    unicast: { peers: [192.168.15.5, 192.168.15.6], key: ${key} }\n`;
  const lb01 = await site.start('lb01', REST + HA + unicast, ['--watch']);
  await lb01.is('active');
  const { length } = (await lb01.router()).changes;
  writeFileSync(key, keyLine(2) + keyLine(1));
  await lb01.said(/reload by a change of \S+vrrp\.key: virtual router VI_1: key changed/);
  writeFileSync(key, 'nothing of the kind\n');
  await lb01.said(/reload by a change of \S+vrrp\.key refused, nothing has changed: /);
  assert.equal((await lb01.router()).changes.length, length);
});
