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
      check: (options) => {
        calls.push(options);
        return Promise.resolve(1);
      },
      convert: (options) => {
        calls.push(options);
        return Promise.resolve(0);
      },
      demo: (options) => {
        calls.push(options);
        return Promise.resolve(0);
      },
      lab: (options) => {
        calls.push(options);
        return Promise.resolve(0);
      },
      serverSetup: () => Promise.resolve(0),
      fleet: (options) => {
        calls.push(options);
        return Promise.resolve(0);
      },
      identity: () => Promise.resolve(0),
      token: () => Promise.resolve(0),
      explain: () => Promise.resolve(0),
      why: () => Promise.resolve(0),
      top: () => Promise.resolve(0),
      events: () => Promise.resolve(0),
      reopen: () => Promise.resolve(0),
      config: (options) => {
        calls.push(options);
        return Promise.resolve(0);
      },
      upgrade: (options) => {
        calls.push(options);
        return Promise.resolve(0);
      },
      reload: (options) => {
        calls.push(options);
        return Promise.resolve(0);
      },
      status: (options) => {
        calls.push(options);
        return Promise.resolve(1);
      },
      nginx: (options) => {
        calls.push(options);
        return Promise.resolve(0);
      },
      keepalived: (options) => {
        calls.push(options);
        return Promise.resolve(0);
      },
      override: (options) => {
        calls.push(options);
        return Promise.resolve(0);
      },
      move: (options) => {
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
  for (const argv of [
    ['--help'],
    ['help'],
    ['help', 'run'],
    ...['run', 'check', 'demo', 'lab', 'schema', 'status', 'handover', 'resume'].map((command) => [command, '--help']),
  ]) {
    const ran = await run(...argv);
    assert.equal(ran.code, 0, argv.join(' '));
    assert.match(ran.out, /^Usage: evenkeel/);
    assert.equal(ran.err, '');
  }
});

test('lists of commands fit into 80 columns', async () => {
  for (const command of ['', 'server', 'listener', 'node']) {
    const { out } = await run(...[command].filter((each) => each !== ''), '--help');
    for (const line of out.split('\n')) assert.ok(line.length <= 80, line);
  }
});

test('a wrong command line exits 2 and says why on stderr', async () => {
  const cases: [string[], RegExp][] = [
    [[], /Usage: evenkeel/],
    [['rnu'], /error: there is no command `rnu`; write run\n/],
    [['run'], /error: <files?> is missing\n/],
    [['run', 'x.yaml', '--engine', 'epoll'], /error: --engine epoll: write one of uring, node\n/],
    [['run', 'x.yaml', '--workers', '0'], /error: --workers \S+: write a number from 1 to 64\n/],
    [['run', 'x.yaml', '--workers', '2x'], /error: --workers \S+: write a number from 1 to 64\n/],
    [['run', 'x.yaml', '--wrokers', '2'], /error: there is no option --wrokers here; write --workers\n/],
    [['demo', 'x.yaml'], /error: `demo` takes no argument\n/],
    [['demo', '--seconds', '1.5'], /error: --seconds 1.5: write a number from 1 to 86400\n/],
    [['lab', '--advertise', '15ms'], /error: --advertise 15ms: write 10ms to 40950ms in steps of 10ms\n/],
    [['handover', 'VI_1', '--all'], /write the name of one virtual router, or --all/],
    [['resume', 'VI_1', '--all'], /write the name of one virtual router, or --all/],
    [['status', 'VI_1'], /error: `status` takes no argument\n/],
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
  assert.deepEqual(plain.calls, [
    {
      files: [{ path: 'x.yaml', language: null }],
      node: null,
      engine: null,
      workers: null,
      socket: null,
      isRestrained: false,
      isWatching: false,
      logFormat: null,
      logLevel: 'info',
    },
  ]);
  const full = await run('run', 'x.yaml', '--node', 'lb01', '--engine', 'node', '--workers', '3', '--socket', '/s');
  assert.deepEqual(full.calls, [
    {
      files: [{ path: 'x.yaml', language: null }],
      node: 'lb01',
      engine: 'node',
      workers: 3,
      socket: '/s',
      isRestrained: false,
      isWatching: false,
      logFormat: null,
      logLevel: 'info',
    },
  ]);
});

test('demo hands its options over', async () => {
  assert.deepEqual((await run('demo', '--workers', '2')).calls, [{ engine: null, workers: 2, seconds: null }]);
  assert.deepEqual((await run('demo', '--seconds', '5')).calls, [{ engine: null, workers: null, seconds: 5 }]);
});

test('lab hands its options over', async () => {
  const usual = { advertiseMs: 1000, guardsGateway: false, seconds: null, isCleaning: false };
  assert.deepEqual((await run('lab')).calls, [usual]);
  const { calls } = await run('lab', '--advertise', '100ms', '--guard-gateway', '--seconds', '5', '--clean');
  assert.deepEqual(calls, [{ advertiseMs: 100, guardsGateway: true, seconds: 5, isCleaning: true }]);
});

test('status, handover and resume hand their options over and exit with what they resolve to', async () => {
  const status = await run('status', '--json', '--socket', '/s');
  assert.equal(status.code, 1);
  assert.deepEqual(status.calls, [{ socket: '/s', isJson: true, isWatching: false }]);
  assert.deepEqual((await run('status')).calls, [{ socket: null, isJson: false, isWatching: false }]);
  assert.deepEqual((await run('handover', 'VI_1')).calls, [
    { kind: 'hand-over', router: 'VI_1', isAll: false, socket: null, forS: null },
  ]);
  assert.deepEqual((await run('handover', '--all')).calls, [
    { kind: 'hand-over', router: null, isAll: true, socket: null, forS: null },
  ]);
  assert.deepEqual((await run('handover')).calls, [
    { kind: 'hand-over', router: null, isAll: false, socket: null, forS: null },
  ]);
  assert.deepEqual((await run('resume', 'VI_1', '--socket', '/s')).calls, [
    { kind: 'resume', router: 'VI_1', isAll: false, socket: '/s', forS: null },
  ]);
});

test('check hands its options over', async () => {
  const usual = {
    files: [{ path: 'x.yaml', language: null }],
    node: null,
    socket: null,
    looksAtHost: true,
    isJson: false,
  };
  assert.deepEqual((await run('check', 'x.yaml')).calls, [usual]);
  const { code, calls } = await run('check', '-', '--node', 'lb01', '--no-host', '--json', '--socket', '/s');
  assert.equal(code, 1);
  assert.deepEqual(calls, [
    { files: [{ path: '-', language: null }], node: 'lb01', socket: '/s', looksAtHost: false, isJson: true },
  ]);
});

test('schema prints the JSON Schema', async () => {
  const ran = await run('schema');
  assert.equal(ran.code, 0);
  const schema = JSON.parse(ran.out) as { $schema: string; properties: object };
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
  assert.ok('listeners' in schema.properties);
});

test('servers, listeners and the node are overridden by what is written after them', async () => {
  const server = { kind: 'server', name: 'web/192.0.2.7:80', weight: null, route: null, waitS: null, socket: null };
  assert.deepEqual((await run('server', 'drain', 'web/192.0.2.7:80', '--wait', '2m')).calls, [
    { ...server, word: 'drain', waitS: 120 },
  ]);
  assert.deepEqual((await run('server', 'weight', 'web/192.0.2.7:80', '0', '--socket', '/x')).calls, [
    { ...server, word: 'weight', weight: 0, socket: '/x' },
  ]);
  assert.deepEqual((await run('server', 'weight', 'web/192.0.2.7:80')).calls, [{ ...server, word: 'weight' }]);
  assert.deepEqual((await run('listener', 'enable', 'web')).calls, [
    { ...server, kind: 'listener', name: 'web', word: 'enable' },
  ]);
  assert.deepEqual((await run('node', 'drain')).calls, [{ ...server, kind: 'node', name: '', word: 'drain' }]);
  for (const wrong of [
    ['server', 'drain', 'web'],
    ['server', 'weight', 'web/a:1', '257'],
    ['server', 'enable', 'web/a:1', '--wait', '1s'],
    ['listener', 'disable', 'web'],
    ['node', 'drain', 'web'],
  ]) {
    assert.equal((await run(...wrong)).code, 2, wrong.join(' '));
  }
});

test('config set takes a file, or a place with a value', async () => {
  const change = { ifMatch: null, confirmS: null, socket: null };
  assert.deepEqual((await run('config', 'set', 'x.yaml')).calls, [
    { word: 'set', what: { file: 'x.yaml' }, ...change },
  ]);
  const { calls } = await run('config', 'set', '/workers', '3', '--confirm', '1m', '--if-match', '"x"');
  const what = { place: '/workers', value: '3' };
  assert.deepEqual(calls, [{ word: 'set', what, ifMatch: '"x"', confirmS: 60, socket: null }]);
  assert.equal((await run('config', 'set')).code, 2);
});

test('fleet: what is not the URL of a member is refused where it is written, with one that is', async () => {
  const { err } = await run('fleet', 'status', '--etcd', '192.0.2.21:2379');
  assert.match(err, /192\.0\.2\.21:2379 is not the URL of a member: write for example http:\/\/192\.0\.2\.21:2379/);
  const { out } = await run('fleet', 'publish', '--help');
  assert.match(out, /\(default: 1,all\)/);
  assert.match(out, /\(default:\s+60s\)/);
});
