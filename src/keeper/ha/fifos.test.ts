import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FifoPlan } from '../../config/plan/ha.ts';
import type { FifoEnd } from '../../port/host.ts';
import type { CommandRequest, CommandResult } from './command.ts';
import { Fifos } from './fifos.ts';
import { testLog } from './testing/test-log.ts';

const PLAN: FifoPlan = { path: '/run/roles', reader: null, user: null };

class Scene {
  readonly log = testLog();
  readonly said: string[] = [];
  readonly runs: CommandRequest[] = [];
  problem: string | null = null;
  openProblem: string | null = null;
  isThere = true;
  endReader: (result: CommandResult) => void = () => undefined;
  readonly fifos = new Fifos({
    open: (path) => this.open(path),
    run: (request) => this.run(request),
    userFor: () => null,
    log: this.log,
  });

  private open(path: string): FifoEnd | string {
    if (this.openProblem !== null) return this.openProblem;
    this.said.push(`open ${path}`);
    this.isThere = true;
    const isThere = (): boolean => this.isThere;
    return {
      get isThere() {
        return isThere();
      },
      write: (line) => {
        if (this.problem === null) this.said.push(line);
        return this.problem;
      },
      close: (isRemoved) => this.said.push(isRemoved ? 'remove' : 'close'),
    };
  }

  private run(request: CommandRequest): ReturnType<ConstructorParameters<typeof Fifos>[0]['run']> {
    this.runs.push(request);
    const result = new Promise<CommandResult>((resolve) => {
      this.endReader = resolve;
    });
    return { result, gone: result.then(() => undefined), isGone: false, end: () => this.said.push('end reader') };
  }
}

test('lines that find no room are counted, and told once and when it is over', () => {
  const scene = new Scene();
  scene.fifos.apply([PLAN, PLAN]);
  scene.problem = 'nobody reads it';
  for (let i = 0; i < 3; i++) scene.fifos.write(PLAN.path, 'lost');
  scene.problem = null;
  scene.fifos.write(PLAN.path, 'one');
  scene.fifos.write('/run/other', 'nobody knows it');
  assert.deepEqual(scene.said, ['open /run/roles', 'one\n']);
  assert.deepEqual(scene.log.lines, [
    'warn FIFO /run/roles: lines are lost (nobody reads it)',
    'info FIFO /run/roles is read again; lines that were lost: 3',
  ]);
});

test('one that somebody has removed is made again; one that cannot be opened is tried at each line', () => {
  const scene = new Scene();
  scene.openProblem = 'ENOENT';
  scene.fifos.apply([PLAN]);
  scene.fifos.write(PLAN.path, 'lost');
  scene.openProblem = null;
  scene.fifos.write(PLAN.path, 'one');
  scene.isThere = false;
  scene.fifos.write(PLAN.path, 'two');
  scene.fifos.close(false);
  assert.deepEqual(scene.said, ['open /run/roles', 'one\n', 'close', 'open /run/roles', 'two\n', 'close']);
  assert.equal(scene.log.lines[0], 'error FIFO /run/roles cannot be opened: ENOENT');
});

test('its reader is started with it, started again when it ends, and ended with it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const scene = new Scene();
  scene.fifos.apply([{ ...PLAN, reader: ['/reader', 'now'] }]);
  assert.equal(scene.runs.length, 0);
  scene.fifos.startReading();
  assert.deepEqual(scene.runs[0].command, ['/reader', 'now', '/run/roles']);
  scene.endReader({ isPassed: false, reason: 'exit code 1', output: '' });
  for (let i = 0; i < 5; i++) await Promise.resolve();
  assert.deepEqual(scene.log.lines, ['warn FIFO /run/roles: /reader has ended (exit code 1) and is started again']);
  assert.equal(scene.runs.length, 1);
  t.mock.timers.tick(1_000);
  assert.equal(scene.runs.length, 2);
  scene.fifos.apply([PLAN]);
  assert.deepEqual(scene.said, ['open /run/roles', 'remove', 'end reader', 'open /run/roles']);
});
