import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Board, WORKER_SERVING } from '../../base/board.ts';
import type { Command } from '../../config/words/command.ts';
import type { HaPlan, NotifyPlan, WatchPlan } from '../../config/plan/ha.ts';
import type { ServingVerdict } from '../../core/vrrp/occupant.ts';
import type { Verdict } from '../../vip/messages.ts';
import type { VipPlan } from '../../vip/plan.ts';
import type { RoleChange, RouterStatus } from '../../vip/status.ts';
import { routerPlan } from '../../vip/testing/router-plan.ts';
import type { CommandRequest, CommandResult } from './command.ts';
import { type AddressEvents, HaKeeper } from './ha-keeper.ts';
import type { HaHeritage } from './heritage.ts';
import type { InheritedRestraint } from './vip-link.ts';
import type { StartRestraint } from './restraints.ts';
import type { RestraintRecord } from './restraint-file.ts';
import { testLog } from './testing/test-log.ts';
import type { Estate, VirtualAddresses } from './virtual-addresses.ts';

const PASSED: CommandResult = { isPassed: true, reason: 'exit code 0', output: '' };

const SCRIPT: WatchPlan = {
  kind: 'script',
  name: null,
  run: ['/bin/check'],
  recover: null,
  recoverTimeoutMs: 1_000,
  intervalMs: 60_000,
  timeoutMs: 1_000,
  rise: 1,
  fall: 1,
  user: null,
};

function planOf(watches: readonly WatchPlan[], routers: readonly (readonly number[])[]): HaPlan {
  return {
    node: 'lb01',
    watches,
    vip: {
      routers: routers.map((own, i) =>
        routerPlan({
          name: `VI_${i + 1}`,
          virtualRouterId: 50 + i,
          priority: 150,
          addresses: [{ address: `192.0.2.${i + 3}`, prefixLength: 24 }],
          excluded: [],
          tracked: own.map((watch) => ({ name: `watch ${watch}`, weight: 0, interfaceName: null })),
          guard: { probesAddresses: true, gateway: null, hasWitnesses: false, hasLease: false },
        }),
      ),
    },
    routers: routers.map((own, i) => ({
      name: `VI_${i + 1}`,
      watches: own,
      witnesses: null,
      lease: null,
      serves: null,
      notify: [notifyOf(['/on-active'], ['/on-stop'], `VI_${i + 1}`)],
    })),
  };
}

function notifyOf(active: Command, stop: Command | null, name = 'VI_1'): NotifyPlan {
  const told = { whose: 'INSTANCE', name, priority: null } as const;
  return { active, backup: null, fault: null, stop, told, timeoutMs: 1_000, user: null, fifo: null };
}

/** The owner as its keeper sees it: what it is told is written down. */
class FakeAddresses implements VirtualAddresses {
  readonly told: string[] = [];
  readonly process = { pid: 7, restarts: 0, hasStandby: true, problem: null };
  accounts: { status: RouterStatus; ageMs: number }[] = [];
  startFailure: Error | null = null;
  readonly events: AddressEvents;

  constructor(events: AddressEvents) {
    this.events = events;
  }

  start(): Promise<void> {
    this.told.push('start');
    return this.startFailure === null ? Promise.resolve() : Promise.reject(this.startFailure);
  }
  setVerdict(verdict: Verdict): void {
    this.told.push(textOf(verdict));
  }
  apply(plan: VipPlan, verdicts: readonly Verdict[]): Promise<void> {
    const routers = plan.routers.map(({ name, priority }) => `${name} of ${priority}`);
    this.told.push(`apply ${routers.join(', ')}: ${verdicts.map(textOf).join(', ')}`);
    return Promise.resolve();
  }
  setServing(router: string, { serves, detail }: ServingVerdict): void {
    this.told.push(`${router} serves ${serves}: ${detail}`);
  }
  inherit(restraints: ReadonlyMap<string, InheritedRestraint>): void {
    for (const [router, { reason, leftMs }] of restraints) this.told.push(`${router} held back: ${reason} ${leftMs}`);
  }
  handOver(router: string, forMs: number | null): void {
    this.told.push(`hand over ${router} ${forMs}`);
  }
  resume(router: string): void {
    this.told.push(`resume ${router}`);
  }
  readonly estate: Estate = {
    bequeath: () => ({ heritage: { format: 1, pid: 7, routers: [], slotsUsed: 0 }, descriptors: [8, 9] }),
    part: () => this.tell('part'),
    rejoin: () => void this.tell('rejoin'),
    yield: () => this.tell('yield'),
  };
  watch(): Promise<void> {
    return this.tell('watch');
  }
  adopt(): Promise<void> {
    return this.tell('adopt');
  }
  private tell(what: string): Promise<void> {
    this.told.push(what);
    return Promise.resolve();
  }
  status(): { status: RouterStatus; ageMs: number }[] {
    return this.accounts;
  }
  stop(): Promise<void> {
    this.told.push('stop');
    return Promise.resolve();
  }
  kill(): void {
    this.told.push('kill');
  }
}

function textOf(verdict: Verdict): string {
  if (verdict.type === 'witnesses') return `${verdict.router} witnesses ${verdict.passes}`;
  if (verdict.type === 'lease') return `${verdict.router} lease ${verdict.number}`;
  return `${verdict.router} ${verdict.index} ${verdict.isUp ? 'up' : 'down'}`;
}

class Scene {
  readonly log = testLog();
  readonly runs: CommandRequest[] = [];
  readonly service: string[] = [];
  readonly fifos: string[] = [];
  readonly ended: (readonly string[])[] = [];
  result: Promise<CommandResult> = Promise.resolve(PASSED);
  addresses!: FakeAddresses;
  readonly keeper: HaKeeper;
  nowMs = 1_000;
  isDrained = false;
  /** Of the peers, when a router is to be handed over. */
  refusal: string | null = null;
  readonly asked: string[] = [];
  written: readonly RestraintRecord[];

  constructor(
    t: TestContext,
    plan: HaPlan,
    written: readonly RestraintRecord[] = [],
    heritage: HaHeritage | null = null,
    restraint: StartRestraint | null = null,
  ) {
    this.written = written;
    const shape = { servers: 0, listeners: 1, rows: 1 };
    const board = Board.createAlone(shape);
    board.worker(0).state = WORKER_SERVING;
    this.keeper = new HaKeeper({
      plan,
      serversOf: () => [],
      listeners: () => [],
      board,
      closedListeners: () => [],
      log: this.log,
      createAddresses: (events) => (this.addresses = new FakeAddresses(events)),
      runCommand: (request) => {
        this.runs.push(request);
        return { result: this.result, gone: Promise.resolve(), isGone: true, end: () => undefined };
      },
      openFifo: (path) => {
        this.fifos.push(`open ${path}`);
        return {
          isThere: true,
          write: (line) => {
            this.fifos.push(line.trimEnd());
            return null;
          },
          close: (isRemoved) => this.fifos.push(isRemoved ? 'remove' : 'close'),
        };
      },
      makeProbe: () => Promise.resolve({ isPassed: true, reason: 'connected' }),
      askName: () => Promise.reject(new Error('nobody is asked')),
      ownUid: 1_000,
      findUser: () => null,
      notifyServiceManager: (state) => this.service.push(state),
      restraintFile: {
        read: () => this.written,
        write: (records) => {
          this.written = records;
        },
        writeAgain: () => undefined,
        unstored: null,
      },
      isDrained: () => this.isDrained,
      agreeToGo: (routers, by, go) => {
        this.asked.push(`${routers.join()} by ${by}`);
        return this.refusal === null ? go() : { kind: 'refused', why: this.refusal };
      },
      endConnections: (addresses) => this.ended.push(addresses),
      restraint,
      heritage,
      now: () => this.nowMs,
      bootMs: () => 0,
      unixMs: () => 1_000_000_000_000 + this.nowMs,
    });
    t.after(() => this.keeper.kill());
  }

  change(router: string, from: RoleChange['from'], to: RoleChange['to']): void {
    const why = { cause: 'start', detail: '', severity: 'info' } as const;
    this.addresses.events.onChange({ router, from, to, ...why, atUs: 0, priority: 150 });
  }
}

test('every verdict is there before the routers take part, for each router that depends on it', async (t) => {
  const scene = new Scene(t, planOf([{ kind: 'proxy' }, SCRIPT], [[0, 1], [1]]));
  assert.equal(await scene.keeper.start(), 'VI_1 on eth0, VI_2 on eth0');
  assert.deepEqual(scene.addresses.told, ['VI_1 0 up', 'VI_1 1 up', 'VI_2 0 up', 'start']);
  assert.equal(scene.runs.length, 1, 'a check that two routers depend on is run once');
});

test('a check that does not answer holds the start up for a moment only', async (t) => {
  const scene = new Scene(t, planOf([SCRIPT], [[0]]));
  scene.result = new Promise(() => undefined);
  await scene.keeper.start();
  assert.deepEqual(scene.addresses.told, ['start']);
});

test('an owner that cannot run fails the start with its reason', async (t) => {
  const scene = new Scene(t, planOf([], [[]]));
  scene.addresses.startFailure = new Error('CAP_NET_ADMIN is missing');
  await assert.rejects(scene.keeper.start(), /CAP_NET_ADMIN is missing/);
});

test('a change of role runs its program, is told to the service manager, and is remembered', async (t) => {
  const scene = new Scene(t, planOf([], [[], []]));
  await scene.keeper.start();
  scene.change('VI_1', 'initialize', 'backup');
  scene.nowMs += 500;
  scene.change('VI_1', 'backup', 'active');
  scene.nowMs += 250;
  assert.deepEqual(scene.service, ['STATUS=VI_1 backup, VI_2 stop', 'STATUS=VI_1 active, VI_2 stop']);
  assert.deepEqual(
    scene.runs.map(({ command, environment }) => [...command, environment['EVENKEEL_ADDRESSES']]),
    [['/on-active', 'INSTANCE', 'VI_1', 'MASTER', '150', '192.0.2.3/24']],
  );
  const [router] = scene.keeper.status().routers;
  assert.deepEqual(
    router.changes.map(({ from, to, ageMs }) => [from, to, ageMs]),
    [
      ['backup', 'active', 250],
      ['initialize', 'backup', 750],
    ],
  );
});

test('what its owner has not confirmed for a while is not said to be so', async (t) => {
  const scene = new Scene(t, planOf([SCRIPT], [[0]]));
  await scene.keeper.start();
  assert.equal(scene.keeper.status().routers[0].state, 'unknown');
  const status: RouterStatus = {
    name: 'VI_1',
    state: 'active',
    sinceUs: 1_000_000,
    nowUs: 5_000_000,
    priority: 150,
    fault: null,
    interfaceName: 'eth0',
    source: '192.0.2.5',
    addresses: ['192.0.2.3/24'],
    excluded: [],
    routes: [],
    rules: [],
    lastAdvertUs: 4_900_000,
    peers: [
      {
        address: '192.0.2.6',
        priority: 100,
        intervalUs: 1_000_000,
        addresses: 'all',
        lastHeardUs: 2_000_000,
        adverts: 3,
      },
    ],
    activePeer: null,
    restraint: null,
    claim: null,
    isContested: false,
    tracked: [],
    guards: [],
    adverts: { sent: 4, unsent: 0, accepted: 3, refused: { checksum: 2 } },
    observed: { rival: { total: 5, lastUs: 4_700_000 } },
  };
  scene.addresses.events.onEvidence('VI_1', {
    kind: 'rival',
    detail: 'a peer',
    severity: 'warning',
    suppressed: 0,
  });
  scene.addresses.accounts = [{ status, ageMs: 400 }];
  const [current] = scene.keeper.status().routers;
  assert.equal(current.state, 'active');
  assert.equal(current.account?.stateAgeMs, 4_400);
  assert.equal(current.account?.lastAdvertAgeMs, 500);
  assert.equal(current.account?.peers[0].ageMs, 3_400);
  assert.deepEqual(current.evidence, [{ kind: 'rival', detail: 'a peer', ageMs: 0, total: 5 }]);
  scene.nowMs += 60_000;
  assert.equal(scene.keeper.status().routers[0].evidence[0].ageMs, 700, 'it was noticed again, and not told again');
  assert.equal(current.tracked[0].isUp, true);

  scene.addresses.accounts = [{ status, ageMs: 60_000 }];
  const [old] = scene.keeper.status().routers;
  assert.equal(old.state, 'unknown');
  assert.equal(old.account?.state, 'active');
  assert.equal(old.account?.stateAgeMs, 64_000);
});

test('the addresses are handed over first; then programs may finish', async (t) => {
  const scene = new Scene(t, planOf([], [[]]));
  await scene.keeper.start();
  scene.change('VI_1', 'initialize', 'active');
  await scene.keeper.finish(60_000);
  let finish!: (result: CommandResult) => void;
  scene.result = new Promise((resolve) => (finish = resolve));
  await scene.keeper.release();
  scene.change('VI_1', 'leaving', 'initialize');
  const finished = scene.keeper.finish(60_000);
  assert.equal(await Promise.race([finished, Promise.resolve('not yet')]), 'not yet');
  finish(PASSED);
  await finished;
  assert.deepEqual(scene.addresses.told, ['start', 'stop']);
});

test('an unknown router is not handed over', async (t) => {
  const scene = new Scene(t, planOf([], [[]]));
  assert.equal((await scene.keeper.handOver('VI_9', null, null)).kind, 'unknown');
  assert.equal(scene.keeper.resume('VI_9', null).kind, 'unknown');
});

test('a backup has nothing to hand over', async (t) => {
  const scene = new Scene(t, planOf([], [[]]));
  await scene.keeper.start();
  scene.change('VI_1', 'initialize', 'backup');
  const why = 'VI_1 is backup here: there is nothing to hand over';
  assert.deepEqual(await scene.keeper.handOver('VI_1', null, null), { kind: 'refused', why });
  assert.deepEqual(scene.addresses.told, ['start']);
});

test('a router is handed over when a peer agrees, and is still active by then', async (t) => {
  const scene = new Scene(t, planOf([], [[]]));
  await scene.keeper.start();
  scene.change('VI_1', 'backup', 'active');
  scene.refusal = 'no peer stays';
  assert.deepEqual(await scene.keeper.handOver('VI_1', null, 'alice'), { kind: 'refused', why: 'no peer stays' });
  assert.deepEqual([scene.asked, scene.addresses.told], [['VI_1 by alice'], ['start']]);
  scene.refusal = null;
  assert.equal((await scene.keeper.handOver('VI_1', null, 'alice')).kind, 'ordered');
  assert.equal(scene.addresses.told.length, 2);
});

test('what a drained node has handed over comes back when it is enabled, and not by resume', async (t) => {
  const scene = new Scene(t, planOf([], [[]]));
  await scene.keeper.start();
  scene.change('VI_1', 'backup', 'active');
  scene.isDrained = true;
  assert.equal((await scene.keeper.handOver('VI_1', null, 'alice')).kind, 'ordered');
  const restraint = { reason: 'hand-over', sinceUs: 5_000_000, untilUs: null } as const;
  scene.addresses.events.onRestraint({ router: 'VI_1', restraint, end: null });
  assert.match(scene.log.lines.at(-1)!, /until that one fails or `evenkeel node enable`$/);
  assert.equal(scene.keeper.status().routers[0].restraint?.endOrder, 'evenkeel node enable');
  const why = 'this node is drained: `evenkeel node enable` ends that, and takes addresses back';
  assert.deepEqual(scene.keeper.resume('VI_1', 'bob'), { kind: 'refused', why });
  scene.isDrained = false;
  assert.equal(scene.keeper.resume('VI_1', 'bob').kind, 'ordered');
});

test('a hand-over is written down with who ordered it and until when, is shown, and ends with resume', async (t) => {
  const scene = new Scene(t, planOf([], [[]]));
  await scene.keeper.start();
  scene.change('VI_1', 'backup', 'active');
  assert.equal((await scene.keeper.handOver('VI_1', 600_000, 'alice')).kind, 'ordered');
  const restraint = { reason: 'hand-over', sinceUs: 5_000_000, untilUs: 605_000_000 } as const;
  scene.addresses.events.onRestraint({ router: 'VI_1', restraint, end: null });
  const atMs = 1_000_000_001_000;
  assert.deepEqual(scene.written, [{ router: 'VI_1', by: 'alice', atMs, untilMs: atMs + 600_000 }]);
  scene.nowMs += 60_000;
  assert.deepEqual(scene.keeper.status().routers[0].restraint, {
    reason: 'hand-over',
    by: 'alice',
    sinceAgeMs: 60_000,
    leftMs: 540_000,
    endOrder: 'evenkeel resume VI_1',
  });
  assert.equal(scene.keeper.resume('VI_1', 'bob').kind, 'ordered');
  scene.addresses.events.onRestraint({ router: 'VI_1', restraint: null, end: 'resume' });
  assert.deepEqual(scene.written, []);
  assert.equal(scene.keeper.status().routers[0].restraint, null);
  const log = scene.log.lines.join('\n');
  assert.match(log, /VI_1: hand-over ordered by alice/);
  assert.match(log, /VI_1: handed over by alice: .*for 600 s, until that one fails or `evenkeel resume VI_1`/);
  assert.match(log, /VI_1: resumed by bob: takes part as configured/);
});

test('a hand-over from before the start holds, unless its time is over; that of another router is nothing', async (t) => {
  const atMs = 1_000_000_000_000;
  const written = [
    { router: 'VI_1', by: 'alice', atMs, untilMs: null },
    { router: 'VI_2', by: null, atMs, untilMs: atMs + 900 },
    { router: 'VI_9', by: null, atMs, untilMs: null },
  ];
  const scene = new Scene(t, planOf([], [[], []]), written);
  await scene.keeper.start();
  assert.deepEqual(scene.addresses.told, ['VI_1 held back: hand-over null', 'start']);
  assert.deepEqual(scene.written, [written[0]]);
});

test('without a certificate routers that track the proxies are held back, until all can be used', async (t) => {
  const scene = new Scene(t, planOf([{ kind: 'proxy' }], [[0], []]), [], null, 'certificates');
  await scene.keeper.start();
  const { told, events } = scene.addresses;
  assert.deepEqual(
    told.filter((text) => text.includes('held back')),
    ['VI_1 held back: certificates null'],
  );
  scene.keeper.handleCertificatesWhole();
  assert.equal(told.at(-1), 'resume VI_1');
  events.onRestraint({ router: 'VI_1', restraint: null, end: 'resume' });
  scene.keeper.handleCertificatesWhole();
  assert.equal(told.filter((text) => text === 'resume VI_1').length, 1);
  assert.deepEqual(scene.written, []);
});

test('whether a left-over address serves cannot be told where there is no port to try', async (t) => {
  const scene = new Scene(t, planOf([], [[]]));
  scene.addresses.events.onAskServing('VI_1');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(scene.addresses.told, ['VI_1 serves null: there is nothing to try: write a port at `guard.serves`']);
});

test('when the addresses have left, the connections that came to them are ended, and the log says so', async (t) => {
  const scene = new Scene(t, planOf([], [[], []]));
  await scene.keeper.start();
  const { events } = scene.addresses;
  events.onEndConnections('VI_2', ['192.0.2.77', '192.0.2.78']);
  assert.deepEqual(scene.ended, [['192.0.2.77', '192.0.2.78']]);
  const line =
    /VI_2: connections that came to 192\.0\.2\.77, 192\.0\.2\.78 are ended: this machine has given the addresses up$/;
  assert.match(scene.log.lines.at(-1)!, line);
  // What another router has now did not leave.
  const [{ addresses }] = planOf([], [[], []]).vip.routers;
  events.onEndConnections('VI_2', [addresses[0].address]);
  assert.equal(scene.ended.length, 1);
});

// --- another plan ---

/** Of VI_1 with a check, VI_2 without. */
const BEFORE = planOf([SCRIPT], [[0], []]);

test('another plan: what both have goes on, what is new has its first verdict before anything depends on it', async (t) => {
  const scene = new Scene(t, BEFORE);
  await scene.keeper.start();
  scene.change('VI_1', 'initialize', 'backup');
  scene.addresses.told.length = 0;
  await scene.keeper.apply(planOf([{ kind: 'proxy' }, SCRIPT], [[0, 1], [], [0]]));
  assert.deepEqual(scene.addresses.told, [
    'apply VI_1 of 150, VI_2 of 150, VI_3 of 150: VI_1 0 up, VI_1 1 up, VI_3 0 up',
  ]);
  assert.equal(scene.runs.length, 1, 'a check that goes on is not begun anew');
  const [router] = scene.keeper.status().routers;
  assert.deepEqual(
    router.tracked.map(({ name, isUp }) => [name, isUp]),
    [
      ['watch 0', true],
      ['watch 1', true],
    ],
  );
  assert.deepEqual(
    router.changes.map(({ to }) => to),
    ['backup'],
    'what happened is remembered',
  );
});

test('a router that goes runs its last program when it has left, and may come back', async (t) => {
  const scene = new Scene(t, BEFORE);
  await scene.keeper.start();
  scene.change('VI_2', 'initialize', 'backup');
  scene.change('VI_2', 'backup', 'active');
  await scene.keeper.apply(planOf([SCRIPT], [[0]]));
  assert.deepEqual(await scene.keeper.handOver('VI_2', null, null), {
    kind: 'unknown',
    why: 'there is no virtual router VI_2',
  });
  await new Promise((resolve) => setImmediate(resolve));
  scene.change('VI_2', 'leaving', 'initialize');
  assert.equal(scene.runs.at(-1)?.command[0], '/on-stop');
  await scene.keeper.apply(BEFORE);
  assert.equal(scene.keeper.status().routers[1].name, 'VI_2');
});

test('another program is run from the next change of role on', async (t) => {
  const scene = new Scene(t, BEFORE);
  await scene.keeper.start();
  const [first, second] = BEFORE.routers;
  const notify = [notifyOf(['/other'], null)];
  await scene.keeper.apply({ ...BEFORE, routers: [{ ...first, notify }, second] });
  assert.equal(scene.runs.length, 1);
  scene.change('VI_1', 'backup', 'active');
  assert.equal(scene.runs.at(-1)?.command[0], '/other');
});

test('programs of several entries run beside each other; an entry more knows what was told', async (t) => {
  const scene = new Scene(t, BEFORE);
  const programs = (): string[] =>
    scene.runs.map(({ command }) => command[0]).filter((name) => !name.startsWith('/bin/'));
  await scene.keeper.start();
  scene.change('VI_1', 'backup', 'active');
  assert.deepEqual(programs(), ['/on-active']);
  const [first, second] = BEFORE.routers;
  const notify = [...first.notify, notifyOf(['/more'], ['/more-stop'])];
  await scene.keeper.apply({ ...BEFORE, routers: [{ ...first, notify }, second] });
  assert.deepEqual(programs(), ['/on-active']);
  scene.change('VI_1', 'active', 'initialize');
  assert.deepEqual(programs().slice(1).toSorted(), ['/more-stop', '/on-stop']);
});

test('a plan that the owner cannot take changes nothing', async (t) => {
  const scene = new Scene(t, BEFORE);
  await scene.keeper.start();
  scene.addresses.apply = () => {
    throw new Error('no room');
  };
  await assert.rejects(scene.keeper.apply(planOf([{ kind: 'proxy' }], [[0]])), /no room/);
  assert.deepEqual(
    scene.keeper.status().routers.map(({ name, tracked }) => [name, tracked.length]),
    [
      ['VI_1', 1],
      ['VI_2', 0],
    ],
  );
});

test('a FIFO is told every change at once, of the router and of its group, and is removed at the end', async (t) => {
  const plan = planOf([], [[], []]);
  const fifo = { path: '/run/roles', reader: ['/reader'] as const, user: null };
  const entry = { ...notifyOf(['/unused'], null), active: null, fifo };
  const group = { ...entry, told: { whose: 'GROUP', name: 'G', priority: 0 } as const };
  const [first, second] = plan.routers;
  const told = { ...entry, told: { ...entry.told!, name: 'VI_2' } };
  const routers = [
    { ...first, notify: [entry, group] },
    { ...second, notify: [told] },
  ];
  const scene = new Scene(t, { ...plan, routers });
  assert.deepEqual(scene.fifos, ['open /run/roles']);
  assert.deepEqual(scene.runs, []);
  await scene.keeper.start();
  assert.deepEqual(
    scene.runs.map(({ command }) => command),
    [['/reader', '/run/roles']],
  );
  scene.change('VI_1', 'initialize', 'backup');
  scene.change('VI_1', 'backup', 'claiming');
  scene.change('VI_1', 'claiming', 'active');
  scene.change('VI_2', 'initialize', 'fault');
  scene.change('VI_1', 'active', 'leaving');
  scene.change('VI_1', 'leaving', 'initialize');
  assert.deepEqual(scene.fifos.slice(1), [
    'INSTANCE "VI_1" BACKUP 150',
    'GROUP "G" BACKUP 0',
    'INSTANCE "VI_1" MASTER 150',
    'GROUP "G" MASTER 0',
    'INSTANCE "VI_2" FAULT 150',
    'INSTANCE "VI_1" STOP 150',
    'GROUP "G" STOP 0',
  ]);
  scene.keeper.kill();
  assert.equal(scene.fifos.at(-1), 'remove');
});
