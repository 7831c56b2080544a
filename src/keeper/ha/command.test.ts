import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type CommandRequest, type CommandResult, describeResult, runCommand } from './command.ts';
import { findUser } from '../../io/linux/users.ts';
import { chooseUser, findUnsafePart } from './command-user.ts';

const isRoot = process.getuid?.() === 0;
const asRoot = { skip: isRoot ? false : 'needs root' };
const folder = mkdtempSync(join(tmpdir(), 'evenkeel-command-'));
chmodSync(folder, 0o755);
after(() => {
  rmSync(folder, { recursive: true });
});

function script(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

function request(program: string, options: Partial<CommandRequest> = {}): CommandRequest {
  return { command: [program], user: null, timeoutMs: 10_000, environment: {}, ...options };
}

function run(program: string, options: Partial<CommandRequest> = {}): Promise<CommandResult> {
  return runCommand(request(program, options)).result;
}

/** Resolves when there is no such process any more; a zombie is none. */
async function ended(pid: number): Promise<void> {
  for (;;) {
    try {
      if (/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('exit code 0 is well, and nothing else is', async () => {
  assert.deepEqual(await run(script('well', 'echo fine')), {
    isPassed: true,
    reason: 'exit code 0',
    output: 'fine',
    exitCode: 0,
  });
  assert.deepEqual(await run(script('ill', 'echo a; echo b >&2; exit 3')), {
    isPassed: false,
    reason: 'exit code 3',
    output: 'a\nb',
    exitCode: 3,
  });
  assert.equal((await run(script('killed', 'kill -9 $$'))).reason, 'killed by SIGKILL');
});

test('arguments reach the program as they are; there is no shell', async () => {
  const path = script('arguments', 'for each in "$@"; do echo "[$each]"; done');
  const { output } = await run(path, { command: [path, 'a b', '$HOME', ';exit', ''] });
  assert.equal(output, '[a b]\n[$HOME]\n[;exit]\n[]');
});

test('the environment has a PATH and what was asked for, and nothing of ours', async () => {
  process.env['SECRET_OF_OURS'] = 'x';
  const { output } = await run('/usr/bin/env', { environment: { EVENKEEL_STATE: 'active' } });
  delete process.env['SECRET_OF_OURS'];
  assert.deepEqual(output.split('\n').sort(), [
    'EVENKEEL_STATE=active',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ]);
});

test('what cannot be started is a failed run with the reason', async () => {
  assert.match((await run(join(folder, 'missing'))).reason, /missing: there is no such file/);
  const plain = join(folder, 'plain');
  writeFileSync(plain, 'x');
  assert.match((await run(plain)).reason, /plain: permission denied/);
  assert.equal((await run('/a\0b')).isPassed, false);
});

test('only the end of much output is kept', async () => {
  const { output } = await run(script('talks', 'seq 1 20000'));
  assert.ok(output.length <= 1_024);
  assert.match(output, /\n19999\n20000$/);
});

test('a run whose time is over has failed at once, and all that it started is ended', async () => {
  const pids = join(folder, 'pids');
  const path = script('hangs', `sleep 100 & echo $! $$ > ${pids}.new; mv ${pids}.new ${pids}; wait`);
  // Time for it to begin, on a busy machine too.
  const running = runCommand(request(path, { timeoutMs: 2_000 }));
  assert.deepEqual(await running.result, { isPassed: false, reason: 'not ended after 2 s', output: '' });
  await running.gone;
  for (const pid of readFileSync(pids, 'utf8').trim().split(' ')) await ended(Number(pid));
});

test('one that does not listen to SIGTERM is killed two seconds later', async () => {
  const path = script('deaf', "trap '' TERM; while :; do sleep 0.05; done");
  const running = runCommand(request(path, { timeoutMs: 2_000 }));
  await running.result;
  const endedAt = performance.now();
  await running.gone;
  assert.ok(performance.now() - endedAt > 1_900);
});

test('a service that it leaves behind goes on, and its end is not waited for', async (t) => {
  const path = script('starts', "(trap '' PIPE; while :; do echo x || exit 1; sleep 0.02; done) & echo $!");
  const { isPassed, output } = await run(path);
  // Either of the two may be the first to write.
  const pid = Number(output.split('\n').find((line) => line !== 'x'));
  t.after(() => process.kill(pid, 'SIGKILL'));
  assert.equal(isPassed, true);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(existsSync(`/proc/${pid}`), 'it still has somebody who reads what it writes');
});

test('as root, it is run as the user it is meant for, with no other group', asRoot, async () => {
  const nobody = chooseUser(['nobody'], 0, findUser);
  assert.ok(nobody !== null && typeof nobody !== 'string');
  const { output } = await run(script('who', 'id -u; id -g; id -G'), { user: nobody });
  assert.equal(output, `${nobody.uid}\n${nobody.gid}\n${nobody.gid}`);
});

test('whoever is not root runs it as themselves, and as nobody else', () => {
  assert.equal(chooseUser(null, 1_000, findUser), null);
  assert.equal(chooseUser(['root'], 1_000, findUser), 'only root can run it as root');
  assert.equal(chooseUser(['root'], 0, findUser) !== null, true);
  assert.equal(chooseUser(['no such user'], 0, findUser), 'there is no user no such user');
  assert.equal(chooseUser(['nosuchuser'], 0, findUser), 'there is no user nosuchuser');
});

test('without being told, root runs it as a user without rights', () => {
  const user = chooseUser(null, 0, findUser);
  assert.ok(user !== null && typeof user !== 'string');
  assert.ok(user.uid !== 0);
  assert.match(user.name, /^(evenkeel_script|nobody)$/);
});

test('what runs as root must be root’s own, with every directory on its way', asRoot, async () => {
  const root = chooseUser(['root'], 0, findUser);
  assert.ok(root !== null && typeof root !== 'string');
  const path = script('roots', 'id -u');
  assert.equal((await run(path, { user: root })).output, '0');

  chmodSync(path, 0o757);
  assert.equal(findUnsafePart(path), `${path} can be written by everybody`);
  assert.equal(
    (await run(path, { user: root })).reason,
    `refused: it would run as root, and ${path} can be written by everybody`,
  );

  const open = join(folder, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  symlinkSync(script('target', 'true'), join(open, 'link'));
  assert.equal(findUnsafePart(join(open, 'link')), `${open} can be written by everybody`);
  symlinkSync(join(open, 'link'), join(folder, 'far'));
  assert.equal(findUnsafePart(join(folder, 'far')), `${open} can be written by everybody`);
  symlinkSync('target', join(folder, 'near'));
  assert.equal(findUnsafePart(join(folder, 'near')), null);
  symlinkSync('loop', join(folder, 'loop'));
  assert.match(findUnsafePart(join(folder, 'loop')) ?? '', /is a loop of links/);
  assert.match(findUnsafePart(join(folder, 'none')) ?? '', /is not there/);
});

test('what a program says of a server moves no cursor on the terminal of who asks why', async () => {
  const said = describeResult(await run(script('colors', "printf 'first\\n\\033[2Jgone\\rback'; exit 1")));
  assert.equal(said, 'exit code 1: \\x1b[2Jgone\\x0dback');
});
