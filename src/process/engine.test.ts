import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type EngineChoice,
  EngineError,
  engineFor,
  type EngineName,
  type ProbeCommand,
  refusalOfUring,
} from './engine.ts';

const linux = { skip: process.platform === 'linux' ? false : 'needs Linux' };

/** A probe process that does this. */
const probe = (script: string): [string, string, string] => [process.execPath, '-e', script];
const WORKS = probe('');
const REFUSED = probe('process.stdout.write("io_uring is switched off; switch it on\\n"); process.exitCode = 1');
const KILLED = probe('process.kill(process.pid, "SIGSYS")');

async function chooseEngine(wanted: EngineName | null, command: ProbeCommand): Promise<EngineChoice> {
  return engineFor(wanted, await refusalOfUring(command));
}

test('the best engine that works is taken, with the reason where it is not the first', linux, async () => {
  assert.deepEqual(await chooseEngine(null, WORKS), { engine: 'uring', text: 'uring', fallback: null });
  assert.deepEqual(await chooseEngine(null, REFUSED), {
    engine: 'node',
    text: 'node because io_uring is switched off; switch it on',
    fallback: 'io_uring is switched off; switch it on',
  });
});

test('a sandbox that kills whoever uses io_uring costs only the probe', linux, async () => {
  assert.deepEqual(await chooseEngine(null, KILLED), {
    engine: 'node',
    text: 'node because a process that uses io_uring is killed here (SIGSYS)',
    fallback: 'a process that uses io_uring is killed here (SIGSYS)',
  });
});

test('an engine that was asked for is taken or refused, never replaced', linux, async () => {
  assert.equal((await chooseEngine('uring', WORKS)).engine, 'uring');
  assert.deepEqual(await chooseEngine('node', WORKS), { engine: 'node', text: 'node (asked for)', fallback: null });
  await assert.rejects(
    chooseEngine('uring', REFUSED),
    new EngineError('engine uring cannot run here: io_uring is switched off; switch it on'),
  );
});

test('a probe that cannot be started is a reason like any other', linux, async () => {
  const { engine, text } = await chooseEngine(null, ['/nonexistent/node']);
  assert.equal(engine, 'node');
  assert.match(text, /the probe could not be started/);
});
