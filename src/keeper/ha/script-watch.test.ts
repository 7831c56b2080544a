import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, test, type TestContext } from 'node:test';
import type { ScriptPlan } from '../../config/plan/ha.ts';
import { type CommandRequest, type CommandResult, runCommand } from './command.ts';
import { ScriptWatch } from './script-watch.ts';
import { testLog } from './testing/test-log.ts';

const PLAN: ScriptPlan = {
  kind: 'script',
  name: null,
  run: ['/bin/check', '-x'],
  recover: null,
  recoverTimeoutMs: 10_000,
  intervalMs: 1_000,
  timeoutMs: 500,
  rise: 1,
  fall: 2,
  user: null,
};

const PASSED: CommandResult = { isPassed: true, reason: 'exit code 0', output: '' };
const FAILED: CommandResult = { isPassed: false, reason: 'exit code 1', output: 'first\nit is ill' };

interface Run {
  readonly request: CommandRequest;
  readonly atMs: number;
  readonly finish: (result: CommandResult) => void;
  /** When it ended late: the process is gone now. */
  readonly vanish: () => void;
  isEnded: boolean;
  isGone: boolean;
}

class Scene {
  readonly log = testLog();
  readonly runs: Run[] = [];
  readonly verdicts: boolean[] = [];
  readonly watch: ScriptWatch;
  nowMs = 0;

  constructor(t: TestContext, plan: Partial<ScriptPlan> = {}, user: string | null = null) {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.after(() => mock.timers.reset());
    this.watch = new ScriptWatch({
      plan: { ...PLAN, ...plan },
      name: 'script check',
      user,
      run: (request) => {
        let finish!: (result: CommandResult) => void;
        let vanish!: () => void;
        const result = new Promise<CommandResult>((resolve) => (finish = resolve));
        const gone = new Promise<void>((resolve) => (vanish = resolve));
        const run: Run = {
          request,
          atMs: this.nowMs,
          finish,
          vanish: () => {
            run.isGone = true;
            vanish();
          },
          isEnded: false,
          isGone: false,
        };
        this.runs.push(run);
        return {
          result,
          gone,
          get isGone() {
            return run.isGone;
          },
          end: () => (run.isEnded = true),
        };
      },
      log: this.log,
      now: () => this.nowMs,
    });
    this.watch.start((isUp) => this.verdicts.push(isUp), null);
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    mock.timers.tick(ms);
    await settled();
  }

  /** The run that is underway ends like that. */
  async end(result: CommandResult): Promise<void> {
    const run = this.runs[this.runs.length - 1];
    run.vanish();
    run.finish(result);
    await settled();
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

test('a check is run at once and then at every interval, and changes of its verdict are told', async (t) => {
  const scene = new Scene(t);
  assert.equal(scene.watch.status().isUp, null);
  for (const [result, passes] of [
    [PASSED, 200],
    [FAILED, 400],
    [FAILED, 100],
    [PASSED, 0],
  ] as const) {
    await scene.pass(passes);
    await scene.end(result);
    await scene.pass(1_000 - passes);
  }
  assert.deepEqual(
    scene.runs.map(({ atMs }) => atMs),
    [0, 1_000, 2_000, 3_000, 4_000],
  );
  assert.deepEqual(scene.verdicts, [true, false, true]);
  assert.deepEqual(scene.log.lines, [
    'warn script check fails, 2 times: exit code 1: it is ill',
    'info script check recovered',
  ]);
});

test('what was seen last, and when, is known, also when it changes nothing', async (t) => {
  const scene = new Scene(t);
  await scene.end(PASSED);
  await scene.pass(1_000);
  await scene.pass(300);
  await scene.end(FAILED);
  assert.deepEqual(scene.watch.status(), {
    isUp: true,
    value: null,
    sinceMs: 0,
    seenMs: 1_300,
    detail: 'exit code 1: it is ill',
  });
});

test('a run that takes longer than the interval leaves out what it overlaps', async (t) => {
  const scene = new Scene(t, { timeoutMs: 5_000 });
  await scene.pass(2_500);
  assert.equal(scene.runs.length, 1);
  await scene.end(PASSED);
  await scene.pass(500);
  assert.deepEqual(
    scene.runs.map(({ atMs }) => atMs),
    [0, 3_000],
  );
});

test('while a run does not end, not even when told to, no other one begins and that is a failure', async (t) => {
  const scene = new Scene(t, { fall: 3 });
  await scene.end(PASSED);
  await scene.pass(1_000);
  scene.runs[1].finish({ isPassed: false, reason: 'not ended after 0.5 s', output: '' });
  await settled();
  await scene.pass(1_000);
  await scene.pass(1_000);
  assert.equal(scene.runs.length, 2);
  assert.deepEqual(scene.verdicts, [true, false]);
  scene.runs[1].vanish();
  await settled();
  await scene.pass(1_000);
  assert.equal(scene.runs.length, 3);
  await scene.end(PASSED);
  assert.deepEqual(scene.verdicts, [true, false, true]);
});

test('the recover command is run before a failure counts, and the check right after it', async (t) => {
  const scene = new Scene(t, { recover: ['/bin/restart', 'it'], fall: 1 });
  await scene.end(PASSED);
  await scene.pass(1_000);
  await scene.end(FAILED);
  assert.deepEqual(scene.runs[2].request.command, ['/bin/restart', 'it']);
  assert.equal(scene.runs[2].request.timeoutMs, 10_000);
  await scene.pass(3_300);
  await scene.end(PASSED);
  await scene.pass(0);
  assert.deepEqual(scene.runs[3].request.command, ['/bin/check', '-x']);
  await scene.end(PASSED);
  assert.deepEqual(scene.verdicts, [true]);
  await scene.pass(1_000);
  assert.equal(scene.runs.length, 5);
  assert.deepEqual(scene.log.lines, ['warn script check fails (exit code 1: it is ill): running /bin/restart it once']);
});

test('a check whose time was over is ended before the recover command is run', async (t) => {
  const scene = new Scene(t, { recover: ['/bin/restart'], fall: 1 });
  await scene.end(PASSED);
  await scene.pass(1_000);
  const [, check] = scene.runs;
  check.finish({ isPassed: false, reason: 'not ended after 0.5 s', output: '' });
  await settled();
  assert.ok(check.isEnded);
  assert.equal(scene.runs.length, 2);
  check.vanish();
  await settled();
  assert.deepEqual(scene.runs[2].request.command, ['/bin/restart']);
  await scene.end(PASSED);
  await scene.pass(0);
  await scene.end(PASSED);
  assert.deepEqual(scene.verdicts, [true]);
});

test('a check that not even SIGKILL ends is not waited for', async (t) => {
  const scene = new Scene(t, { recover: ['/bin/restart'], fall: 1 });
  await scene.end(PASSED);
  await scene.pass(1_000);
  scene.runs[1].finish({ isPassed: false, reason: 'not ended after 0.5 s', output: '' });
  await settled();
  await scene.pass(1_000);
  assert.equal(scene.runs.length, 2);
  assert.deepEqual(scene.verdicts, [true, false]);
  assert.match(scene.log.lines.join('\n'), /\/bin\/restart failed: the last run has not ended, though it was told to/);
});

test('real programs: a check that fails, the command that cures it, and the check again', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-recover-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const sick = join(directory, 'sick');
  writeFileSync(sick, '');
  const log = testLog();
  const watch = new ScriptWatch({
    plan: { ...PLAN, run: ['/usr/bin/test', '!', '-e', sick], recover: ['/bin/rm', sick], intervalMs: 60_000 },
    name: 'script test',
    user: null,
    run: runCommand,
    log,
    now: () => performance.now(),
  });
  t.after(() => watch.stop());
  assert.equal(await new Promise((resolve) => watch.start(resolve, null)), true);
  assert.deepEqual(log.lines, [`warn script test fails (exit code 1): running /bin/rm ${sick} once`]);
});

test('where recovering fails or does not help, the failure counts', async (t) => {
  for (const [recovery, check] of [
    [FAILED, null],
    [PASSED, FAILED],
  ] as const) {
    const scene = new Scene(t, { recover: ['/bin/restart'], fall: 1 });
    await scene.end(PASSED);
    await scene.pass(1_000);
    await scene.end(FAILED);
    await scene.end(recovery);
    await scene.pass(0);
    if (check !== null) await scene.end(check);
    assert.deepEqual(scene.verdicts, [true, false]);
    assert.match(scene.log.lines[scene.log.lines.length - 1], /^warn script check fails/);
    mock.timers.reset();
  }
});

test('a user that it cannot be run as is a failure, and nothing is run', async (t) => {
  const scene = new Scene(t, {}, 'there is no user x');
  await settled();
  assert.deepEqual(scene.verdicts, [false]);
  assert.equal(scene.runs.length, 0);
  assert.equal(scene.watch.status().detail, 'there is no user x');
});

test('after stop nothing is run, and what is running is ended', async (t) => {
  const scene = new Scene(t);
  scene.watch.stop();
  assert.ok(scene.runs[0].isEnded);
  await scene.end(FAILED);
  await scene.pass(10_000);
  assert.equal(scene.runs.length, 1);
  assert.deepEqual(scene.verdicts, []);
});
