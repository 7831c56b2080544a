import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandRequest, CommandResult, RunningCommand } from '../ha/command.ts';
import { ServerPrograms } from './server-programs.ts';

const PASSED: CommandResult = { isPassed: true, reason: 'exit code 0', output: '' };
const PROGRAMS = { up: ['/up'], down: ['/down'], stop: null, users: null, timeoutMs: 1_000 } as const;
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Programs that run until the test ends them. */
class Runs {
  readonly requests: CommandRequest[] = [];
  readonly programs = new ServerPrograms({
    run: (request) => this.run(request),
    users: { of: () => null },
    log: SILENT,
  });
  private ends: (() => void)[] = [];

  tell(name: string, state: 'up' | 'down'): void {
    this.programs.tell({ name, programs: PROGRAMS, environment: { NAME: name } }, state, 'as the test says');
  }

  get running(): number {
    return this.ends.length;
  }

  /** The one that has run for longest. Resolves when what follows from it has happened. */
  async end(): Promise<void> {
    this.ends.shift()!();
    await new Promise((resolve) => setImmediate(resolve));
  }

  private run(request: CommandRequest): RunningCommand {
    this.requests.push(request);
    let end!: () => void;
    const gone = new Promise<void>((resolve) => (end = resolve));
    this.ends.push(end);
    return { result: gone.then(() => PASSED), gone, isGone: false, end };
  }
}

function told({ command, environment }: CommandRequest): string {
  return `${environment['NAME']} ${command[0]}`;
}

test('of many servers that go down at once each is told, so many at a time', async () => {
  const runs = new Runs();
  const names = Array.from({ length: 100 }, (_, i) => `server ${i}`);
  for (const name of names) runs.tell(name, 'down');
  for (let left = names.length; left > 0; left--) {
    assert.equal(runs.running, Math.min(32, left));
    await runs.end();
  }
  assert.deepEqual(
    runs.requests.map(told),
    names.map((name) => `${name} /down`),
  );
});

test('of one server programs run one after the other, and the last one is of what is', async () => {
  const runs = new Runs();
  runs.tell('a', 'down');
  runs.tell('a', 'up');
  runs.tell('b', 'down');
  assert.deepEqual(runs.requests.map(told), ['a /down', 'b /down']);
  await runs.end();
  assert.deepEqual(runs.requests.map(told), ['a /down', 'b /down', 'a /up']);
  await runs.end();
  await runs.end();
  assert.equal(runs.running, 0);
  runs.tell('a', 'down');
  assert.equal(told(runs.requests.at(-1)!), 'a /down', 'it was forgotten, and is told as anew');
  runs.programs.stop();
  await runs.programs.finish(1_000);
});

test('what a server tells while it waits for its turn follows behind', async () => {
  const runs = new Runs();
  for (let i = 0; i < 32; i++) runs.tell(`early ${i}`, 'down');
  runs.tell('late', 'down');
  runs.tell('late', 'up');
  assert.equal(runs.requests.length, 32);
  for (let i = 0; i < 34; i++) await runs.end();
  assert.deepEqual(runs.requests.slice(32).map(told), ['late /down', 'late /up']);
});
