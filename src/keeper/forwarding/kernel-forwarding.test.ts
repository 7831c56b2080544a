import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Board, SERVER_DOWN, SERVER_UP } from '../../base/board.ts';
import type { ServerState } from '../../base/server-table.ts';
import type { Plan } from '../../config/plan/plan.ts';
import { parseMessage } from '../../core/peers/messages.ts';
import type {
  BucketChange,
  Buckets,
  ForwardedFlow,
  Forwarder,
  ForwardingRules,
  TrackedFlow,
} from '../../port/forwarding.ts';
import { bucketOfClient } from '../../base/packet-bucket.ts';
import { createLog } from '../log/log.ts';
import { KernelForwarding } from './kernel-forwarding.ts';

const LISTEN = { family: 4, host: '192.0.2.10', port: 22 } as const;
const SERVERS = [1, 2].map((last) => ({ family: 4, host: `10.9.2.${last}`, port: 22 }) as const);

/** One listener of TCP, and its two servers in the first two slots. */
const PLAN = {
  listeners: [
    {
      inKernel: 'nat',
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
  /** By the client's port. */
  readonly flows = new Map<number, string>();
  readonly ways = new Map<number, number | null>();
  tracked: readonly TrackedFlow[] = [];

  replace(
    rules: ForwardingRules,
    buckets: ReadonlyMap<string, Buckets>,
    flows: readonly ForwardedFlow[],
  ): string | null {
    this.asked++;
    if (this.refusal !== null) return this.refusal;
    this.replacements++;
    this.rules = rules;
    this.flows.clear();
    this.changeFlows(flows, []);
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

  changeFlows(added: readonly ForwardedFlow[], removed: readonly ForwardedFlow[]): null {
    for (const { client } of removed) this.flows.delete(client.port);
    for (const { client, server, via } of added) {
      this.flows.set(client.port, server.host);
      this.ways.set(client.port, via);
    }
    return null;
  }

  *flowsOf(): Generator<undefined, readonly TrackedFlow[]> {
    yield;
    return this.tracked;
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
    return new Set(
      [...this.buckets]
        .flatMap(([name, there]) => (name.startsWith('kept-') ? [] : there))
        .map((server) => server?.host ?? 'nobody'),
    );
  }
}

const mocked = new WeakSet<TestContext>();
let nowMs = 0;

class Scene {
  readonly kernel = new FakeForwarder();
  readonly lines: string[] = [];
  readonly forwarding: KernelForwarding;
  readonly assumed = new Set<number>();
  /** Whether the service's address is. */
  isHere = false;
  private readonly board = Board.createAlone({ servers: 2, listeners: 0, rows: 1 });

  constructor(t: TestContext, isDeferred = false, isHere = false) {
    if (!mocked.has(t)) t.mock.timers.enable({ apis: ['setInterval'] });
    mocked.add(t);
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
      here: () => () => this.isHere,
      now: () => nowMs,
    });
    this.isHere = isHere;
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
  const before = kernel.buckets.get('shells-0-4');
  scene.set([SERVER_UP, SERVER_DOWN]);
  forwarding.refresh();
  assert.deepEqual(kernel.owners, new Set([FIRST]));
  scene.set([SERVER_UP, SERVER_UP]);
  forwarding.refresh();
  assert.deepEqual(kernel.buckets.get('shells-0-4'), before);
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

/** Connections of 192.0.2.77, by their ports, as the kernel tells of them. */
function trackedBy(servers: ReadonlyMap<number, string>): readonly TrackedFlow[] {
  const client = Uint8Array.of(192, 0, 2, 77);
  return [...servers].map(([port, host]) => ({ client, port, server: `${host}:22`, via: null, isOver: false }));
}

/** Where a kernel sends what is no first segment. */
function laterServerOf({ flows, buckets }: FakeForwarder, port: number): string | undefined {
  const bucket = bucketOfClient(Uint8Array.of(192, 0, 2, 77), port, 16_361);
  const kept = buckets.get('kept-192_0_2_10-22')![bucket];
  return flows.get(port) ?? (kept ?? buckets.get('shells-0-4')![bucket])?.host;
}

function link(from: Scene, to: Scene, name: string, isLinked: () => boolean): void {
  from.forwarding.linkTo({
    count: () => 1,
    tell: (message) => {
      const parsed = parseMessage(JSON.stringify(message));
      assert.deepEqual(parsed, message);
      assert.ok(parsed !== null && typeof parsed !== 'string');
      if (isLinked()) to.forwarding.handlePeerMessage(name, parsed);
    },
  });
}

/** For as long as it takes until the kernel has been looked at. */
async function passTime(t: TestContext): Promise<void> {
  nowMs += 2_000;
  t.mock.timers.tick(500);
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
}

test("with snat a port that the server sees instead of the client's is told to the peer, which has it too", async (t) => {
  const [one, two] = [new Scene(t, false, true), new Scene(t)];
  link(one, two, 'one', () => true);
  link(two, one, 'two', () => true);
  const plan = { ...PLAN, listeners: [{ ...PLAN.listeners[0], inKernel: 'snat' }] } as Plan;
  for (const scene of [one, two]) scene.forwarding.apply(plan);
  // Nothing is unlike the table but that.
  await passTime(t);
  const server = laterServerOf(one.kernel, 1024)!;
  one.kernel.tracked = [{ ...trackedBy(new Map([[1024, server]]))[0], via: 40_000 }];
  await passTime(t);
  assert.deepEqual([...two.kernel.flows], [[1024, server]]);
  assert.deepEqual([...two.kernel.ways], [[1024, 40_000]]);
  one.kernel.tracked = [];
  await passTime(t);
  assert.equal(two.kernel.flows.size, 0);
});

test('connections whose server is not that of the table are told to the peer, also when it comes late, and by it after the move', async (t) => {
  const [one, two] = [new Scene(t, false, true), new Scene(t)];
  let isLinked = false;
  link(one, two, 'one', () => isLinked);
  link(two, one, 'two', () => isLinked);
  const ports = Array.from({ length: 200 }, (_, i) => 1024 + i);
  // With one server all are its; the other one comes, and half of the buckets are not.
  one.set([SERVER_UP, SERVER_DOWN]);
  one.forwarding.apply(PLAN);
  const servers = new Map(ports.map((port) => [port, FIRST]));
  one.kernel.tracked = trackedBy(servers);
  one.set([SERVER_UP, SERVER_UP]);
  one.forwarding.refresh();
  const pass = (): Promise<void> => passTime(t);
  await pass();
  two.forwarding.apply(PLAN);
  isLinked = true;
  one.forwarding.handlePeerUp('two');
  two.forwarding.handlePeerUp('one');
  for (const port of ports) assert.equal(laterServerOf(two.kernel, port), FIRST);

  // The address moves: whatever this node thinks of servers, who has spoken not yet stays.
  [one.isHere, two.isHere] = [false, true];
  two.set([SERVER_DOWN, SERVER_UP]);
  two.forwarding.refresh();
  await pass();
  assert.deepEqual(two.kernel.owners, new Set([SECOND]));
  for (const port of ports) assert.equal(laterServerOf(two.kernel, port), FIRST);
  // New ones are the other server's, and go on there after the way back.
  for (const port of ports) servers.set(port + 1000, SECOND);
  two.kernel.tracked = trackedBy(servers);
  await pass();
  for (const [port, server] of servers) assert.equal(laterServerOf(one.kernel, port), server, `${port}`);
  // Nobody is left of them.
  two.kernel.tracked = [];
  await pass();
  assert.equal(one.kernel.flows.size, two.kernel.flows.size);
});
