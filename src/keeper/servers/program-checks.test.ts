import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../base/address.ts';
import type { HealthPlan } from '../../config/plan/health.ts';
import type { CommandRequest, CommandResult, RunningCommand } from '../ha/command.ts';
import { CommandUsers } from '../ha/command-user.ts';
import { ProgramChecks, PROGRAMS_MAX } from './program-checks.ts';
import type { ProbeResult } from './probe.ts';

const SERVER: Address = { family: 6, host: '2001:db8::7', port: 80 };
const PASSED: CommandResult = { isPassed: true, reason: 'exit code 0', output: '' };

/** What was run, each until the test ends it. */
class Runs {
  readonly requests: CommandRequest[] = [];
  readonly ends: ((result: CommandResult, isGone?: boolean) => void)[] = [];
  readonly goes: (() => void)[] = [];
  ended = 0;
  readonly checks: ProgramChecks;

  constructor(users: Readonly<Record<string, number>> = { nobody: 65_534 }) {
    this.checks = new ProgramChecks({
      run: (request) => this.run(request),
      users: new CommandUsers(0, (name) => (name in users ? { uid: users[name], gid: users[name] } : null)),
    });
  }

  check(
    command: readonly [string, ...string[]],
    rest: Partial<HealthPlan> = {},
    users: string[] | null = null,
    saysWeight = false,
  ): Promise<ProbeResult> {
    const probe = { kind: 'run', command, users, saysWeight } as const;
    const times = {
      intervalMs: 1_000,
      timeoutMs: 500,
      rise: 1,
      fall: 1,
      jitter: 0,
      retryMs: null,
      initial: 'up',
    } as const;
    const plan: HealthPlan = { probe, port: null, proxyProtocol: null, tls: null, ...times, ...rest };
    return this.checks.check(plan, probe, SERVER);
  }

  private run(request: CommandRequest): RunningCommand {
    this.requests.push(request);
    const running = {
      isGone: false,
      end: (): void => {
        this.ended++;
      },
    };
    const gone = new Promise<void>((resolve) => {
      this.goes.push(() => {
        running.isGone = true;
        resolve();
      });
    });
    const go = this.goes[this.goes.length - 1];
    const result = new Promise<CommandResult>((resolve) => {
      this.ends.push((value, isGone = true) => {
        if (isGone) go();
        resolve(value);
      });
    });
    return Object.assign(running, { result, gone });
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a program is told where the server is, and its last line is the reason', async () => {
  const runs = new Runs();
  const result = runs.check(['/bin/{address}', '--at={address}:{port}', '{print}'], { port: 8080 });
  await turn();
  const [{ command, user, timeoutMs, environment }] = runs.requests;
  assert.deepEqual(command, ['/bin/{address}', '--at=2001:db8::7:8080', '{print}']);
  assert.equal(user?.name, 'nobody');
  assert.equal(timeoutMs, 500);
  assert.deepEqual(environment, {});
  runs.ends[0]({ isPassed: false, reason: 'exit code 2', output: 'asked\nlag of 70 s' });
  assert.deepEqual(await result, { isPassed: false, reason: 'exit code 2: lag of 70 s' });
});

test('it runs as root only if that is said, and a user who is missing is looked for again', async () => {
  const users: Record<string, number> = { nobody: 65_534, root: 0 };
  const runs = new Runs(users);
  void runs.check(['/bin/a']);
  void runs.check(['/bin/b'], {}, ['root']);
  assert.deepEqual(await runs.check(['/bin/c'], {}, ['checker']), {
    isPassed: false,
    reason: 'there is no user checker',
  });
  users['checker'] = 700;
  void runs.check(['/bin/c'], {}, ['checker']);
  await turn();
  assert.deepEqual(
    runs.requests.map(({ user }) => user?.uid),
    [65_534, 0, 700],
  );
});

test('only so many run at a time, and the others have their turn', async () => {
  const runs = new Runs();
  const results = Array.from({ length: PROGRAMS_MAX + 3 }, (_, i) => runs.check(['/bin/check', `${i}`]));
  await turn();
  assert.equal(runs.requests.length, PROGRAMS_MAX);
  runs.ends[0](PASSED);
  runs.ends[1](PASSED);
  await turn();
  assert.equal(runs.requests.length, PROGRAMS_MAX + 2);
  for (let i = 2; i < PROGRAMS_MAX + 3; i++) {
    runs.ends[i](PASSED);
    await turn();
  }
  assert.ok((await Promise.all(results)).every(({ isPassed }) => isPassed));
});

test('one that does not end, though it was told to, is not run a second time and holds up nobody', async () => {
  const runs = new Runs();
  const late: CommandResult = { isPassed: false, reason: 'not ended after 0.5 s', output: '' };
  const first = runs.check(['/bin/stuck']);
  await turn();
  runs.ends[0](late, false);
  assert.equal((await first).reason, 'not ended after 0.5 s');
  const again = await runs.check(['/bin/stuck']);
  assert.deepEqual(again, { isPassed: false, reason: 'the last run has not ended, though it was told to' });
  const other = runs.check(['/bin/other']);
  await turn();
  runs.ends[1](PASSED);
  assert.equal((await other).isPassed, true);
  runs.goes[0]();
  await turn();
  void runs.check(['/bin/stuck']);
  await turn();
  assert.equal(runs.requests.length, 3);
});

test('what this machine is short of says nothing of the server', async () => {
  const runs = new Runs();
  const result = runs.check(['/bin/check']);
  await turn();
  runs.ends[0]({ isPassed: false, reason: 'no process can be started', output: '', isShortage: true });
  assert.deepEqual(await result, { isPassed: null, reason: 'no process can be started' });
});

test('a stop ends what runs, and begins nothing more', async () => {
  const runs = new Runs();
  for (let i = 0; i <= PROGRAMS_MAX; i++) void runs.check(['/bin/check', `${i}`]);
  await turn();
  runs.checks.stop();
  assert.equal(runs.ended, PROGRAMS_MAX);
  for (const end of runs.ends) end(PASSED);
  void runs.check(['/bin/late']);
  await turn();
  assert.equal(runs.requests.length, PROGRAMS_MAX);
});
