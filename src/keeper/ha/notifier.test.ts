import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NotifyPlan } from '../../config/plan/ha.ts';
import type { State } from '../../core/vrrp/states.ts';
import type { CommandRequest, CommandResult } from './command.ts';
import { Notifier } from './notifier.ts';
import { testLog } from './testing/test-log.ts';

const NOTIFY: NotifyPlan = {
  active: ['/on-active', '-v'],
  backup: ['/on-backup'],
  fault: null,
  stop: ['/on-stop'],
  told: { whose: 'INSTANCE', name: 'VI_1', priority: null },
  timeoutMs: 5_000,
  user: null,
  fifo: null,
};

class Scene {
  readonly log = testLog();
  readonly requests: CommandRequest[] = [];
  readonly finish: ((result: Partial<CommandResult>) => void)[] = [];
  endings = 0;
  readonly notifier: Notifier;
  private state: State = 'initialize';

  constructor(user: string | null = null, plan = NOTIFY) {
    this.notifier = new Notifier({
      name: 'VI_1',
      plan,
      user,
      run: (request) => {
        this.requests.push(request);
        let settle!: (result: CommandResult) => void;
        const result = new Promise<CommandResult>((resolve) => (settle = resolve));
        this.finish.push((given) => settle({ isPassed: true, reason: 'exit code 0', output: '', ...given }));
        return { result, gone: result.then(() => undefined), isGone: true, end: () => void this.endings++ };
      },
      log: this.log,
      environment: { EVENKEEL_NODE: 'lb01' },
    });
  }

  change(to: State): void {
    const from = this.state;
    this.state = to;
    const why = { cause: 'start', detail: 'why', severity: 'info' } as const;
    this.notifier.handleChange({ router: 'VI_1', from, to, ...why, atUs: 0, priority: 150 });
  }

  get programs(): string[] {
    return this.requests.map(({ command }) => command[0]);
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

test('a program is run for every role, with what keepalived passes and what evenkeel knows', async () => {
  const scene = new Scene();
  scene.change('backup');
  assert.deepEqual(scene.requests, [
    {
      command: ['/on-backup', 'INSTANCE', 'VI_1', 'BACKUP', '150'],
      user: null,
      timeoutMs: 5_000,
      environment: {
        EVENKEEL_NODE: 'lb01',
        EVENKEEL_ROUTER: 'VI_1',
        EVENKEEL_ROLE: 'backup',
        EVENKEEL_CAUSE: 'start',
        EVENKEEL_DETAIL: 'why',
        EVENKEEL_PRIORITY: '150',
      },
    },
  ]);
  scene.finish[0]({});
  await settled();
  scene.change('active');
  assert.deepEqual(scene.requests[1].command, ['/on-active', '-v', 'INSTANCE', 'VI_1', 'MASTER', '150']);
});

test('states that are one role to the outside are told once', async () => {
  const scene = new Scene();
  for (const state of [
    'backup',
    'claiming',
    'active',
    'leaving',
    'active',
    'leaving',
    'backup',
    'initialize',
  ] as const) {
    scene.change(state);
    scene.finish[scene.finish.length - 1]({});
    await settled();
  }
  assert.deepEqual(scene.programs, ['/on-backup', '/on-active', '/on-backup', '/on-stop']);
});

test('a role without a program is passed over', async () => {
  const scene = new Scene();
  scene.change('fault');
  scene.change('backup');
  assert.deepEqual(scene.programs, ['/on-backup']);
});

test('they run one at a time; what was overtaken is not told, the last one is', async () => {
  const scene = new Scene();
  scene.change('backup');
  for (let i = 0; i < 100; i++) for (const state of ['active', 'backup', 'active'] as const) scene.change(state);
  await settled();
  assert.deepEqual(scene.programs, ['/on-backup']);
  const finished = scene.notifier.finish(60_000);
  scene.finish[0]({ isPassed: false, reason: 'exit code 1', output: 'a\nno such route' });
  await settled();
  assert.deepEqual(scene.programs, ['/on-backup', '/on-active']);
  scene.finish[1]({});
  await finished;
  assert.deepEqual(scene.programs, ['/on-backup', '/on-active']);
  assert.match(scene.log.lines[0], /VI_1: \/on-active for active is not run: backup followed/);
  assert.equal(scene.log.lines.at(-1), 'error VI_1: /on-backup for backup failed: exit code 1: no such route');
  await scene.notifier.finish(60_000);
});

test('what is, again, what is being told is not told a second time', async () => {
  const scene = new Scene();
  scene.change('active');
  scene.change('backup');
  scene.change('active');
  scene.finish[0]({});
  await scene.notifier.finish(60_000);
  assert.deepEqual(scene.programs, ['/on-active']);
  // A role without a program lies between as well.
  scene.change('fault');
  scene.change('active');
  assert.deepEqual(scene.programs, ['/on-active', '/on-active']);
});

test('a stop waits for as long as it is told: what keeps another one waiting is ended after half of that', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const scene = new Scene();
  scene.change('active');
  scene.change('initialize');
  let isFinished = false;
  const finished = scene.notifier.finish(30_000).then(() => (isFinished = true));
  t.mock.timers.tick(14_999);
  assert.equal(scene.endings, 0);
  t.mock.timers.tick(1);
  assert.equal(scene.endings, 1);
  scene.finish[0]({ isPassed: false, reason: 'killed by SIGKILL' });
  await settled();
  assert.deepEqual(scene.programs, ['/on-active', '/on-stop']);
  t.mock.timers.tick(14_999);
  assert.equal(scene.endings, 1);
  assert.equal(isFinished, false);
  t.mock.timers.tick(1);
  assert.equal(scene.endings, 2);
  scene.finish[1]({ isPassed: false, reason: 'killed by SIGKILL' });
  await finished;
});

test('stop ends what runs and forgets what waits', async () => {
  const scene = new Scene();
  scene.change('backup');
  scene.change('active');
  scene.notifier.stop();
  assert.equal(scene.endings, 1);
  scene.finish[0]({});
  await scene.notifier.finish(60_000);
  assert.deepEqual(scene.programs, ['/on-backup']);
});

test('a user that they cannot be run as is an error, and nothing is run', async () => {
  const scene = new Scene('there is no user x');
  scene.change('backup');
  await scene.notifier.finish(60_000);
  assert.deepEqual(scene.programs, []);
  assert.deepEqual(scene.log.lines, ['error VI_1: /on-backup for backup is not run: there is no user x']);
});

const TOLD: readonly (readonly [told: NotifyPlan['told'], words: readonly string[]])[] = [
  [{ whose: 'INSTANCE', name: 'VI_1', priority: null }, ['INSTANCE', 'VI_1', 'BACKUP', '150']],
  [{ whose: 'GROUP', name: 'G', priority: 0 }, ['GROUP', 'G', 'BACKUP', '0']],
  [null, []],
];

test('what stands behind their own arguments: of the router, of its group, or nothing', async () => {
  for (const [told, words] of TOLD) {
    const scene = new Scene(null, { ...NOTIFY, told });
    scene.change('backup');
    await settled();
    assert.deepEqual(scene.requests[0].command, ['/on-backup', ...words]);
  }
});
