/** The configuration of a running evenkeel is read and changed by the admin API, and by the command that is its client. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { commandOf, run } from './commands.ts';
import { type Engine, ENGINES, engineSkip, Evenkeel, freePort, get, getUntil } from './evenkeel.ts';
import { temporaryDirectory } from './peers.ts';
import { endAfter } from './upgrading.ts';
import { until } from './waiting.ts';

const STATUS = '/listeners/web/routes/0/respond/status';

/** Answers with this status. */
const fileAt = (port: number, status = 200): string =>
  `listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { respond: { status: ${status} } } ] } }\n`;

interface Running {
  readonly evenkeel: Evenkeel;
  readonly port: number;
  readonly socket: string;
  readonly state: string;
  /** Starts it again, with the same files. */
  readonly again: () => Promise<Evenkeel>;
}

async function started(t: TestContext, engine: Engine, file: (port: number) => string = fileAt): Promise<Running> {
  const [port, state] = [await freePort(), temporaryDirectory(t)];
  const options = { engine, workers: 1, hasSocket: true, env: { STATE_DIRECTORY: state } } as const;
  const evenkeel = await Evenkeel.start(t, file(port), options);
  const socket = `${evenkeel.file}.sock`;
  const args = ['run', evenkeel.file, '--socket', socket, '--workers', '1', '--engine', engine];
  return {
    evenkeel,
    port,
    socket,
    state,
    async again() {
      const next = Evenkeel.spawn(t, args, options);
      await next.said(/ready: .*\n/);
      return next;
    },
  };
}

interface Reply {
  readonly status: number;
  readonly etag: string;
  readonly body: Readonly<Record<string, unknown>>;
}

async function ask(
  socketPath: string,
  method: string,
  path: string,
  { body, ...headers }: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const request = http.request({ socketPath, method, path, agent: false, headers });
  request.end(body);
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
  });
  const text = await readText(response);
  return {
    status: response.statusCode!,
    etag: response.headers.etag ?? '',
    body: JSON.parse(text) as Readonly<Record<string, unknown>>,
  };
}

function put(
  socket: string,
  at: string,
  body: unknown,
  more: Readonly<Record<string, string>> = {},
  query = '',
): Promise<Reply> {
  const headers = { 'if-match': '*', 'content-type': 'application/json', ...more };
  return ask(socket, 'PUT', `/v1/configuration/part?at=${at}${query}`, { ...headers, body: JSON.stringify(body) });
}

async function isAnswered(port: number, status: number): Promise<void> {
  assert.equal((await get(port)).status, status);
}

for (const engine of ENGINES) {
  test(`${engine}: it is replaced whole and in part, by who has read it`, engineSkip(engine), async (t) => {
    const { port, socket, state } = await started(t, engine);
    const { etag, body } = await ask(socket, 'GET', '/v1/configuration');
    const { config } = body as { readonly config: { readonly listeners: object } };
    assert.equal(body['setByApi'], null);
    const json = { 'content-type': 'application/json', body: JSON.stringify(config) };
    const statusOf = async (...asked: Parameters<typeof ask>): Promise<number> => (await ask(...asked)).status;
    assert.equal(await statusOf(socket, 'PUT', '/v1/configuration', json), 428);
    assert.equal(await statusOf(socket, 'PUT', '/v1/configuration', { ...json, 'if-match': '"x"' }), 412);
    const mine = { 'if-match': etag };
    assert.equal(await statusOf(socket, 'PUT', '/v1/configuration', { ...mine, body: '{}' }), 415);
    assert.equal(await statusOf(socket, 'PUT', '/v1/configuration', { ...json, ...mine, body: '{' }), 400);
    assert.equal(await statusOf(socket, 'PUT', '/v1/configuration?bye=x', { ...json, ...mine }), 400);
    assert.equal((await put(socket, '/nowhere/x', 1, mine)).status, 404);
    assert.equal((await put(socket, 'nowhere', 1, mine)).status, 400);
    const wrong = await put(socket, STATUS, 'x', mine);
    assert.equal(wrong.status, 422);
    assert.match(wrong.body['error'] as string, /^\/listeners\/web\/routes\/0\/respond\/status: .* \[wrong-type\]\n/);
    await isAnswered(port, 200);
    assert.ok(!existsSync(join(state, 'admin')));

    const set = await put(socket, STATUS, 201, mine, '&by=alice');
    assert.equal(set.status, 200);
    assert.deepEqual(set.body, { changes: ['listener web: routes changed'], warnings: [], rollbackInMs: null });
    await isAnswered(port, 201);
    // Who has read what was before is late.
    assert.equal((await put(socket, STATUS, 202, mine)).status, 412);
    assert.notEqual(set.etag, etag);
    const whole = await ask(socket, 'PUT', '/v1/configuration', { ...json, 'if-match': set.etag });
    assert.equal(whole.status, 200);
    assert.equal(whole.etag, etag);
    await isAnswered(port, 200);
    const patch = { 'if-match': `"x", ${etag}`, 'content-type': 'application/merge-patch+json' };
    const place = '/v1/configuration/part?at=/listeners/web/routes/0';
    const patched = await ask(socket, 'PATCH', place, { ...patch, body: '{"respond":{"status":404,"body":"no"}}' });
    assert.equal(patched.status, 200);
    assert.deepEqual((await ask(socket, 'GET', place)).body, { respond: { status: 404, body: 'no' } });
    const deleted = await ask(socket, 'DELETE', `${place}/respond/body`, { 'if-match': patched.etag });
    assert.equal(deleted.status, 200);
    assert.deepEqual((await ask(socket, 'GET', place)).body, { respond: { status: 404 } });
    const { body: events } = await ask(socket, 'GET', '/v1/events');
    assert.ok(JSON.stringify(events).includes('configuration set by alice: listener web: routes changed'));
  });

  test(`${engine}: what was set goes before the file, until it is given up`, engineSkip(engine), async (t) => {
    const { evenkeel, port, socket, state, again } = await started(t, engine);
    const command = commandOf(socket);
    assert.equal((await put(socket, STATUS, 201, {}, '&by=alice')).status, 200);
    const [name] = readdirSync(join(state, 'admin'));
    assert.equal(statSync(join(state, 'admin', name)).mode & 0o777, 0o600);
    assert.equal((await ask(socket, 'POST', '/v1/reload')).status, 200);
    await isAnswered(port, 201);
    const check = await command('check', evenkeel.file);
    assert.equal(check.code, 0);
    assert.match(
      check.stderr,
      /goes by a configuration that was set by the API at \S+, and not by this file; .*\[set-by-api\]/,
    );
    // Upgrade and restart.
    const upgraded = await ask(socket, 'POST', '/v1/upgrade');
    assert.equal(upgraded.status, 200, JSON.stringify(upgraded.body));
    endAfter(t, upgraded.body['pid'] as number);
    await isAnswered(port, 201);
    evenkeel.signal('SIGTERM');
    await evenkeel.exit;
    const second = await again();
    await second.said(/the configuration is the one that was set by the API by alice at \S+, and not that of /);
    await isAnswered(port, 201);
    assert.match(
      (await command('status')).stdout,
      /configuration set by the API by alice at \S+ \(\w+\), in place of /,
    );
    // An edit is told, and loses nothing.
    writeFileSync(evenkeel.file, fileAt(port, 203));
    const reload = await ask(socket, 'POST', '/v1/reload');
    assert.equal(reload.status, 422);
    assert.match(reload.body['error'] as string, /has changed since the configuration in force was set \(by alice, /);
    const { body } = await ask(socket, 'GET', '/v1/node');
    const { problems, configuration } = body as { problems: string[]; configuration: { isChanged: boolean } };
    assert.match(problems.join('\n'), /has changed since the configuration in force was set/);
    assert.equal(configuration.isChanged, true);
    assert.deepEqual(await command('config', 'diff'), {
      code: 3,
      stdout: `- ${STATUS}: 201\n+ ${STATUS}: 203\n`,
      stderr: '',
    });
    second.signal('SIGTERM');
    await second.exit;
    const third = await again();
    await third.said(/warn +\S+ has changed since the configuration in force was set/);
    await isAnswered(port, 201);
    const reset = await command('config', 'reset');
    assert.deepEqual([reset.code, reset.stdout], [0, 'listener web: routes changed\n'], reset.stderr);
    await isAnswered(port, 203);
    assert.deepEqual(readdirSync(join(state, 'admin')), []);
    assert.deepEqual(await command('config', 'diff'), { code: 0, stdout: '', stderr: '' });
    writeFileSync(evenkeel.file, fileAt(port, 204));
    assert.equal((await ask(socket, 'POST', '/v1/reload')).status, 200);
    await isAnswered(port, 204);
  });

  test(`${engine}: what nobody confirms is taken back`, engineSkip(engine), async (t) => {
    const { evenkeel, port, socket, state, again } = await started(t, engine);
    const command = commandOf(socket);
    const set = await command('config', 'set', STATUS, '201', '--confirm', '3s');
    assert.equal(set.code, 0, set.stderr);
    assert.match(set.stdout, /^listener web: routes changed\ntaken back in [0-3] s, unless /);
    await evenkeel.said(/info +roll-back of the configuration, which nobody has confirmed within 3 s: listener web/);
    await getUntil(port, ({ status }) => status === 200);
    assert.equal((await command('config', 'confirm')).code, 1);

    // While it waits nothing else happens to it; what is confirmed stays.
    assert.equal((await put(socket, STATUS, 201, {}, '&confirm=3600')).status, 200);
    assert.equal((await ask(socket, 'POST', '/v1/reload')).status, 409);
    const upgrade = await ask(socket, 'POST', '/v1/upgrade');
    assert.deepEqual([upgrade.status, /waits to be confirmed/.test(upgrade.body['error'] as string)], [422, true]);
    const second = await put(socket, STATUS, 202, {}, '&confirm=3600');
    assert.ok((second.body['rollbackInMs'] as number) > 3_000_000);
    // Of two that wait, what was before the first comes back.
    assert.equal((await command('config', 'roll-back')).code, 0);
    await isAnswered(port, 200);
    assert.deepEqual(readdirSync(join(state, 'admin')), []);
    assert.equal((await put(socket, STATUS, 205, {}, '&confirm=3600')).status, 200);
    assert.equal((await command('config', 'confirm')).code, 0);
    assert.equal(readdirSync(join(state, 'admin')).length, 1);

    // A crash before the confirmation takes it back too.
    assert.equal((await put(socket, STATUS, 206, {}, '&confirm=3600')).status, 200);
    await isAnswered(port, 206);
    evenkeel.signal('SIGTERM');
    await evenkeel.exit;
    await again();
    await isAnswered(port, 205);
  });
}

test('what cannot be applied changes nothing, nor what is stored', async (t) => {
  const { port, socket, state } = await started(t, 'node');
  assert.equal((await put(socket, STATUS, 201)).status, 200);
  const admin = join(state, 'admin');
  const [name] = readdirSync(admin);
  const stored = readFileSync(join(admin, name), 'utf8');
  const taken = await freePort();
  const other = http.createServer().listen(taken, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const refused = await put(socket, '/listeners/other', {
    bind: `127.0.0.1:${taken}`,
    routes: [{ respond: { status: 200 } }],
  });
  assert.equal(refused.status, 422, JSON.stringify(refused.body));
  await isAnswered(port, 201);
  assert.deepEqual(readdirSync(admin), [name]);
  assert.equal(readFileSync(join(admin, name), 'utf8'), stored);
});

test('a link in the place of what is stored is replaced, and what it leads to is not touched', async (t) => {
  const { socket, state } = await started(t, 'node');
  assert.equal((await put(socket, STATUS, 201)).status, 200);
  const admin = join(state, 'admin');
  const [name] = readdirSync(admin);
  const victim = join(state, 'victim');
  writeFileSync(victim, 'mine');
  symlinkSync(victim, join(admin, `${name}.next`));
  assert.equal((await put(socket, STATUS, 202)).status, 200);
  assert.equal(readFileSync(victim, 'utf8'), 'mine');
});

test('what cannot be stored is not set', async (t) => {
  const { port, socket, state } = await started(t, 'node');
  // A file where a folder has to be stops root too.
  writeFileSync(join(state, 'admin'), '');
  const { status, body } = await put(socket, STATUS, 201);
  assert.equal(status, 409);
  assert.match(body['error'] as string, /^it cannot be stored in /);
  await isAnswered(port, 200);
});

test('what cannot take its place on disk is in force, is told, and is stored when it can be', async (t) => {
  const { evenkeel, port, socket, state } = await started(t, 'node');
  const command = commandOf(socket);
  const admin = join(state, 'admin');
  assert.equal((await put(socket, STATUS, 201)).status, 200);
  const [name] = readdirSync(admin);
  const path = join(admin, name);
  // A folder with something in it is not replaced by a file, and not removed.
  const obstruct = (): void => {
    rmSync(path, { force: true });
    mkdirSync(join(path, 'x'), { recursive: true });
  };
  const unstored = async (): Promise<unknown> => (await ask(socket, 'GET', '/v1/node')).body['unstored'];
  obstruct();
  const set = await put(socket, STATUS, 202);
  assert.equal(set.status, 200, JSON.stringify(set.body));
  const [warning] = set.body['warnings'] as string[];
  assert.match(warning, /^a restart will forget the configuration that was set: \S+ cannot be written: /);
  await isAnswered(port, 202);
  await evenkeel.said(/error a restart will forget the configuration that was set: /);
  // Both would read what was there before.
  for (const [order, expected] of [
    ['reload', 409],
    ['upgrade', 422],
  ] as const) {
    const { status, body: refusal } = await ask(socket, 'POST', `/v1/${order}`);
    assert.equal(status, expected);
    assert.match(
      refusal['error'] as string,
      /^it would forget the configuration that was set: \S+ cannot be written: /,
    );
  }
  await isAnswered(port, 202);
  assert.equal(((await unstored()) as string[]).length, 1);
  assert.deepEqual(readdirSync(admin), [name]);
  rmSync(path, { recursive: true });
  await evenkeel.said(/ could be written: a restart forgets nothing/);
  assert.match(readFileSync(path, 'utf8'), /"status": 202/);
  assert.deepEqual(await unstored(), []);

  obstruct();
  const waiting = await put(socket, STATUS, 203, {}, '&confirm=3600');
  assert.deepEqual([waiting.status, waiting.body['warnings']], [200, []]);
  const confirmed = await ask(socket, 'POST', '/v1/configuration/confirm');
  assert.equal(confirmed.status, 409);
  assert.match(confirmed.body['error'] as string, /^it cannot be stored in /);
  const reset = await command('config', 'reset');
  assert.deepEqual([reset.code, reset.stdout], [0, 'listener web: routes changed\n'], reset.stderr);
  assert.match(reset.stderr, /^a restart will forget that the configuration is that of the files: /);
  await isAnswered(port, 200);
  rmSync(path, { recursive: true });
  await until(async () => JSON.stringify(await unstored()) === '[]');
});

test('where nothing was set a reset goes by the files, as a reload does', async (t) => {
  const { evenkeel, port, socket, state } = await started(t, 'node');
  writeFileSync(evenkeel.file, fileAt(port, 203));
  const reset = await commandOf(socket)('config', 'reset');
  assert.deepEqual([reset.code, reset.stdout], [0, 'listener web: routes changed\n'], reset.stderr);
  await isAnswered(port, 203);
  assert.ok(!existsSync(join(state, 'admin')));
});

test('who goes before all is sent is no bug of evenkeel', async (t) => {
  const { evenkeel, port, socket } = await started(t, 'node');
  const client = net.connect(socket);
  client.write(
    'PUT /v1/configuration HTTP/1.1\r\nHost: x\r\nIf-Match: *\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n{',
  );
  // The request has come.
  await once(client, 'data');
  client.destroy();
  await once(client, 'close');
  assert.equal((await put(socket, STATUS, 201)).status, 200);
  await isAnswered(port, 201);
  assert.doesNotMatch(evenkeel.stderr, /bug/);
});

test('what is redacted comes back as it is, or is refused', async (t) => {
  const { port, socket } = await started(
    t,
    'node',
    (at) => `
listeners:
  web:
    bind: "127.0.0.1:${at}"
    routes:
      - { match: { header: { X-Api-Key: { exact: hunter2 } } }, respond: { status: 201 } }
      - { match: { header: { X-Api-Key: { exact: hunter3 } } }, respond: { status: 202 } }
      - { respond: { status: 403 } }
`,
  );
  const command = commandOf(socket);
  const statusFor = async (key: string): Promise<number> => {
    const request = http.get({ port, host: '127.0.0.1', agent: false, headers: { 'x-api-key': key } });
    return new Promise((resolve, reject) => {
      request.on('response', (response) => resolve(response.resume().statusCode!)).on('error', reject);
    });
  };
  const { stdout } = await command('config', 'get');
  assert.ok(!stdout.includes('hunter') && stdout.includes('(redacted)'));
  const changed = JSON.parse(stdout) as { listeners: { web: { routes: { respond: { status: number } }[] } } };
  changed.listeners.web.routes[2].respond.status = 404;
  const set = await run(['config', 'set', '-', '--socket', socket], JSON.stringify(changed));
  assert.equal(set.code, 0, set.stderr);
  assert.deepEqual([await statusFor('hunter2'), await statusFor('hunter3'), await statusFor('x')], [201, 202, 404]);
  const other = structuredClone(changed);
  other.listeners.web.routes[0].respond.status = 205;
  const refused = await run(['config', 'set', '-', '--socket', socket], JSON.stringify(other));
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /^evenkeel: \/listeners\/web\/routes\/0\/match\/header\/X-Api-Key: \(redacted\) stands for/,
  );
  assert.equal((await put(socket, STATUS, 205)).status, 200);
  assert.deepEqual([await statusFor('hunter2'), await statusFor('hunter3'), await statusFor('x')], [205, 202, 404]);
});

test('the command has exit codes for scripts', async (t) => {
  const { evenkeel, port, socket } = await started(t, 'node');
  const command = commandOf(socket);
  const { stdout: etag } = await command('config', 'etag');
  assert.deepEqual(await command('config', 'get', STATUS), { code: 0, stdout: '200\n', stderr: '' });
  assert.equal((await command('config', 'get', '/nowhere')).code, 1);
  assert.equal((await command('config', 'set', STATUS, '201', '--if-match', '"x"')).code, 3);
  assert.equal((await command('config', 'set', STATUS, '201', '--if-match', etag.trim())).code, 0);
  assert.equal((await command('config', 'set', STATUS, '{')).code, 1);
  assert.equal((await command('config', 'delete', '/nowhere')).code, 1);
  const next = join(evenkeel.file, '..', 'next.conf');
  writeFileSync(next, `http { server { listen 127.0.0.1:${port}; location / { return 202; } } }`);
  const set = await command('config', 'set', next);
  assert.equal(set.code, 0, set.stderr);
  await getUntil(port, ({ status }) => status === 202);
});

test('a file that is watched is not gone by, and the log says so', async (t) => {
  const [port, state] = [await freePort(), temporaryDirectory(t)];
  const evenkeel = await Evenkeel.start(t, fileAt(port), {
    workers: 1,
    hasSocket: true,
    args: ['--watch'],
    env: { STATE_DIRECTORY: state },
  });
  const socket = `${evenkeel.file}.sock`;
  assert.equal((await put(socket, STATUS, 201)).status, 200);
  appendFileSync(evenkeel.file, '# more\n');
  await evenkeel.said(/error reload by a change of \S+ refused, nothing has changed: \S+ has changed since the config/);
  await isAnswered(port, 201);
});

test('without a file there is nothing that it could go before', async (t) => {
  const [port, state] = [await freePort(), temporaryDirectory(t)];
  const socket = join(state, 'sock');
  const file = join(state, 'x.yaml');
  writeFileSync(file, fileAt(port));
  // It reads standard input, which is the file.
  const evenkeel = Evenkeel.spawn(t, ['run', '-', '--workers', '1', '--socket', socket], {
    env: { RUNTIME_DIRECTORY: state },
    through: ['sh', '-c', `exec "$0" "$@" < ${file}`],
  });
  await evenkeel.said(/ready: .*\n/);
  const { status, body } = await put(socket, STATUS, 201);
  assert.equal(status, 409);
  assert.match(body['error'] as string, /it cannot be set by the API where it comes from standard input/);
});

test('logs are opened again by command', async (t) => {
  const directory = temporaryDirectory(t);
  const { evenkeel, socket } = await started(
    t,
    'node',
    (port) => `
listeners: { web: { bind: "127.0.0.1:${port}", access-log: all, routes: [ { respond: { status: 200 } } ] } }
access-logs: { all: { file: "${directory}/log" } }
`,
  );
  await until(() => readdirSync(directory).includes('log'));
  renameSync(join(directory, 'log'), join(directory, 'log.1'));
  const { code, stdout, stderr } = await commandOf(socket)('reopen');
  assert.deepEqual([code, stdout], [0, 'access logs are opened again\n'], stderr);
  await evenkeel.said(/access logs are opened again/);
  assert.ok(readdirSync(directory).includes('log'));
});
