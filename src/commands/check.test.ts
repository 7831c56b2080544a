import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CheckOptions } from '../cli/check.ts';
import { checkCommand } from './check.ts';

const EXAMPLE = fileURLToPath(new URL('../../../examples/evenkeel.yaml', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'evenkeel-check-'));
after(() => {
  rmSync(folder, { recursive: true });
});

function fileWith(content: string | Uint8Array): string {
  const file = join(folder, 'evenkeel.yaml');
  writeFileSync(file, content);
  return file;
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Of the file alone: what this machine is does not matter. */
async function check(file: string, options: Partial<CheckOptions> = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const usual = {
    files: [{ path: file, language: null }],
    node: null,
    socket: null,
    looksAtHost: false,
    isJson: false,
  };
  const code = await checkCommand(
    { ...usual, ...options },
    {
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
    },
  );
  return { code, out, err };
}

test('the shipped example is right, and said in one line what it has', async () => {
  assert.deepEqual(await check(EXAMPLE), {
    code: 0,
    out: `${EXAMPLE}: ok: 3 listeners, 4 routes, 4 upstreams, 8 servers, 1 virtual router\n`,
    err: '',
  });
});

test('the admin API is served on loopback alone, and the remedy says how to come from elsewhere', async () => {
  const file = fileWith('listeners: { a: { bind: "*:80", routes: [ { respond: {} } ] } }\nadmin: { bind: "*:9900" }\n');
  const ran = await check(file);
  assert.equal(ran.code, 1);
  assert.equal(ran.out, '');
  assert.match(
    ran.err,
    /:2:16: `admin.bind` is `\*:9900`, and .*127.0.0.1:9900.*ssh -L.*\[admin-not-loopback\]\n.*: 1 error\n$/,
  );
});

test('every error of a wrong file is printed with its place on stderr, and the exit code is 1', async () => {
  const file = fileWith('grace: 30\nlisteners:\n  web: { bind: 80 }\n');
  assert.deepEqual(await check(file), {
    code: 1,
    out: '',
    err:
      `${file}:1:8: \`30\` is not a duration; write 30s [bad-duration]\n` +
      `${file}:3:3: \`listeners.web\` has no \`routes\`; add for example \`routes: [ { upstream: web } ]\` [missing-key]\n` +
      `${file}:3:16: \`80\` is not an address to listen on; write "*:80" [bad-bind]\n` +
      `${file}: 3 errors\n`,
  });
});

test('--node asks for the values of that node, and one that is nowhere is said once', async () => {
  assert.equal((await check(EXAMPLE, { node: 'lb02' })).code, 0);
  const ran = await check(EXAMPLE, { node: 'lb03' });
  assert.equal(ran.code, 1);
  assert.match(
    ran.err,
    /:3:1: this is node `lb03`, and the file has values for lb01, lb02 only; write `node: lb01` or start it with `--node lb01`, or add values for `lb03` \[unknown-node\]\n.*: 1 error\n$/,
  );
});

test('the exit code is 0 with warnings, which are on stderr', async () => {
  const file = fileWith('listeners: { a: { bind: "*:80", routes: [ { respond: {} }, { respond: {} } ] } }');
  const ran = await check(file);
  assert.equal(ran.code, 0);
  assert.match(ran.err, /warning: this route is unreachable/);
});

test('--json has every diagnostic for programs, and nothing on stderr', async () => {
  const file = fileWith('grace: 30\nlisteners: { a: { bind: "*:80", routes: [ { respond: {} } ] } }\n');
  const ran = await check(file, { isJson: true });
  assert.equal(ran.code, 1);
  assert.equal(ran.err, '');
  assert.deepEqual(JSON.parse(ran.out), {
    file,
    ok: false,
    diagnostics: [
      {
        severity: 'error',
        code: 'bad-duration',
        file,
        line: 1,
        column: 8,
        message: '`30` is not a duration',
        remedy: 'write 30s',
      },
    ],
  });
});

test('a file that cannot be read is an error with its reason', async () => {
  const missing = join(folder, 'missing.yaml');
  assert.deepEqual(await check(missing), {
    code: 1,
    out: '',
    err: `${missing}: cannot be read: there is no such file\n`,
  });
  assert.match((await check(folder)).err, /it is a directory/);
  assert.match((await check(fileWith(Uint8Array.of(0xff, 0xfe, 0x00)))).err, /it is not UTF-8 text/);
});

test('a file that is something else altogether does not fill the screen', async () => {
  const ran = await check(fileWith('a:\n'.repeat(5000)));
  assert.equal(ran.code, 1);
  assert.ok(ran.err.split('\n').length < 110);
  assert.match(ran.err, /\.\.\. and \d+ more/);
});
