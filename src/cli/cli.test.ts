import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CliDeps } from './cli.ts';
import { runCli } from './cli.ts';
import { readVersion } from './version.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly calls: readonly unknown[];
}

const EXAMPLE = fileURLToPath(new URL('../../../examples/evenkeel.yaml', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'evenkeel-cli-'));
after(() => {
  rmSync(folder, { recursive: true });
});

function fileWith(content: string | Uint8Array): string {
  const file = join(folder, 'evenkeel.yaml');
  writeFileSync(file, content);
  return file;
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
      lab: (options) => {
        calls.push(options);
        return Promise.resolve(0);
      },
      status: (options) => {
        calls.push(options);
        return Promise.resolve(1);
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
    [['lab', '--advertise', '15ms'], /Write 10ms to 40950ms in steps of 10ms/],
    [['handover'], /write the name of one virtual router, or --all/],
    [['handover', 'VI_1', '--all'], /write the name of one virtual router, or --all/],
    [['resume'], /write the name of one virtual router, or --all/],
    [['status', 'VI_1'], /too many arguments/],
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
  assert.deepEqual(plain.calls, [{ file: 'x.yaml', node: null, engine: null, workers: null, socket: null }]);
  const full = await run('run', 'x.yaml', '--node', 'lb01', '--engine', 'node', '--workers', '3', '--socket', '/s');
  assert.deepEqual(full.calls, [{ file: 'x.yaml', node: 'lb01', engine: 'node', workers: 3, socket: '/s' }]);
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
  assert.deepEqual(status.calls, [{ socket: '/s', isJson: true }]);
  assert.deepEqual((await run('status')).calls, [{ socket: null, isJson: false }]);
  assert.deepEqual((await run('handover', 'VI_1')).calls, [{ kind: 'hand-over', router: 'VI_1', socket: null }]);
  assert.deepEqual((await run('handover', '--all')).calls, [{ kind: 'hand-over', router: null, socket: null }]);
  assert.deepEqual((await run('resume', 'VI_1', '--socket', '/s')).calls, [
    { kind: 'resume', router: 'VI_1', socket: '/s' },
  ]);
});

test('check says in one line what a right file has, and exits 0', async () => {
  const ran = await run('check', EXAMPLE);
  assert.equal(ran.code, 0);
  assert.equal(ran.out, `${EXAMPLE}: ok: 3 listeners, 4 routes, 4 upstreams, 8 servers, 1 virtual router\n`);
  assert.match(ran.err, /:70:1: unsupported: `admin` is right/);
});

test('check prints every error of a wrong file with its place on stderr, and exits 1', async () => {
  const file = fileWith('grace: 30\nlisteners:\n  web: { bind: 80 }\n');
  assert.deepEqual(await run('check', file), {
    code: 1,
    out: '',
    err:
      `${file}:1:8: \`30\` is not a duration; write 30s [bad-duration]\n` +
      `${file}:3:3: \`listeners.web\` has no \`routes\`; add for example \`routes: [ { upstream: web } ]\` [missing-key]\n` +
      `${file}:3:16: \`80\` is not an address to listen on; write "*:80" [bad-bind]\n` +
      `${file}: 3 errors\n`,
    calls: [],
  });
});

test('check --node asks for the values of that node', async () => {
  assert.equal((await run('check', EXAMPLE, '--node', 'lb02')).code, 0);
  const ran = await run('check', EXAMPLE, '--node', 'lb03');
  assert.equal(ran.code, 1);
  assert.match(ran.err, /`ha.VI_1.priority` has no value for node `lb03`; it has one for lb01, lb02/);
});

test('check exits 0 with warnings, which are on stderr', async () => {
  const ran = await run(
    'check',
    fileWith('listeners: { a: { bind: "*:80", routes: [ { respond: {} }, { respond: {} } ] } }'),
  );
  assert.equal(ran.code, 0);
  assert.match(ran.err, /warning: no request ever gets here/);
});

test('a file that cannot be read is an error with its reason, for check as for run', async () => {
  const missing = join(folder, 'missing.yaml');
  assert.deepEqual(await run('check', missing), {
    code: 1,
    out: '',
    err: `${missing}: cannot be read: there is no such file\n`,
    calls: [],
  });
  assert.match((await run('check', folder)).err, /it is a directory/);
  assert.match((await run('check', fileWith(Uint8Array.of(0xff, 0xfe, 0x00)))).err, /it is not UTF-8 text/);
});

test('a file that is something else altogether does not fill the screen', async () => {
  const ran = await run('check', fileWith('a:\n'.repeat(5000)));
  assert.equal(ran.code, 1);
  assert.ok(ran.err.split('\n').length < 110);
  assert.match(ran.err, /\.\.\. and \d+ more/);
});

test('schema prints the JSON Schema', async () => {
  const ran = await run('schema');
  assert.equal(ran.code, 0);
  const schema = JSON.parse(ran.out) as { $schema: string; properties: object };
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
  assert.ok('listeners' in schema.properties);
});
