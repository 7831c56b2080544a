/** A node that is active only while it has a lease from a real etcd cluster of three members. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { RouterView } from '../src/api/virtual-routers.ts';
import { askStatus } from '../src/commands/control-client.ts';
import { sumUpHolders } from '../src/lab/address-watch.ts';
import { monotonicMs } from '../src/lab/clock.ts';
import { ADDRESSES, type Balancer, CLIENT, Pair } from '../src/lab/pair.ts';
import { Evenkeel, program } from './evenkeel.ts';
import { LONE_HOST } from './lone-host.ts';
import { findProgram, peerSkip, run } from './peers.ts';
import { RunningNode } from './running-node.ts';
import { until } from './waiting.ts';

const MEMBERS = [1, 2, 3];
const KEY = '/evenkeel/VI_1';
class Cluster {
  private readonly members: readonly ReturnType<typeof spawn>[];
  private readonly host: string;

  /** All of them at this address, where `inside` leads nsenter. */
  constructor(t: TestContext, inside: readonly string[], host: string, directory: string) {
    this.host = host;
    const all = MEMBERS.map((member) => `m${member}=http://${host}:${member}2380`).join(',');
    this.members = MEMBERS.map((member) => {
      const [clients, peers] = [`http://${host}:${member}2379`, `http://${host}:${member}2380`];
      const args = ['--name', `m${member}`, '--data-dir', join(directory, `m${member}`), '--initial-cluster', all];
      args.push('--listen-client-urls', clients, '--advertise-client-urls', clients);
      args.push('--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers);
      const child = spawn('nsenter', [...inside, findProgram('etcd')!, ...args], { stdio: 'ignore' });
      t.after(() => child.kill('SIGKILL'));
      return child;
    });
  }

  /** Only one of three is left, or all are there again. */
  setMajority(isThere: boolean): void {
    for (const member of this.members.slice(1)) member.kill(isThere ? 'SIGCONT' : 'SIGSTOP');
  }

  /** What the record says; null: nobody answers, or there is none. */
  async record(): Promise<string | null> {
    const kvs = ((await this.post('range', { key: base64(KEY) })) as { kvs?: { value: string }[] } | null)?.kvs;
    return kvs === undefined ? null : Buffer.from(kvs[0].value, 'base64').toString();
  }

  async isThere(): Promise<boolean> {
    return (await this.post('range', { key: base64(KEY) })) !== null;
  }

  async write(value: string): Promise<void> {
    assert.notEqual(await this.post('put', { key: base64(KEY), value: base64(value) }), null);
  }

  private async post(what: string, body: object): Promise<unknown> {
    const args = ['-s', '--max-time', '30', '-d', JSON.stringify(body), `http://${this.host}:12379/v3/kv/${what}`];
    const { code, stdout } = await run('nsenter', [`--target=${this.members[0].pid}`, '--net', 'curl', ...args]);
    return code === 0 ? JSON.parse(stdout) : null;
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

const skip = process.getuid?.() === 0 ? peerSkip(null, 'etcd', 'curl').skip : 'needs root';

test('a node is active only while it has the lease, and gives it back', { skip }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-lease-'));
  t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  const urls = MEMBERS.map((member) => `"http://127.0.0.1:${member}2379"`).join(', ');
  const yaml = `
listeners: { web: { bind: "*:80", routes: [{ respond: { body: ok } }] } }
ha:
  VI_1:
    interface: eth0
    router-id: 50
    preempt: false
    advertise: 200ms
    addresses: [192.0.2.3/24]
    guard: { lease: { etcd: [${urls}], ttl: 4s } }
`;
  const evenkeel = await Evenkeel.start(t, yaml, {
    workers: 1,
    through: LONE_HOST,
    args: ['--node', 'lb01'],
    hasSocket: true,
    env: { RUNTIME_DIRECTORY: directory, STATE_DIRECTORY: directory },
  });
  const router = async (): Promise<RouterView> => (await askStatus(`${evenkeel.file}.sock`)).ha!.routers[0];
  const becomes = async (state: string): Promise<unknown> =>
    until(
      async () => (await router()).state === state,
      () => `it never was ${state}:\n${evenkeel.stderr}`,
    );

  await evenkeel.said(/backup to claiming .*waits for lease/);
  await evenkeel.said(/no word on the lease of VI_1 from http/);
  assert.match((await router()).lease?.problem ?? '', /the connection is refused/);

  const cluster = new Cluster(t, [`--target=${evenkeel.child.pid}`, '--net'], '127.0.0.1', directory);
  await becomes('active');
  await until(async () => /"holder":"lb01"/.test((await cluster.record()) ?? ''));
  // an answer that is late leaves it unknown for a moment
  await until(async () => {
    const { lease } = await router();
    return lease?.holder === 'lb01' && lease.forMs > 0;
  });

  // a minority does not answer, and what was answered is over after a while
  cluster.setMajority(false);
  await evenkeel.said(/active to backup \(guard-lost, lease\)/);
  cluster.setMajority(true);
  await becomes('active');

  // somebody else has taken it: nobody waits for the end of a time
  await cluster.write(JSON.stringify({ holder: 'lb02', count: 1 }));
  await evenkeel.said(/the lease of VI_1: lb02 has it/);
  await until(async () => (await router()).state !== 'active');
  // and lb02 does not renew it
  await becomes('active');

  evenkeel.signal('SIGTERM');
  assert.equal(await evenkeel.exit, 0);
  assert.match((await cluster.record()) ?? '', /"holder":""/);
});

test(
  'two nodes that are cut from each other, and one of them then from etcd, never have the address at one time',
  { skip },
  async (t) => {
    const pair = await Pair.create([process.execPath, program]);
    t.after(() => pair.remove());
    const { network, watch } = pair;
    const inside = [`--net=/run/netns/${network.namespace(CLIENT)}`];
    const cluster = new Cluster(t, inside, ADDRESSES.client, network.directory);
    await until(() => cluster.isThere());
    const urls = MEMBERS.map((member) => `"http://${ADDRESSES.client}:${member}2379"`).join(', ');
    const file = join(network.directory, 'lease.yaml');
    writeFileSync(
      file,
      `
ha:
  VI_1:
    interface: eth0
    router-id: 50
    priority: { lb01: 150, lb02: 100 }
    preempt: false
    advertise: 200ms
    addresses: [192.168.15.3/24]
    guard: { lease: { etcd: [${urls}], ttl: 8s } }
`,
    );
    const fromMs = monotonicMs();
    const cut = (one: Balancer, other: string): Promise<void> =>
      network.cut([
        { from: one, to: other, what: 'everything' },
        { from: other, to: one, what: 'everything' },
      ]);
    const start = async (host: Balancer): Promise<RunningNode> => {
      const node = new RunningNode(pair, host, file);
      await node.said(/ ready: /);
      return node;
    };
    const lb01 = await start('lb01');
    await lb01.is('active');
    const lb02 = await start('lb02');
    await lb02.hears();

    // who does not hear it would take the address, and waits
    await cut('lb01', 'lb02');
    await lb02.untilRouter('one that waits for the lease', ({ account }) => account?.claim?.gate === 'lease');
    await lb02.said(/waits for lease/);
    assert.equal((await lb01.router()).state, 'active');

    // the one that has it gives up, and then the other one takes it
    await cut('lb01', CLIENT);
    await lb01.said(/active to backup \(guard-lost, lease\)/);
    await lb02.is('active');

    await network.heal();
    await lb01.is('backup');
    assert.deepEqual(watch.holders(), ['lb02']);
    const { twoHoldersMs, moves } = sumUpHolders(watch.changes, fromMs, monotonicMs());
    assert.deepEqual([twoHoldersMs, moves], [0, 2]);
  },
);
