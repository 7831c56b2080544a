import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Prng } from '../../base/prng.ts';
import { LOOK_INTERVAL_MS, type OwnedRouter, Succession, type SuccessionAction } from './succession.ts';

const MS = 1_000;
const S = 1_000_000;
const ROUTERS: readonly OwnedRouter[] = [
  { name: 'VI_1', slot: 0, intervalUs: S },
  { name: 'VI_2', slot: 1, intervalUs: 100 * MS },
];

/** The keeper and its machine by hand: the processes do what a test has them do, and their words arrive when it says so. */
class Stage {
  nowUs = 1_000 * S;
  readonly said: string[] = [];
  readonly adverts = new Map<number, number>();
  heartbeat = 0;
  readonly succession: Succession;

  /** `hasPredecessor`: of another keeper, which holds what `adverts` say. */
  constructor(routers: readonly OwnedRouter[] = ROUTERS, hasPredecessor = false) {
    const { adverts } = this;
    // oxlint-disable-next-line typescript/no-this-alias -- what the getter reads
    const stage = this;
    this.succession = new Succession({
      get heartbeat() {
        return stage.heartbeat;
      },
      lastAdvertUs: (slot) => adverts.get(slot) ?? null,
    });
    if (hasPredecessor) this.succession.handlePredecessor(this.nowUs);
    this.succession.handlePlan(this.nowUs, 1, routers);
    this.act();
  }

  /** What another keeper has to do with it. */
  with(handle: (succession: Succession, nowUs: number) => void): this {
    handle(this.succession, this.nowUs);
    this.act();
    return this;
  }

  act(): void {
    for (const action of this.succession.takeActions()) this.said.push(this.perform(action));
  }

  private perform(action: SuccessionAction): string {
    switch (action.kind) {
      case 'spawn':
        return `spawn ${action.id}${action.watched === null ? '' : ` beside ${action.watched}`}`;
      case 'give-up':
        for (const { slot } of action.routers) this.adverts.delete(slot);
        return `give up ${action.routers.map(({ name }) => name).join()}`;
      case 'clean-up':
        return `clean up${action.killed === null ? '' : ` ${action.killed}`}`;
      case 'tell':
        return Object.values(action.event).join(' ');
      case 'apply':
      case 'begin':
      case 'kill':
      case 'stop':
      case 'watch':
      case 'yield':
        return `${action.kind} ${action.id}`;
    }
  }

  ready(id: number, generation = 1): this {
    this.succession.handleReady(this.nowUs, id, generation);
    this.act();
    return this;
  }

  started(id: number): this {
    this.succession.handleStarted(this.nowUs, id);
    this.act();
    return this;
  }

  exit(id: number, hasStopped = false): this {
    this.succession.handleExit(this.nowUs, id, 'killed', hasStopped);
    this.act();
    return this;
  }

  holds(slot: number): this {
    this.adverts.set(slot, this.nowUs);
    return this;
  }

  /** `beats`: the process that takes part turns meanwhile. */
  pass(us: number, beats = true): this {
    const untilUs = this.nowUs + us;
    while (this.nowUs < untilUs) {
      this.nowUs = Math.min(untilUs, this.nowUs + LOOK_INTERVAL_MS * MS);
      if (beats) this.heartbeat++;
      if (this.nowUs >= this.succession.deadlineUs) this.succession.handleTime(this.nowUs);
      this.succession.handleLook(this.nowUs);
      this.act();
    }
    return this;
  }

  heard(): string[] {
    return this.said.splice(0);
  }
}

/** Of a pair, one has ended for the process of another keeper. */
function alone(): Stage {
  return pair()
    .holds(1)
    .with((succession) => succession.handleAlone())
    .exit(2);
}

/** One takes part, and has run for long; another one stands by. */
function pair(): Stage {
  const stage = new Stage();
  stage
    .ready(1)
    .started(1)
    .pass(20 * S)
    .ready(2);
  stage.heard();
  return stage;
}

test('the first process begins when it is ready; when it takes part another one is started to stand by', () => {
  const stage = new Stage();
  assert.deepEqual(stage.heard(), ['spawn 1']);
  assert.deepEqual(stage.ready(1).heard(), ['begin 1']);
  assert.deepEqual(stage.started(1).heard(), ['started 1 0 0', 'applied 1']);
  assert.deepEqual(stage.pass(100 * MS).heard(), ['spawn 2 beside 1']);
  assert.deepEqual(
    stage
      .ready(2)
      .pass(60 * S)
      .heard(),
    [],
    'it says nothing by itself',
  );
  assert.ok(stage.succession.hasStandby);
});

test('one that ends three times at the start will not', () => {
  const stage = new Stage();
  for (const id of [1, 2, 3]) stage.exit(id).pass(S);
  const said = stage.heard();
  assert.equal(said.at(-1), 'start-failed the vip process ended 3 times at its start: killed');
  assert.deepEqual(stage.pass(60 * S).heard(), []);
});

test('the end is heard first: the one that stands by takes its place, and nothing is given up', () => {
  const stage = pair().holds(0).holds(1).exit(1);
  assert.deepEqual(stage.heard(), ['ended 1 killed standby', 'begin 2']);
  assert.deepEqual(
    stage
      .pass(50 * MS)
      .started(2)
      .heard(),
    ['started 2 1 50'],
  );
  assert.equal(stage.pass(S).heard()[0], 'spawn 3 beside 2');
});

test("the successor's word is heard first: the end follows, and no second one is asked to begin", () => {
  const stage = pair().holds(0);
  stage.succession.handleSpoke(stage.nowUs, 2);
  stage.act();
  assert.deepEqual(stage.started(2).heard(), ['begin 2', 'started 2 1 0']);
  assert.deepEqual(stage.exit(1).heard(), ['succeeded 1 killed']);
  assert.deepEqual(stage.pass(100 * MS).heard(), ['spawn 3 beside 2']);
});

test('with nobody left, each router is given up before its peers lose patience, if no process can be there in time', () => {
  const stage = pair().exit(2);
  stage.holds(0).holds(1).exit(1);
  assert.deepEqual(stage.heard(), ['standby-ended 2 killed', 'ended 1 killed 0']);
  // Adverts each 100 ms: patience ends after 0.3 s, a start takes 0.1 s at least. Of 3 s there is time left.
  assert.deepEqual(stage.pass(300 * MS).heard(), ['spawn 3', 'give up VI_2']);
  assert.deepEqual(stage.pass(2 * S).heard(), []);
  assert.deepEqual(stage.pass(S).heard(), ['give up VI_1']);
});

test('one that should have gone on and did not may do so any moment: it is killed before anything is given up', () => {
  const stage = pair().holds(1).exit(1);
  stage.heard();
  assert.deepEqual(stage.pass(300 * MS).heard(), ['kill 2']);
  assert.deepEqual(stage.exit(2).heard(), ['ended 2 killed 0', 'give up VI_2']);
});

test('one that hangs, that does not get ready, or that does not apply a plan, is killed', () => {
  const hung = pair().pass(500 * MS, false);
  assert.deepEqual(hung.pass(600 * MS, false).heard(), ['silent 1 500', 'kill 1']);

  const slow = new Stage().ready(1).started(1);
  assert.equal(
    slow
      .pass(21 * S)
      .heard()
      .at(-1),
    'kill 2',
  );

  const deaf = pair();
  deaf.succession.handlePlan(deaf.nowUs, 2, ROUTERS);
  assert.deepEqual(deaf.pass(11 * S).heard(), ['apply 1', 'apply 2', 'silent 1 10100', 'kill 1']);
});

test('an upgrade: only the one that takes part is left, it yields, and nothing is given up', () => {
  const stage = pair().holds(0).holds(1);
  stage.with((succession) => succession.handleAlone());
  assert.deepEqual(stage.heard(), ['kill 2']);
  assert.deepEqual(stage.exit(2).heard(), ['alone']);
  assert.deepEqual(stage.with((succession, nowUs) => succession.handleYield(nowUs)).heard(), ['yield 1']);
  assert.deepEqual(
    stage
      .exit(1)
      .pass(60 * S)
      .heard(),
    ['over'],
  );
});

test('an upgrade: one that does not yield in time is killed', () => {
  const stage = pair()
    .holds(0)
    .with((succession) => succession.handleAlone())
    .exit(2)
    .with((succession, nowUs) => succession.handleYield(nowUs));
  stage.heard();
  assert.deepEqual(stage.pass(10 * S).heard(), ['kill 1']);
  assert.deepEqual(stage.exit(1).heard(), ['over']);
});

test('an upgrade that fails after all: another one stands by again, or takes part if the one that did is gone', () => {
  const stage = alone();
  stage.heard();
  stage.with((succession, nowUs) => succession.handleTogether(nowUs));
  assert.deepEqual(stage.pass(100 * MS).heard(), ['spawn 3 beside 1']);

  const bereft = alone().exit(1);
  bereft.heard();
  assert.deepEqual(bereft.pass(S).heard(), [], 'it may have been gone on with: nothing is given up');
  bereft.with((succession, nowUs) => succession.handleTogether(nowUs));
  assert.deepEqual(bereft.pass(100 * MS).heard(), ['give up VI_2', 'spawn 3']);
});

test('an upgrade while one that stood by goes on: it is killed, and the other keeper hears of both', () => {
  const stage = pair().holds(0);
  stage.with((succession, nowUs) => succession.handleSpoke(nowUs, 2));
  stage.heard();
  stage.with((succession) => succession.handleAlone());
  assert.deepEqual(stage.heard(), ['kill 1', 'kill 2']);
  assert.deepEqual(stage.exit(2).exit(1).heard(), ['alone']);
  assert.deepEqual(stage.with((succession, nowUs) => succession.handleYield(nowUs)).heard(), ['over']);
});

test('a successor: its process stands by for the predecessor, and goes on by itself only when it is told to', () => {
  const stage = new Stage(ROUTERS, true).holds(0);
  assert.deepEqual(stage.heard(), ['spawn 1 beside 0']);
  assert.deepEqual(stage.ready(1).heard(), ['prepared']);
  assert.deepEqual(stage.pass(60 * S, false).heard(), [], 'its heartbeat is not our affair');
  assert.deepEqual(stage.with((succession) => succession.handleWatch()).heard(), ['watch 1']);
  assert.deepEqual(stage.with((succession) => succession.handleWatching(1)).heard(), ['watching']);
  assert.deepEqual(stage.started(1).heard(), ['begin 1', 'started 1 0 0', 'applied 1']);
  assert.deepEqual(stage.pass(S).heard(), [], 'not before the predecessor is gone');
  stage.with((succession, nowUs) => succession.handlePredecessorGone(nowUs));
  assert.deepEqual(stage.pass(100 * MS).heard(), ['spawn 2 beside 1']);
});

test('a successor hears that the predecessor is gone before its own process has said a word', () => {
  const stage = new Stage(ROUTERS, true).holds(0).ready(1);
  stage.with((succession) => succession.handleWatch());
  stage.heard();
  stage.with((succession, nowUs) => succession.handlePredecessorGone(nowUs));
  assert.deepEqual(stage.heard(), ['begin 1']);
  assert.deepEqual(stage.started(1).heard(), ['started 1 0 0', 'applied 1']);
  assert.deepEqual(stage.pass(100 * MS).heard(), ['spawn 2 beside 1']);
});

test("a successor's process dies first: another one stands by, and is told at once", () => {
  const stage = new Stage(ROUTERS, true).holds(0).ready(1);
  stage.with((succession) => succession.handleWatch()).exit(1);
  stage.heard();
  assert.deepEqual(stage.pass(100 * MS).heard(), ['spawn 2 beside 0']);
  assert.deepEqual(stage.ready(2).heard(), ['prepared', 'watch 2']);
});

test('a successor whose processes die when the predecessor is gone gives up what it held, before the peers lose patience', () => {
  const stage = new Stage(ROUTERS, true).holds(0).holds(1).ready(1);
  stage.with((succession) => succession.handleWatch()).exit(1);
  stage.heard();
  stage.with((succession, nowUs) => succession.handlePredecessorGone(nowUs));
  assert.deepEqual(stage.pass(300 * MS).heard(), ['spawn 2', 'give up VI_2']);
});

test('a successor that ends before the predecessor has yielded leaves it what it has', () => {
  for (const end of ['stop', 'kill'] as const) {
    const stage = new Stage(ROUTERS, true).holds(0).ready(1);
    stage.heard();
    stage.with((succession, nowUs) => (end === 'stop' ? succession.handleStop(nowUs) : succession.handleKill()));
    assert.deepEqual(stage.heard(), ['kill 1', 'over']);
  }
});

test('a plan goes to both, and is applied when the one that takes part has said so', () => {
  const stage = pair();
  stage.succession.handlePlan(stage.nowUs, 2, ROUTERS);
  stage.act();
  assert.deepEqual(stage.heard(), ['apply 1', 'apply 2']);
  stage.succession.handleApplied(2, 2);
  stage.act();
  assert.deepEqual(stage.heard(), []);
  stage.succession.handleApplied(1, 2);
  stage.act();
  assert.deepEqual(stage.heard(), ['applied 2']);
});

test('who took part dies before it has applied a plan: it is applied when the successor goes by it', () => {
  const stage = pair();
  stage.succession.handlePlan(stage.nowUs, 2, ROUTERS.slice(0, 1));
  stage.act();
  stage.holds(0).exit(1).started(2);
  assert.deepEqual(stage.heard().slice(-2), ['begin 2', 'started 2 1 0']);
  stage.succession.handleApplied(2, 2);
  stage.act();
  assert.deepEqual(stage.heard(), ['applied 2']);
});

test('with nobody left, a plan is waited for by nobody: the next process goes by it', () => {
  const stage = pair().exit(2);
  stage.succession.handlePlan(stage.nowUs, 2, ROUTERS);
  stage.act();
  stage.heard();
  assert.deepEqual(stage.exit(1).heard(), ['ended 1 killed 0', 'applied 2']);
  stage.succession.handlePlan(stage.nowUs, 3, ROUTERS);
  stage.act();
  assert.deepEqual(stage.heard(), ['applied 3']);
});

test('with nobody left during a change, a router that the new plan has no more is given up too', () => {
  const stage = pair().exit(2).holds(0).holds(1);
  stage.succession.handlePlan(stage.nowUs, 2, ROUTERS.slice(0, 1));
  stage.act();
  stage.exit(1).pass(4 * S);
  assert.deepEqual(
    stage.heard().filter((line) => line.startsWith('give up')),
    ['give up VI_2', 'give up VI_1'],
  );
});

test('the end: the one that stands by first, or it would go on; the other one hands over, or is killed', () => {
  const stage = pair().holds(0);
  stage.succession.handleStop(stage.nowUs);
  stage.act();
  assert.deepEqual(stage.heard(), ['kill 2', 'stop 1']);
  assert.deepEqual(stage.exit(2).heard(), []);
  stage.adverts.clear();
  assert.deepEqual(stage.exit(1, true).heard(), ['over']);

  const hanging = pair().holds(0);
  hanging.succession.handleStop(hanging.nowUs);
  hanging.pass(6 * S);
  assert.deepEqual(hanging.heard(), ['kill 2', 'stop 1', 'kill 1']);
  assert.deepEqual(hanging.exit(1).heard(), ['give up VI_1', 'clean up', 'over']);

  const killed = pair().holds(0);
  killed.succession.handleKill();
  killed.act();
  assert.deepEqual(killed.heard(), ['kill 2', 'kill 1', 'give up VI_1', 'clean up 1', 'over']);
  assert.deepEqual(killed.exit(1).exit(2).heard(), []);
});

// --- a world in which processes, and the keeper's ears, are as slow as chance has it ---

type Deed = 'kill-owner' | 'kill-standby' | 'freeze-owner' | 'plan' | 'busy-keeper';

/** Where a process really is, whatever the keeper knows of it. */
interface Process {
  readonly id: number;
  readonly watched: number | null;
  isReady: boolean;
  speaks: boolean;
  isFrozen: boolean;
  isGone: boolean;
  /** What it said and the keeper has not read. */
  readonly words: (() => void)[];
}

class World {
  nowUs = 0;
  readonly processes: Process[] = [];
  readonly random: Prng;
  readonly succession: Succession;
  readonly faults: string[] = [];
  generation = 1;
  private heartbeat = 0;
  private advertUs: number | null = null;
  private busyUntilUs = 0;

  constructor(seed: number) {
    this.random = new Prng(seed);
    // oxlint-disable-next-line typescript/no-this-alias -- what the getter reads
    const world = this;
    this.succession = new Succession({
      get heartbeat() {
        return world.heartbeat;
      },
      lastAdvertUs: () => world.advertUs,
    });
    this.succession.handlePlan(0, 1, this.routers);
    this.act();
  }

  private get routers(): readonly OwnedRouter[] {
    return [{ name: 'VI_1', slot: 0, intervalUs: 300 * MS }];
  }

  get alive(): readonly Process[] {
    return this.processes.filter(({ isGone }) => !isGone);
  }

  do(deed: Deed): void {
    const speaking = this.alive.find(({ speaks }) => speaks);
    const waiting = this.alive.find(({ speaks }) => !speaks);
    if (deed === 'kill-owner' && speaking !== undefined) this.end(speaking);
    else if (deed === 'kill-standby' && waiting !== undefined) this.end(waiting);
    else if (deed === 'freeze-owner' && speaking !== undefined) speaking.isFrozen = true;
    else if (deed === 'busy-keeper') this.busyUntilUs = this.nowUs + this.random.below(800) * MS;
    else if (deed === 'plan') {
      this.succession.handlePlan(this.nowUs, ++this.generation, this.routers);
      this.act();
    }
  }

  pass(us: number): void {
    for (const untilUs = this.nowUs + us; this.nowUs < untilUs;) {
      this.nowUs += 10 * MS;
      for (const process of this.alive) this.turn(process);
      if (this.alive.filter(({ speaks }) => speaks).length > 1) this.faults.push('two speak');
      if (this.nowUs < this.busyUntilUs) continue;
      // Of several processes that have said something, chance decides whom the keeper hears first.
      for (const process of this.random.oneIn(2) ? this.processes : this.processes.toReversed()) {
        for (const word of process.words.splice(0)) word();
      }
      this.act();
      if (this.nowUs >= this.succession.deadlineUs) this.succession.handleTime(this.nowUs);
      this.act();
      if (this.nowUs % (LOOK_INTERVAL_MS * MS) === 0) this.succession.handleLook(this.nowUs);
      this.act();
    }
  }

  private turn(process: Process): void {
    if (process.isFrozen) return;
    const watched = this.processes.find(({ id }) => id === process.watched);
    if (!process.isReady && this.random.oneIn(20)) {
      process.isReady = true;
      process.words.push(() => this.succession.handleReady(this.nowUs, process.id, this.generation));
    }
    if (process.isReady && watched?.isGone === true && !process.speaks) this.begin(process);
    if (!process.speaks) return;
    this.advertUs = this.nowUs;
    this.heartbeat++;
  }

  private begin(process: Process): void {
    if (process.speaks || process.isFrozen || process.isGone) return;
    process.speaks = true;
    process.words.push(() => this.succession.handleSpoke(this.nowUs, process.id));
    process.words.push(() => this.succession.handleStarted(this.nowUs, process.id));
  }

  private end(process: Process): void {
    if (process.isGone) return;
    process.isGone = true;
    process.speaks = false;
    process.words.push(() => this.succession.handleExit(this.nowUs, process.id, 'killed', false));
  }

  private act(): void {
    for (const action of this.succession.takeActions()) {
      const process = 'id' in action ? this.processes.find(({ id }) => id === action.id) : undefined;
      if (action.kind === 'spawn') {
        const { id, watched } = action;
        const one = { id, watched, isReady: false, speaks: false, isFrozen: false, isGone: false, words: [] };
        this.processes.push(one);
        if (this.alive.length > 2) this.faults.push('three processes');
      } else if (action.kind === 'begin') {
        if (process !== undefined) this.begin(process);
      } else if (action.kind === 'apply') {
        const { generation } = this;
        process?.words.push(() => this.succession.handleApplied(process.id, generation));
      } else if (action.kind === 'kill') {
        if (process !== undefined) this.end(process);
      } else if (action.kind === 'give-up') {
        if (this.alive.some(({ speaks }) => speaks)) this.faults.push('given up while one speaks');
        this.advertUs = null;
      }
    }
  }
}

test('whatever dies, hangs or is late: never do two speak, nothing is given up that somebody has, and one speaks again', () => {
  const deed = fc.tuple(
    fc.constantFrom<Deed>('kill-owner', 'kill-standby', 'freeze-owner', 'plan', 'busy-keeper'),
    fc.integer({ min: 1, max: 300 }),
  );
  fc.assert(
    fc.property(fc.integer(), fc.array(deed, { maxLength: 12 }), (seed, deeds) => {
      const world = new World(seed);
      world.pass(3 * S);
      for (const [what, centiseconds] of deeds) {
        world.do(what);
        world.pass(centiseconds * 10 * MS);
      }
      // The longest delay of a restart, and several starts.
      world.pass(15 * S);
      assert.deepEqual(world.faults, []);
      assert.equal(world.alive.filter(({ speaks }) => speaks).length, 1);
      assert.ok(world.succession.hasStandby);
      assert.equal(world.succession.problem, null);
    }),
    { numRuns: 40 },
  );
});
