import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CUT_MS_MAX, Fleet, type FleetAction, type FleetEvent, LOOK_INTERVAL_MS } from './fleet.ts';

/** Processes that do as they are told, unless a test says otherwise; and a clock. */
class Stage {
  readonly fleet: Fleet;
  now = 0;
  readonly said: string[] = [];
  /** By row: the worker, and the plans that were sent and are not answered yet. */
  readonly processes = new Map<number, { worker: number; unanswered: number[]; isDraining: boolean; beat: number }>();
  readonly frozen = new Set<number>();
  /** By process: what the rest of the keeper believes of it. */
  readonly acknowledged = new Map<object, number>();
  newest = -1;
  readonly events: FleetEvent[] = [];

  constructor(rows = 8) {
    this.fleet = new Fleet(rows);
  }

  /** Performs what the fleet asks for. */
  act(): this {
    for (const action of this.fleet.takeActions()) this.perform(action);
    return this;
  }

  private perform(action: FleetAction): void {
    if (action.kind === 'tell') {
      this.events.push(action.event);
      this.said.push(text(action.event));
      return;
    }
    const { row } = action;
    if (action.kind === 'spawn' || action.kind === 'apply') this.newest = Math.max(this.newest, action.generation);
    if (action.kind === 'spawn') {
      assert.ok(!this.processes.has(row), `row ${row} has a process`);
      const wanted = [...this.processes.values()].filter((one) => !one.isDraining && one.worker === action.worker);
      assert.equal(wanted.length, 0, `worker ${action.worker} has a process`);
      this.processes.set(row, { worker: action.worker, unanswered: [action.generation], isDraining: false, beat: 0 });
      this.said.push(`spawn ${row} as ${action.worker} with ${action.generation}`);
    } else if (action.kind === 'apply') {
      this.processes.get(row)?.unanswered.push(action.generation);
      this.said.push(`apply ${action.generation} to ${row}`);
    } else if (action.kind === 'drain') {
      const process = this.processes.get(row);
      if (process !== undefined) process.isDraining = true;
      this.said.push(`drain ${row}`);
    } else if (action.kind === 'kill') {
      const process = this.processes.get(row);
      if (process !== undefined) process.isDraining = true;
      this.said.push(`kill ${row}`);
    } else if (action.kind === 'acknowledge') {
      const before = this.acknowledged.get(this.processes.get(row)!) ?? -1;
      assert.ok(action.generation > before && action.generation <= this.newest, `${before}, then ${action.generation}`);
      this.acknowledged.set(this.processes.get(row)!, action.generation);
    }
  }

  /** All processes answer what they were sent. */
  answer(): this {
    for (const [row, process] of this.processes) {
      if (this.frozen.has(row)) continue;
      for (const generation of process.unanswered.splice(0)) this.fleet.handleApplied(this.now, row, generation);
    }
    return this.act();
  }

  /** One answer, whether asked for or not. */
  say(row: number, word: 'applied' | 'refused', generation: number, reason = 'no'): this {
    const unanswered = this.processes.get(row)?.unanswered ?? [];
    if (unanswered.includes(generation)) unanswered.splice(unanswered.indexOf(generation), 1);
    if (word === 'applied') this.fleet.handleApplied(this.now, row, generation);
    else this.fleet.handleRefused(this.now, row, generation, reason);
    return this.act();
  }

  exit(row: number, reason = 'exit code 1'): this {
    this.processes.delete(row);
    this.frozen.delete(row);
    this.fleet.handleExit(this.now, row, reason);
    return this.act();
  }

  pass(ms: number): this {
    const until = this.now + ms;
    while (this.now < until) {
      this.now += Math.min(LOOK_INTERVAL_MS, until - this.now);
      for (const [row, process] of this.processes) if (!this.frozen.has(row)) process.beat++;
      this.fleet.handleLook(this.now, (row) => this.processes.get(row)?.beat ?? 0);
      this.act();
    }
    return this;
  }

  /** What was done and said since the last call. */
  heard(): string[] {
    return this.said.splice(0);
  }
}

function text(event: FleetEvent): string {
  return Object.values(event).join(' ');
}

function serving(workers: number): Stage {
  const stage = new Stage();
  stage.fleet.handlePlan(0, 1, workers, 1_000);
  stage.act().answer();
  stage.heard();
  return stage;
}

test('the start is the first plan: every worker gets a process, and all have it when all have answered', () => {
  const stage = new Stage();
  stage.fleet.handlePlan(0, 1, 2, 1_000);
  assert.deepEqual(stage.act().heard(), ['spawn 0 as 0 with 1', 'spawn 1 as 1 with 1']);
  assert.deepEqual(stage.answer().heard(), ['started', 'applied 1']);
});

test('time that passes before the first plan is no start', () => {
  const stage = new Stage();
  stage.pass(1_000);
  stage.fleet.handlePlan(stage.now, 1, 1, 1_000);
  assert.deepEqual(stage.act().answer().heard(), ['spawn 0 as 0 with 1', 'started', 'applied 1']);
});

test('a new plan goes to those that live, and is applied when all of them have answered', () => {
  const stage = serving(2);
  stage.fleet.handlePlan(0, 2, 2, 1_000);
  assert.deepEqual(stage.act().heard(), ['apply 2 to 0', 'apply 2 to 1']);
  stage.say(0, 'applied', 2);
  assert.deepEqual(stage.act().heard(), []);
  stage.say(1, 'applied', 2);
  assert.deepEqual(stage.act().heard(), ['applied 2']);
});

test('who dies between two plans begins with the newer one, and holds nobody up', () => {
  const stage = serving(2);
  stage.fleet.handlePlan(0, 2, 2, 1_000);
  stage.act();
  stage.say(0, 'applied', 2);
  stage.exit(1, 'killed by SIGKILL');
  assert.deepEqual(stage.heard().slice(2), ['ended 1 killed by SIGKILL 0', 'spawn 1 as 1 with 2', 'applied 2']);
});

test('a process that cannot apply a plan finishes what it has while another one takes its place', () => {
  const stage = serving(1);
  stage.fleet.handlePlan(0, 2, 1, 1_000);
  stage.act().heard();
  stage.say(0, 'refused', 2, 'out of descriptors');
  assert.deepEqual(stage.act().heard(), [
    'drain 0',
    'replaced 0 out of descriptors',
    'spawn 1 as 0 with 2',
    'applied 2',
  ]);
  assert.deepEqual(stage.answer().heard(), ['serving 0 0']);
  assert.deepEqual(stage.exit(0, 'exit code 0').heard(), []);
});

test('a plan that none can apply: who serves goes on by the one before, and takes the next one', () => {
  const stage = serving(2);
  stage.fleet.handlePlan(0, 2, 2, 1_000);
  stage.act().heard();
  stage.say(0, 'applied', 2);
  stage.fleet.handlePlanRefused(1, 2, 'no such cipher');
  assert.deepEqual(stage.act().heard(), ['refused 2 no such cipher']);
  stage.processes.get(1)!.unanswered.length = 0;
  stage.pass(20_000);
  assert.deepEqual(stage.heard(), []);
  stage.fleet.handlePlan(stage.now, 3, 2, 1_000);
  assert.deepEqual(stage.act().answer().heard(), ['apply 3 to 0', 'apply 3 to 1', 'applied 3']);
});

test('a process that starts with a plan that none can apply is ended, and another one starts later', () => {
  const stage = serving(1);
  stage.exit(0).heard();
  stage.fleet.handlePlanRefused(0, 1, 'no such cipher');
  assert.deepEqual(stage.act().heard(), ['refused 1 no such cipher', 'kill 0']);
  assert.deepEqual(stage.exit(0, 'killed by SIGKILL').heard(), ['ended 0 killed by SIGKILL 100']);
});

test('if the first plan is one that none can apply, the start has failed', () => {
  const stage = new Stage();
  stage.fleet.handlePlan(0, 1, 2, 1_000);
  stage.act().heard();
  stage.fleet.handlePlanRefused(1, 1, 'no such cipher');
  assert.deepEqual(stage.act().heard(), ['start-failed no such cipher', 'kill 0', 'kill 1']);
});

test('a process that lives but does not answer a plan is replaced too', () => {
  const stage = serving(1);
  stage.fleet.handlePlan(0, 2, 1, 1_000);
  stage.act().heard();
  stage.pass(10_000);
  assert.deepEqual(stage.heard(), ['drain 0', 'replaced 0 no answer for 10 s', 'spawn 1 as 0 with 2', 'applied 2']);
});

test('fewer workers: the last ones finish; more: new ones start', () => {
  const stage = serving(2);
  stage.fleet.handlePlan(0, 2, 1, 1_000);
  assert.deepEqual(stage.act().heard(), ['apply 2 to 0', 'drain 1']);
  stage.answer().exit(1, 'exit code 0');
  assert.deepEqual(stage.heard(), ['applied 2']);
  stage.fleet.handlePlan(0, 3, 2, 1_000);
  assert.deepEqual(stage.act().heard(), ['apply 3 to 0', 'spawn 1 as 1 with 3']);
});

test('who finishes for too long is ended', () => {
  const stage = serving(2);
  stage.fleet.handlePlan(0, 2, 1, 1_000);
  stage.act().answer().heard();
  stage.pass(1_000);
  assert.deepEqual(stage.heard(), []);
  stage.pass(CUT_MS_MAX);
  assert.deepEqual(stage.heard(), ['overdue 1', 'kill 1']);
});

test('who ends what is left when its time to finish is over is told of once, and ended if it does not end', () => {
  const stage = serving(2);
  stage.fleet.handleCut(0);
  stage.fleet.handleStop(0, 500);
  stage.act().heard();
  stage.fleet.handleCut(0);
  stage.fleet.handleCut(0);
  stage.fleet.handleCut(1);
  assert.deepEqual(stage.act().heard(), ['overdue 0', 'overdue 1']);
  stage.exit(0, 'exit code 0');
  stage.pass(500 + CUT_MS_MAX);
  assert.deepEqual(stage.heard(), ['kill 1']);
  assert.deepEqual(stage.exit(1, 'killed by SIGKILL').heard(), ['over 2']);
});

test('a process that ends is started again: at once, then later each time', () => {
  const stage = serving(1);
  stage.exit(0).answer();
  assert.deepEqual(stage.heard(), ['ended 0 exit code 1 0', 'spawn 0 as 0 with 1', 'serving 0 0']);
  stage.exit(0);
  assert.deepEqual(stage.heard(), ['ended 0 exit code 1 100']);
  assert.equal(stage.fleet.nextStart(), stage.now + 100);
  stage.pass(100);
  assert.deepEqual(stage.heard(), ['spawn 0 as 0 with 1']);
});

test('a process whose heartbeat stands still is ended, and its end starts another one', () => {
  const stage = serving(1);
  stage.frozen.add(0);
  stage.pass(3_500);
  assert.deepEqual(stage.heard(), ['silent 0 3000', 'kill 0']);
  stage.exit(0, 'killed by SIGKILL');
  assert.deepEqual(stage.heard(), ['ended 0 killed by SIGKILL 0', 'spawn 0 as 0 with 1']);
});

test('if no process ever served and one failed three times, the start has failed', () => {
  const stage = new Stage();
  stage.fleet.handlePlan(0, 1, 2, 1_000);
  stage.act();
  for (let i = 0; i < 3; i++) {
    stage.pass(100).heard();
    stage.exit(0);
  }
  assert.deepEqual(stage.heard(), ['start-failed proxy 0 ended 3 times at its start: exit code 1', 'kill 1']);
  assert.deepEqual(stage.exit(1, 'killed by SIGKILL').heard(), ['over 1']);
});

for (const generation of [0, 1, 3, Number.MAX_SAFE_INTEGER]) {
  for (const word of ['applied', 'refused'] as const) {
    test(`a process that says \`${word} ${generation}\`, and was not asked, is ended and not believed`, () => {
      const stage = serving(2);
      stage.fleet.handlePlan(0, 2, 2, 1_000);
      stage.act().heard();
      stage.say(0, word, generation);
      assert.deepEqual(stage.heard(), ['invalid 0 answered a plan that it was not asked about', 'kill 0']);
      // What else it says is no news.
      stage.say(0, word, generation).say(0, 'applied', 2);
      stage.fleet.handleInvalid(0, 'sent an invalid control message');
      assert.deepEqual(stage.act().heard(), []);
      stage.exit(0, 'killed by SIGKILL').answer();
      assert.deepEqual(stage.heard(), [
        'ended 0 killed by SIGKILL 0',
        'spawn 0 as 0 with 2',
        'applied 2',
        'serving 0 0',
      ]);
    });
  }
}

test('two plans may be under way to a process: it answers both, or the newer one alone', () => {
  const stage = serving(2);
  stage.fleet.handlePlan(0, 2, 2, 1_000);
  stage.fleet.handlePlan(0, 3, 2, 1_000);
  stage.act().heard();
  stage.say(0, 'applied', 2).say(0, 'applied', 3).say(1, 'applied', 3);
  assert.deepEqual(stage.heard(), ['applied 3']);
  stage.say(1, 'applied', 2);
  assert.deepEqual(stage.heard(), ['invalid 1 answered a plan that it was not asked about', 'kill 1']);
});

test('stopping: all finish, within the grace; nothing starts any more', () => {
  const stage = serving(2);
  stage.fleet.handleStop(0, 500);
  assert.deepEqual(stage.act().heard(), ['drain 0', 'drain 1']);
  assert.deepEqual(stage.exit(0, 'exit code 0').heard(), []);
  stage.pass(500 + CUT_MS_MAX);
  assert.deepEqual(stage.heard(), ['overdue 1', 'kill 1']);
  assert.deepEqual(stage.exit(1, 'killed by SIGKILL').heard(), ['over 1']);
  stage.fleet.handlePlan(1_000, 9, 2, 1_000);
  assert.deepEqual(stage.act().heard(), []);
});

test('where every row is taken by who finishes, the end of one of them makes room', () => {
  const stage = new Stage(1);
  stage.fleet.handlePlan(0, 1, 1, 1_000);
  stage.act().answer();
  stage.fleet.handlePlan(0, 2, 1, 1_000);
  stage.act().heard();
  stage.say(0, 'refused', 2, 'no');
  assert.deepEqual(stage.act().heard(), ['drain 0', 'replaced 0 no', 'applied 2']);
  assert.deepEqual(stage.exit(0, 'exit code 0').heard(), ['spawn 0 as 0 with 2']);
});

/** Whatever happened before: when processes behave again, every worker serves by the newest plan, and that was said. */
test('it always comes to rest with every worker serving by the newest plan, or with nothing after a stop', () => {
  const happening = fc.oneof(
    fc.record({ what: fc.constant('plan' as const), workers: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ what: fc.constantFrom('exit', 'refuse', 'answer', 'freeze', 'thaw'), row: fc.nat(7) }),
    fc.record({
      what: fc.constant('lie' as const),
      row: fc.nat(7),
      word: fc.constantFrom('applied' as const, 'refused' as const),
      generation: fc.oneof(fc.nat(6), fc.constant(Number.MAX_SAFE_INTEGER)),
    }),
    fc.record({ what: fc.constant('pass' as const), ms: fc.constantFrom(10, 250, 3_500, 11_000) }),
  );
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 40 }), fc.boolean(), (happenings, isStopped) => {
      const stage = serving(2);
      let generation = 1;
      let workers = 2;
      for (const one of happenings) {
        if (one.what === 'plan') {
          ({ workers } = one);
          stage.fleet.handlePlan(stage.now, ++generation, workers, 1_000);
        } else if (one.what === 'pass') {
          stage.pass(one.ms);
        } else {
          const process = stage.processes.get(one.row);
          if (process === undefined) continue;
          if (one.what === 'exit') stage.exit(one.row);
          if (one.what === 'freeze') stage.frozen.add(one.row);
          if (one.what === 'thaw') stage.frozen.delete(one.row);
          if (one.what === 'answer') stage.answer();
          if (one.what === 'refuse') stage.say(one.row, 'refused', process.unanswered.at(-1) ?? 0);
          if (one.what === 'lie') stage.say(one.row, one.word, one.generation);
        }
        stage.act();
      }
      stage.frozen.clear();
      if (isStopped) stage.fleet.handleStop(stage.now, 1_000);
      stage.act();
      for (let i = 0; i < 40; i++) {
        stage.pass(250).answer();
        for (const [row, process] of stage.processes) if (process.isDraining) stage.exit(row, 'exit code 0');
      }
      const left = [...stage.processes.values()].map(({ worker }) => worker).sort((a, b) => a - b);
      assert.deepEqual(left, isStopped ? [] : Array.from({ length: workers }, (_, i) => i));
      const overs = stage.events.filter(({ kind }) => kind === 'over').length;
      assert.equal(overs, isStopped ? 1 : 0);
      if (!isStopped) {
        const applied = stage.events.findLast((event) => event.kind === 'applied');
        assert.ok(applied?.kind === 'applied' && applied.generation === generation);
      }
    }),
    { numRuns: 300 },
  );
});
