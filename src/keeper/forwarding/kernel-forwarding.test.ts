import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Board, SERVER_DOWN, SERVER_UP } from '../../base/board.ts';
import type { ServerState } from '../../base/server-table.ts';
import type { Plan } from '../../config/plan.ts';
import type { BucketChange, Buckets, Forwarder, ForwardingRules } from '../../port/forwarding.ts';
import { createLog } from '../log/log.ts';
import { KernelForwarding } from './kernel-forwarding.ts';

const LISTEN = { family: 4, host: '192.0.2.10', port: 22 } as const;
const SERVERS = [1, 2].map((last) => ({ family: 4, host: `10.9.2.${last}`, port: 22 }) as const);

/** One listener of TCP, and its two servers in the first two slots. */
const PLAN = {
  listeners: [
    {
      inKernel: true,
      protocol: 'tcp',
      upstream: 0,
      binds: [{ address: LISTEN, dual: false, isUdp: false }],
    },
  ],
  upstreams: [
    {
      name: 'shells',
      slot: 0,
      balance: 'round-robin',
      servers: SERVERS.map((target, slot) => ({ target, firstSlot: slot, slotCount: 1, backup: false })),
    },
  ],
} as unknown as Plan;

/** A kernel that does what it is told, until it is told not to. */
class FakeForwarder implements Forwarder {
  refusal: string | null = null;
  refusedSettings: readonly string[] = [];
  left: ReadonlyMap<string, Buckets> | null = null;
  damage: string | null = null;
  rules: ForwardingRules | null = null;
  asked = 0;
  replacements = 0;
  changes: BucketChange[] = [];
  readonly buckets = new Map<string, Buckets>();

  replace(rules: ForwardingRules, buckets: ReadonlyMap<string, Buckets>): string | null {
    this.asked++;
    if (this.refusal !== null) return this.refusal;
    this.replacements++;
    this.rules = rules;
    for (const [name, there] of buckets) this.buckets.set(name, there);
    return null;
  }

  change({ name }: { readonly name: string }, changes: readonly BucketChange[]): string | null {
    this.changes.push(...changes);
    const there = [...this.buckets.get(name)!];
    for (const { bucket, to } of changes) there[bucket] = to;
    this.buckets.set(name, there);
    return null;
  }

  verify(): string | null {
    const { damage, rules } = this;
    this.damage = null;
    return rules === null ? 'it is gone' : damage;
  }

  adopt(): ReadonlyMap<string, Buckets> | null {
    return this.left;
  }

  counts(): null {
    return null;
  }

  forget(): number {
    return 0;
  }

  forgetService(): number {
    return 0;
  }

  remove(): void {
    this.rules = null;
  }

  close(): void {}

  /** Whose buckets there are, by their hosts. */
  get owners(): ReadonlySet<string> {
    return new Set([...this.buckets.values()].flat().map((server) => server?.host ?? 'nobody'));
  }
}

class Scene {
  readonly kernel = new FakeForwarder();
  readonly lines: string[] = [];
  readonly forwarding: KernelForwarding;
  readonly assumed = new Set<number>();
  private readonly board = Board.createAlone({ servers: 2, listeners: 0, rows: 1 });

  constructor(t: TestContext, isDeferred = false) {
    t.mock.timers.enable({ apis: ['setInterval'] });
    this.set([SERVER_UP, SERVER_UP]);
    this.forwarding = new KernelForwarding({
      board: this.board,
      log: createLog(
        (line) => this.lines.push(line.slice('1970-01-01T00:00:00.000Z '.length, -1)),
        () => 0,
      ),
      open: () => this.kernel,
      isAssumed: (slot) => this.assumed.has(slot),
      isDeferred,
    });
  }

  set(states: readonly ServerState[]): void {
    const address = new Uint8Array(16);
    this.board.update((set) => {
      states.forEach((state, slot) => set(slot, { state, weight: 256, family: 0, port: 0, isBackup: false, address }));
    });
  }
}

const [FIRST, SECOND] = SERVERS.map(({ host }) => host);

test('buckets go where servers are up, and back, without other rules', (t) => {
  const scene = new Scene(t);
  const { kernel, forwarding } = scene;
  forwarding.apply(PLAN);
  assert.deepEqual(kernel.owners, new Set([FIRST, SECOND]));
  const [before] = kernel.buckets.values();
  scene.set([SERVER_UP, SERVER_DOWN]);
  forwarding.refresh();
  assert.deepEqual(kernel.owners, new Set([FIRST]));
  scene.set([SERVER_UP, SERVER_UP]);
  forwarding.refresh();
  assert.deepEqual([...kernel.buckets.values()], [before]);
  assert.equal(kernel.replacements, 1);
  assert.ok(kernel.changes.every(({ from, to }) => from!.host === SECOND || to!.host === SECOND));
});

test('what the kernel refuses is tried again until it does it, and told once', (t) => {
  const { kernel, forwarding, lines } = new Scene(t);
  kernel.refusal = 'EPERM';
  forwarding.apply(PLAN);
  for (let i = 0; i < 100; i++) forwarding.refresh();
  assert.equal(kernel.asked, 1, 'checks of servers do not have it tried again');
  assert.equal(forwarding.failure, 'the kernel refuses its rules: EPERM');
  t.mock.timers.tick(2_000);
  assert.deepEqual(lines, ['error kernel mode: the kernel refuses its rules: EPERM; it is tried again']);
  kernel.refusal = null;
  t.mock.timers.tick(1_000);
  assert.equal(lines.at(-1), 'info  kernel mode: the kernel has its rules now');
  assert.equal(forwarding.failure, null);
  assert.equal(kernel.replacements, 1);
});

test('what others have done to the table is undone', (t) => {
  const { kernel, forwarding, lines } = new Scene(t);
  forwarding.apply(PLAN);
  t.mock.timers.tick(2_000);
  assert.equal(kernel.replacements, 1);
  kernel.damage = 'it is gone';
  t.mock.timers.tick(500);
  assert.equal(kernel.replacements, 2);
  assert.match(lines.join('\n'), /not ours any more: it is gone; it is made again/);
});

test('servers change while the kernel refuses its rules: it gets those that are up when it takes them', (t) => {
  const scene = new Scene(t);
  const { kernel, forwarding } = scene;
  forwarding.apply(PLAN);
  kernel.refusal = 'ENOMEM';
  kernel.damage = 'it is gone';
  t.mock.timers.tick(500);
  scene.set([SERVER_UP, SERVER_DOWN]);
  t.mock.timers.tick(2_000);
  assert.ok(kernel.asked > 2);
  kernel.refusal = null;
  t.mock.timers.tick(2_000);
  assert.deepEqual(kernel.owners, new Set([FIRST]));
});

test('settings that cannot be changed are told, once', (t) => {
  const { kernel, forwarding, lines } = new Scene(t);
  kernel.refusedSettings = ['net.netfilter.nf_conntrack_tcp_loose to 1 (EROFS)'];
  forwarding.apply(PLAN);
  kernel.damage = 'it is gone';
  t.mock.timers.tick(500);
  assert.equal(kernel.replacements, 2);
  const told = lines.filter((line) => line.includes('cannot set'));
  assert.equal(told.length, 1);
  assert.match(told[0], /cannot set net\.netfilter\.nf_conntrack_tcp_loose to 1 \(EROFS\)/);
});

test('a server without buckets in the table that is found gets some when a check has found it up', (t) => {
  const scene = new Scene(t);
  const { kernel, forwarding, assumed } = scene;
  kernel.left = new Map([['shells-0-4', [SERVERS[0]]]]);
  assumed.add(0).add(1);
  forwarding.apply(PLAN);
  assert.deepEqual(kernel.owners, new Set([FIRST]));
  assumed.clear();
  forwarding.refresh();
  assert.deepEqual(kernel.owners, new Set([FIRST, SECOND]));
});

test('nothing is done before the predecessor has given way, and a stop before that leaves its table alone', (t) => {
  const { kernel, forwarding } = new Scene(t, true);
  forwarding.apply(PLAN);
  assert.equal(kernel.replacements, 0);
  forwarding.settle();
  assert.equal(kernel.replacements, 1);
  forwarding.stop(false);
  assert.notEqual(kernel.rules, null);
});
