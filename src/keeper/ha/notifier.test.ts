import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HaRouterPlan, NotifyPlan } from '../../config/ha-plan.ts';
import type { State } from '../../core/vrrp/states.ts';
import type { CommandRequest, CommandResult } from './command.ts';
import { Notifier } from './notifier.ts';
import { testLog } from './testing/test-log.ts';

const NOTIFY: NotifyPlan = {
  active: ['/on-active', '-v'],
  backup: ['/on-backup'],
  fault: null,
  stop: ['/on-stop'],
  timeoutMs: 5_000,
  user: null,
};
const PLAN: HaRouterPlan = { name: 'VI_1', watches: [], witnesses: null, notify: NOTIFY };

class Scene {
  readonly log = testLog();
  readonly requests: CommandRequest[] = [];
  readonly finish: ((result: Partial<CommandResult>) => void)[] = [];
  endings = 0;
  readonly notifier: Notifier;
  private state: State = 'initialize';

  constructor(user: string | null = null) {
    this.notifier = new Notifier({
      plan: PLAN,
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
    this.notifier.handleChange({ router: 'VI_1', from, to, cause: 'start', detail: 'why', atUs: 0 }, 150);
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

test('they run one at a time, in the order of the changes', async () => {
  const scene = new Scene();
  scene.change('backup');
  scene.change('active');
  scene.change('backup');
  await settled();
  assert.deepEqual(scene.programs, ['/on-backup']);
  scene.finish[0]({});
  await settled();
  assert.deepEqual(scene.programs, ['/on-backup', '/on-active']);
  const idle = scene.notifier.idle();
  scene.finish[1]({ isPassed: false, reason: 'exit code 1', output: 'a\nno such route' });
  await settled();
  scene.finish[2]({});
  await idle;
  assert.deepEqual(scene.programs, ['/on-backup', '/on-active', '/on-backup']);
  assert.deepEqual(scene.log.lines, ['error VI_1: /on-active for active failed: exit code 1: no such route']);
  await scene.notifier.idle();
});

test('while one takes long, many changes are not kept for ever; the last ones are', async () => {
  const scene = new Scene();
  scene.change('backup');
  for (let i = 0; i < 15; i++) for (const state of ['active', 'backup'] as const) scene.change(state);
  assert.equal(scene.log.lines.length, 14);
  assert.match(scene.log.lines[0], /VI_1: \/on-active for active is left out/);
  for (let i = 0; i < 17; i++) {
    scene.finish[i]({});
    await settled();
  }
  assert.equal(scene.requests.length, 17);
  assert.equal(scene.programs[16], '/on-backup');
});

test('stop ends what runs and forgets what waits', async () => {
  const scene = new Scene();
  scene.change('backup');
  scene.change('active');
  scene.notifier.stop();
  assert.equal(scene.endings, 1);
  scene.finish[0]({});
  await scene.notifier.idle();
  assert.deepEqual(scene.programs, ['/on-backup']);
});

test('a user that they cannot be run as is an error, and nothing is run', async () => {
  const scene = new Scene('there is no user x');
  scene.change('backup');
  await scene.notifier.idle();
  assert.deepEqual(scene.programs, []);
  assert.deepEqual(scene.log.lines, ['error VI_1: /on-backup for backup is not run: there is no user x']);
});
