import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CliDeps } from './cli.ts';
import { runCli } from './cli.ts';
import { readVersion } from './version.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly calls: readonly unknown[];
}

async function run(...argv: string[]): Promise<Ran> {
  const calls: unknown[] = [];
  let out = '';
  let err = '';
  const deps: CliDeps = {
    version: '1.2.3',
    commands: {
      run: (options) => {
        calls.push(options);
        return Promise.resolve(7);
      },
      demo: (options) => {
        calls.push(options);
        return Promise.resolve(0);
      },
    },
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  };
  const code = await runCli(argv, deps);
  return { code, out, err, calls };
}

test('--version prints the version and exits 0', async () => {
  assert.deepEqual(await run('--version'), { code: 0, out: '1.2.3\n', err: '', calls: [] });
});

test('the version is that of package.json', () => {
  assert.match(readVersion(), /^\d+\.\d+\.\d+/);
});

test('--help works for the program and for every command, on stdout, with exit code 0', async () => {
  for (const argv of [['--help'], ['help'], ['help', 'run'], ['run', '--help'], ['demo', '--help']]) {
    const ran = await run(...argv);
    assert.equal(ran.code, 0, argv.join(' '));
    assert.match(ran.out, /^Usage: evenkeel/);
    assert.equal(ran.err, '');
  }
});

test('a wrong command line exits 2 and says why on stderr', async () => {
  const cases: [string[], RegExp][] = [
    [[], /Usage: evenkeel/],
    [['rnu'], /unknown command 'rnu'[^]*Did you mean run/],
    [['run'], /missing required argument 'file'/],
    [['run', 'x.yaml', '--engine', 'epoll'], /Allowed choices are uring, node/],
    [['run', 'x.yaml', '--workers', '0'], /Write a number from 1 to 64/],
    [['run', 'x.yaml', '--workers', '2x'], /Write a number from 1 to 64/],
    [['run', 'x.yaml', '--wrokers', '2'], /unknown option '--wrokers'/],
    [['demo', 'x.yaml'], /too many arguments/],
    [['demo', '--seconds', '1.5'], /Write a number from 1 to 86400/],
  ];
  for (const [argv, said] of cases) {
    const ran = await run(...argv);
    assert.equal(ran.code, 2, argv.join(' '));
    assert.match(ran.err, said);
    assert.equal(ran.out, '');
    assert.deepEqual(ran.calls, []);
  }
});

test('run hands its options over and exits with what it resolves to', async () => {
  const plain = await run('run', 'x.yaml');
  assert.equal(plain.code, 7);
  assert.deepEqual(plain.calls, [{ file: 'x.yaml', node: null, engine: null, workers: null }]);
  const full = await run('run', 'x.yaml', '--node', 'lb01', '--engine', 'node', '--workers', '3');
  assert.deepEqual(full.calls, [{ file: 'x.yaml', node: 'lb01', engine: 'node', workers: 3 }]);
});

test('demo hands its options over', async () => {
  assert.deepEqual((await run('demo', '--workers', '2')).calls, [{ engine: null, workers: 2, seconds: null }]);
  assert.deepEqual((await run('demo', '--seconds', '5')).calls, [{ engine: null, workers: null, seconds: 5 }]);
});
