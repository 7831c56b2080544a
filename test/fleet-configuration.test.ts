/** One configuration for two nodes, each with a network of its own, by way of a real etcd. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Evenkeel, freePort } from './evenkeel.ts';
import { findProgram, peerSkip, run } from './peers.ts';
import { until } from './waiting.ts';

const OWN_NETWORK = ['unshare', '--net', '--', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];

interface Node {
  readonly evenkeel: Evenkeel;
  readonly follower: Evenkeel;
}

class Fleet {
  readonly directory: string;
  readonly etcd: string;
  private readonly t: TestContext;

  constructor(t: TestContext, etcd: string) {
    this.t = t;
    this.etcd = etcd;
    this.directory = mkdtempSync(join(tmpdir(), 'evenkeel-fleet-'));
    t.after(() => rmSync(this.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  }

  startEtcd(peers: number): void {
    const peer = `http://127.0.0.1:${peers}`;
    const args = ['--data-dir', join(this.directory, 'etcd'), '--listen-client-urls', this.etcd];
    args.push('--advertise-client-urls', this.etcd, '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer);
    const child = spawn(findProgram('etcd')!, [...args, '--initial-cluster', `default=${peer}`], { stdio: 'ignore' });
    this.t.after(() => child.kill('SIGKILL'));
  }

  async startNode(name: string): Promise<Node> {
    const folder = join(this.directory, name);
    const file = this.file(`${name}.yaml`, '{ body: own }');
    const socket = `${folder}.sock`;
    const env = { STATE_DIRECTORY: folder };
    const args = ['run', file, '--workers', '1', '--socket', socket];
    const evenkeel = Evenkeel.spawn(this.t, args, { env, through: OWN_NETWORK });
    await evenkeel.said(/ready: /);
    const follower = Evenkeel.spawn(this.t, ['fleet', 'follow', ...this.where, '--node', name, '--socket', socket]);
    await follower.said(new RegExp(`^${name} follows`, 'm'));
    return { evenkeel, follower };
  }

  /** A configuration that answers so. */
  file(name: string, respond: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, `listeners: { web: { bind: "127.0.0.1:80", routes: [{ respond: ${respond} }] } }\n`);
    return path;
  }

  /** What it says, and how it ends. */
  async run(...args: readonly string[]): Promise<{ readonly said: string; readonly code: number | string }> {
    const [word, ...rest] = args;
    const command = Evenkeel.spawn(this.t, ['fleet', word, ...this.where, ...rest]);
    const code = await command.exit;
    return { said: command.stdout + command.stderr, code };
  }

  private get where(): readonly string[] {
    return ['--etcd', this.etcd, '--key', '/shop'];
  }
}

/** What it answers to each of some requests. */
async function ask({ evenkeel }: Node, count: number): Promise<readonly string[]> {
  const urls = `http://127.0.0.1/[1-${count}]`;
  const args = [`--target=${evenkeel.child.pid}`, '--net', 'curl', '-s', '-w', '\\n', urls];
  return (await run('nsenter', args)).stdout.trim().split('\n');
}

const skip = process.getuid?.() === 0 ? peerSkip(null, 'etcd', 'curl', 'ip').skip : 'needs root';

test(
  'a version goes to one node and then to all, and back from all when it is wrong or requests fail',
  { skip },
  async (t) => {
    const [clients, peers] = await Promise.all([freePort(), freePort()]);
    const fleet = new Fleet(t, `http://127.0.0.1:${clients}`);
    fleet.startEtcd(peers);
    await until(
      async () => (await fleet.run('status')).code === 0,
      () => 'etcd does not answer',
    );
    assert.match((await fleet.run('publish', fleet.file('none.yaml', '{}'))).said, /no node follows/);

    const nodes = await Promise.all([fleet.startNode('lb01'), fleet.startNode('lb02')]);
    const done = await fleet.run('publish', fleet.file('one.yaml', '{ body: one }'), '--watch', '1s');
    assert.match(done.said, /version 1: lb01\nall nodes\nall nodes keep it/);
    assert.equal(done.code, 0);
    for (const node of nodes) assert.deepEqual(await ask(node, 1), ['one']);

    const wrong = fleet.file('wrong.yaml', '{ body: two, redirect: 7 }');
    const refused = await fleet.run('publish', wrong, '--watch', '1s');
    assert.match(refused.said, /stopped: lb01: .*redirect.*; all nodes go back to version 1/s);
    assert.equal(refused.code, 1);

    const over = new AbortController();
    const asking = (async () => {
      while (!over.signal.aborted) await ask(nodes[1], 20);
    })();
    const failing = fleet.file('failing.yaml', '{ status: 503, body: no }');
    const stopped = await fleet.run('publish', failing, '--steps', 'all', '--watch', '30s');
    over.abort();
    await asking;
    assert.match(
      stopped.said,
      /stopped: lb02: \d+(\.\d)? % of the requests are answered with a 5xx, .*; all nodes go back to version 1/,
    );
    const haveOne = async (): Promise<boolean> =>
      (await Promise.all(nodes.map((node) => ask(node, 1)))).flat().every((body) => body === 'one');
    await until(haveOne, () => 'it is still there');
    const status = await fleet.run('status');
    assert.match(status.said, /version 3 by \S+ is stopped \(lb02: .*\): all nodes have version 1\n/);
    assert.match(status.said, /^lb01 {2}version 1, keeps$/m);
    assert.match(status.said, /^lb02 {2}version 1, keeps$/m);

    // who ends says nothing more
    nodes[0].follower.signal('SIGTERM');
    assert.equal(await nodes[0].follower.exit, 0);
    assert.doesNotMatch((await fleet.run('status')).said, /^lb01/m);
  },
);
