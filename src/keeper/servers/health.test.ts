import assert from 'node:assert/strict';
import { mock, test, type TestContext } from 'node:test';
import type { Address } from '../../base/address.ts';
import { Board, emptySlot } from '../../base/board.ts';
import { Prng } from '../../base/prng.ts';
import type { HealthPlan } from '../../config/plan/health.ts';
import type { Plan } from '../../config/plan/plan.ts';
import type { ServerPlan, UpstreamPlan } from '../../config/plan/upstream.ts';
import { HealthRegistry } from './health.ts';
import { createLog } from '../log/log.ts';
import type { ProbeResult } from './probe.ts';

const CHECK: HealthPlan = {
  probe: { kind: 'tcp' },
  port: null,
  proxyProtocol: null,
  tls: null,
  intervalMs: 1_000,
  timeoutMs: 500,
  rise: 2,
  fall: 2,
  jitter: 0,
  retryMs: null,
  initial: 'up',
};

function server(target: ServerPlan['target'], firstSlot: number, slotCount = 1): ServerPlan {
  const name = 'hostname' in target ? `${target.hostname}:${target.port}` : `${target.host}:${target.port}`;
  return {
    name,
    target,
    weight: 1,
    state: 'enabled',
    maxConnections: 0,
    backup: false,
    firstSlot,
    slotCount,
    epoch: 0,
    passive: null,
    health: null,
    notify: null,
  };
}

const at = (last: number): Address => ({ family: 4, host: `192.0.2.${last}`, port: 80 });

function upstream(name: string, servers: ServerPlan[], rest: Partial<UpstreamPlan> = {}): UpstreamPlan {
  return {
    name,
    slot: 0,
    serverBy: null,
    resolver: null,
    balance: 'round-robin',
    hash: null,
    servers,
    sources: [],
    health: null,
    quorum: null,
    passive: null,
    slowStartMs: 0,
    timeouts: { connectMs: 1, responseMs: 1, idleMs: 1, queueMs: 1, tunnelMs: 1, halfClosedMs: 1 },
    keepAlive: null,
    poolIdle: 1,
    queueMax: 1,
    proxyProtocol: null,
    proxyTlvs: [],
    tls: null,
    ...rest,
  };
}

class Scene {
  now = 0;
  readonly lines: string[] = [];
  readonly probed: string[] = [];
  readonly checks: string[] = [];
  readonly board: Board;
  readonly keeper: HealthRegistry;
  private readonly plan: Plan;
  answer: (address: Address) => Promise<ProbeResult> | ProbeResult = () => ({ isPassed: true, reason: '' });

  /** Of servers and upstreams, what programs are to be run for. */
  readonly told: string[] = [];

  constructor(t: TestContext, upstreams: UpstreamPlan[]) {
    mock.timers.enable({ apis: ['setTimeout'] });
    const serverSlots = upstreams.flatMap(({ servers }) => servers).reduce((sum, { slotCount }) => sum + slotCount, 0);
    const plan: Plan = {
      workers: 1,
      listeners: [],
      upstreams,
      values: [],
      files: null,
      admin: null,
      accessLogs: [],
      serverSlots,
      graceMs: 0,
      drainMs: 0,
    };
    const shape = { servers: serverSlots, listeners: 0, rows: 1 };
    this.board = Board.createAlone(shape);
    this.keeper = new HealthRegistry({
      onNoPort: () => undefined,
      onSettled: () => undefined,
      programs: {
        tell: ({ name, programs }, state) => {
          if (programs !== null) this.told.push(`${name} ${state}`);
        },
      },
      board: this.board,
      prng: new Prng(1),
      log: createLog(
        (line) => this.lines.push(line.slice('1970-01-01T00:00:00.000Z '.length, -1)),
        () => 0,
      ),
      makeProbe: (health, address, name) => {
        this.probed.push(`${address.host} ${name}`);
        this.checks.push(`${address.host} ${health.probe.kind}`);
        return Promise.resolve(this.answer(address));
      },
      now: () => this.now,
    });
    this.plan = plan;
    this.keeper.apply(plan);
    t.after(() => {
      this.keeper.stop();
      mock.timers.reset();
    });
  }

  apply(upstreams: UpstreamPlan[]): void {
    this.keeper.apply({ ...this.plan, upstreams });
  }

  async pass(ms: number): Promise<void> {
    for (let i = 0; i < ms; i += 50) {
      this.now += 50;
      mock.timers.tick(50);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  states(): string {
    const slot = emptySlot();
    const states: string[] = [];
    for (let i = 0; i < this.board.shape.servers; i++) {
      this.board.readServer(i, slot);
      states.push(
        ['empty', 'up', 'down', 'ejected', 'draining'][slot.state] + (slot.state === 0 ? '' : ` ${slot.address[3]}`),
      );
    }
    return states.join(', ');
  }
}

test('before anything is known, fixed addresses are on the board and names are empty slots', (t) => {
  const scene = new Scene(t, [
    upstream('web', [server(at(1), 0), server({ hostname: 'b.internal', port: 80 }, 1, 2)]),
    upstream('api', [server(at(2), 3)]),
  ]);
  assert.equal(scene.states(), 'up 1, empty, empty, up 2');
  assert.deepEqual(scene.lines, []);
  assert.deepEqual([...scene.keeper.names().keys()], ['b.internal']);
});

test('an answer for a name reaches every server of that name, each with its port', (t) => {
  const scene = new Scene(t, [
    upstream('web', [server({ hostname: 'b.internal', port: 80 }, 0, 2)]),
    upstream('api', [server({ hostname: 'b.internal', port: 81 }, 2, 2)]),
  ]);
  scene.keeper.handleName('b.internal', { addresses: [{ family: 4, host: '192.0.2.7' }], ttlMs: null });
  assert.equal(scene.states(), 'up 7, empty, up 7, empty');
  assert.deepEqual(scene.lines, [
    'info  server web/b.internal:80 (192.0.2.7:80) has an address',
    'info  server api/b.internal:81 (192.0.2.7:81) has an address',
  ]);
});

test('failing probes take a server off the board and passing ones put it back, each with one line', async (t) => {
  const scene = new Scene(t, [upstream('web', [server(at(1), 0), server(at(2), 1)], { health: CHECK })]);
  scene.keeper.start();
  await scene.pass(2_000);
  const before = scene.board.generation;
  scene.answer = ({ host }) => ({ isPassed: host !== '192.0.2.2', reason: 'connection refused' });
  await scene.pass(2_500);
  assert.equal(scene.states(), 'up 1, down 2');
  assert.equal(scene.board.generation, before + 1, 'one change is one update');
  scene.answer = () => ({ isPassed: true, reason: '' });
  await scene.pass(2_500);
  assert.equal(scene.states(), 'up 1, up 2');
  assert.deepEqual(scene.lines, [
    'warn  server web/192.0.2.2:80 down: 2 probes failed, last: connection refused',
    'info  server web/192.0.2.2:80 up: 2 probes passed',
  ]);
});

test('while a server is down, each other reason is one line, and one a minute with their number', async (t) => {
  const scene = new Scene(t, [upstream('web', [server(at(1), 0), server(at(2), 1)], { health: CHECK })]);
  let reason = 'connection refused';
  scene.answer = ({ host }) => ({ isPassed: host !== '192.0.2.2', reason });
  scene.keeper.start();
  await scene.pass(5_000);
  scene.lines.length = 0;
  reason = 'timeout';
  await scene.pass(2_500);
  const line = 'warn  server web/192.0.2.2:80 still down, now for another reason: timeout';
  assert.ok(scene.lines[0].startsWith(line));
  assert.equal(scene.lines.length, 1);
  assert.equal(scene.keeper.serversOf(0)[1][0].account!.reason, 'checks still fail, last: timeout');
  for (const each of ['status 500', 'timeout', 'status 500', 'timeout']) {
    reason = each;
    await scene.pass(2_000);
  }
  assert.equal(scene.lines.length, 2);
  await scene.pass(60_000);
  assert.match(scene.lines[2], /for another reason: timeout \(2 times within 60 s\)/);
});

function pair(first: Partial<ServerPlan>, second: Partial<ServerPlan> = {}): UpstreamPlan[] {
  const servers = [
    { ...server(at(1), 0), ...first },
    { ...server(at(2), 1), ...second },
  ];
  return [upstream('web', servers, { health: CHECK })];
}

test('an upstream whose last usable server is taken out is left to who has ordered it to tell', async (t) => {
  const scene = new Scene(t, pair({}));
  scene.answer = ({ host }) => ({ isPassed: host === '192.0.2.1', reason: 'connection refused' });
  scene.keeper.start();
  await scene.pass(4_000);
  scene.lines.length = 0;
  scene.apply(pair({ state: 'drain' }));
  await scene.pass(2_000);
  assert.deepEqual(scene.lines, []);
  const text = 'upstream web: no server takes new clients any more:';
  assert.deepEqual(scene.keeper.takeIdled(), [`${text} 192.0.2.1:80 is drained, 192.0.2.2:80 is down`]);
  scene.apply(pair({ weight: 0 }, { state: 'disabled' }));
  assert.deepEqual(scene.keeper.takeIdled(), [], 'it is known');
  scene.apply(pair({}));
  assert.deepEqual(scene.lines.splice(0), ['info  upstream web: a server takes clients again']);
  // what has been taken back before anybody could tell is not told
  scene.apply(pair({ weight: 0 }));
  scene.apply(pair({}));
  assert.deepEqual([scene.keeper.takeIdled(), scene.lines], [[], []]);
  // the last one beside a drained one fails
  scene.answer = () => ({ isPassed: true, reason: '' });
  scene.apply(pair({ state: 'disabled' }));
  await scene.pass(4_000);
  scene.keeper.takeIdled();
  scene.lines.length = 0;
  scene.answer = ({ host }) => ({ isPassed: host === '192.0.2.1', reason: 'connection refused' });
  await scene.pass(4_000);
  assert.equal(scene.lines.at(-1), `error ${text} 192.0.2.1:80 is disabled, 192.0.2.2:80 is down`);
});

test('upstreams without checks are not probed', async (t) => {
  const scene = new Scene(t, [upstream('web', [server(at(1), 0)])]);
  scene.keeper.start();
  await scene.pass(5_000);
  assert.deepEqual(scene.probed, []);
});

test('reports of failures eject a server for its time', async (t) => {
  const passive = { failures: 2, withinMs: 1_000, ejectMs: 3_000 };
  const scene = new Scene(t, [upstream('web', [server(at(1), 0), server(at(2), 1)], { passive })]);
  scene.keeper.start();
  scene.keeper.handleServerFailed({ slot: 1, epoch: 0 }, 2, 'timeout');
  scene.keeper.handleServerFailed({ slot: 99, epoch: 0 }, 2, 'timeout');
  assert.equal(scene.states(), 'up 1, ejected 2');
  await scene.pass(3_050);
  assert.equal(scene.states(), 'up 1, up 2');
  assert.deepEqual(scene.lines, [
    'warn  server web/192.0.2.2:80 ejected for 3 s: 2 failures within 1 s, last: timeout',
    'info  server web/192.0.2.2:80 takes requests again: its ejection is over',
  ]);
});

test('no more than 256 probes are on their way, and the others follow', async (t) => {
  const servers = Array.from({ length: 300 }, (_, i) =>
    server({ family: 4, host: `192.0.2.${i % 250}`, port: 1000 + i }, i),
  );
  const scene = new Scene(t, [upstream('web', servers, { health: CHECK })]);
  const open: (() => void)[] = [];
  scene.answer = () => new Promise((resolve) => open.push(() => resolve({ isPassed: true, reason: '' })));
  scene.keeper.start();
  await scene.pass(3_000);
  assert.equal(scene.probed.length, 256);
  for (const end of open.splice(0, 50)) end();
  await scene.pass(50);
  assert.ok(scene.probed.length >= 300);
});

test('checks that could not be made change nothing, are one line, and are shown as the last ones', async (t) => {
  const servers = [server(at(1), 0), server(at(2), 1)];
  const scene = new Scene(t, [upstream('web', servers, { health: { ...CHECK, fall: 1 } })]);
  scene.keeper.start();
  scene.answer = ({ host }) => ({ isPassed: host === '192.0.2.1', reason: 'connection refused' });
  await scene.pass(2_500);
  assert.equal(scene.states(), 'up 1, down 2');
  scene.lines.length = 0;
  scene.answer = () => ({ isPassed: null, reason: 'no file descriptor is left in the keeper' });
  await scene.pass(62_000);
  assert.equal(scene.states(), 'up 1, down 2');
  assert.match(
    scene.lines[0],
    /^warn {2}server web\/192\.0\.2\.[12]:80 could not be checked and keeps its state: no file descriptor is left in the keeper/,
  );
  assert.match(
    scene.lines[1],
    /^warn {2}1\d\d health checks within 60 s could not be made, and servers keep their states: no file descriptor/,
  );
  assert.equal(scene.lines.length, 2);
  const account = scene.keeper.serversOf(0)[0][0].account!;
  assert.deepEqual([account.state, account.lastProbe?.isPassed], ['up', null]);
  scene.answer = () => ({ isPassed: true, reason: '' });
  await scene.pass(2_500);
  assert.equal(scene.states(), 'up 1, up 2');
});

test("a server's own check is made in place of its upstream's; a reload asks again where it changed, and loses nothing", async (t) => {
  const every = { ...CHECK, intervalMs: 3_600_000 };
  const checked = (health: HealthPlan | null): UpstreamPlan[] => [
    upstream('web', [server(at(1), 0), { ...server(at(2), 1), health }], { health: every }),
  ];
  const scene = new Scene(t, checked({ ...every, probe: { kind: 'redis' } }));
  scene.keeper.start();
  await scene.pass(50);
  assert.deepEqual(scene.checks, ['192.0.2.1 tcp', '192.0.2.2 redis']);
  assert.equal(scene.states(), 'up 1, up 2');
  scene.checks.length = 0;
  scene.apply(checked({ ...every, probe: { kind: 'ssh' } }));
  await scene.pass(50);
  assert.deepEqual(scene.checks, ['192.0.2.2 ssh']);
  scene.checks.length = 0;
  scene.apply(checked(null));
  await scene.pass(50);
  assert.deepEqual(scene.checks, ['192.0.2.2 tcp']);
  assert.deepEqual(
    scene.keeper.serversOf(0).map(([{ account }]) => account?.state),
    ['up', 'up'],
  );
});

const PROGRAMS = { up: null, down: null, stop: null, timeoutMs: 1_000, users: null } as const;

test('a quorum that is lost sends clients to the backup server, and programs are told of it and of servers', async (t) => {
  const servers = [
    { ...server(at(1), 0), weight: 2, notify: PROGRAMS },
    { ...server(at(2), 1), weight: 1, notify: PROGRAMS },
    { ...server(at(3), 2), backup: true },
  ];
  const quorum = { weight: 2, hysteresis: 0, programs: PROGRAMS };
  const scene = new Scene(t, [upstream('web', servers, { health: CHECK, quorum })]);
  const down = new Set<string>();
  scene.answer = ({ host }) => ({ isPassed: !down.has(host), reason: 'seen' });
  scene.keeper.start();
  await scene.pass(10_000);
  assert.deepEqual(scene.told, ['upstream web up']);
  assert.equal(scene.states(), 'up 1, up 2, up 3');
  down.add('192.0.2.1');
  await scene.pass(10_000);
  assert.deepEqual(scene.told.splice(0), ['upstream web up', 'server web/192.0.2.1:80 down', 'upstream web down']);
  assert.equal(scene.states(), 'down 1, down 2, up 3');
  assert.deepEqual(scene.keeper.quorumOf(0), { isMet: false, weightUp: 1 });
  down.add('192.0.2.3');
  await scene.pass(10_000);
  // there is nobody else
  assert.equal(scene.states(), 'down 1, up 2, down 3');
  down.clear();
  await scene.pass(10_000);
  assert.deepEqual(scene.told.splice(0), ['server web/192.0.2.1:80 up', 'upstream web up']);
  assert.equal(scene.states(), 'up 1, up 2, up 3');
  scene.keeper.tellStop();
  const stops = ['server web/192.0.2.1:80 stop', 'server web/192.0.2.2:80 stop', 'upstream web stop'];
  assert.deepEqual(scene.told.splice(0), stops);
  down.add('192.0.2.1');
  await scene.pass(10_000);
  assert.deepEqual(scene.told, []);
});

test('what a check says of a weight counts, for the quorum too', async (t) => {
  const quorum = { weight: 3, hysteresis: 0, programs: PROGRAMS };
  const scene = new Scene(t, [upstream('web', [server(at(1), 0), server(at(2), 1)], { health: CHECK, quorum })]);
  let weight: number | undefined;
  scene.answer = ({ host }) => ({
    isPassed: true,
    reason: '',
    ...(host.endsWith('.1') && weight !== undefined ? { weight } : {}),
  });
  scene.keeper.start();
  for (const [said, states, up] of [
    [undefined, 'up 1, up 2', 2],
    [5, 'up 1, up 2', 6],
    [0, 'draining 1, up 2', 1],
    [undefined, 'up 1, up 2', 2],
  ] as const) {
    weight = said;
    await scene.pass(10_000);
    assert.deepEqual([scene.states(), scene.keeper.quorumOf(0)?.weightUp], [states, up]);
  }
  assert.deepEqual(scene.told, ['upstream web up', 'upstream web down']);
});

test('a server that is down until its first check gets nobody before, though it is alone', async (t) => {
  const health = { ...CHECK, initial: 'down' } as const;
  const scene = new Scene(t, [upstream('web', [{ ...server(at(1), 0), notify: PROGRAMS }], { health })]);
  assert.equal(scene.states(), 'down 1');
  scene.keeper.start();
  await scene.pass(50);
  assert.equal(scene.states(), 'up 1');
  assert.deepEqual(scene.told, ['server web/192.0.2.1:80 up']);
});

test('a check that fails is repeated sooner while the server is up', async (t) => {
  const health = { ...CHECK, intervalMs: 60_000, retryMs: 1_000, fall: 3 };
  const scene = new Scene(t, [upstream('web', [server(at(1), 0)], { health })]);
  scene.keeper.start();
  await scene.pass(120_000);
  scene.answer = () => ({ isPassed: false, reason: 'gone' });
  const before = scene.probed.length;
  while (scene.probed.length === before) await scene.pass(1_000);
  await scene.pass(2_500);
  assert.equal(scene.states(), 'down 1');
  assert.equal(scene.probed.length, before + 3);
  await scene.pass(50_000);
  assert.equal(scene.probed.length, before + 3);
});
