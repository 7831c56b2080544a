/** docs/migration.md: evenkeel takes the place of an nginx, and of a keepalived, while clients go on. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Pair, VIRTUAL_ADDRESS } from '../src/lab/pair.ts';
import { commandLineOf, killAtOnce } from '../src/lab/processes.ts';
import { refusalOfLab } from '../src/lab/system.ts';
import { ClassicBalancer, refusalOfClassic } from './classic-balancer.ts';
import { ENGINES, engineSkip, freePort, get, kill, program, startBackend, startLoad } from './evenkeel.ts';
import { findProgram, peerSkip, temporaryDirectory } from './peers.ts';
import { endFamily } from './family.ts';
import { until } from './waiting.ts';

const PAGE = readFileSync(new URL('../../docs/migration.md', import.meta.url), 'utf8');
const CLIENTS = 4;
const classic = { skip: refusalOfLab() ?? refusalOfClassic() ?? false, timeout: 240_000 };

/** One connection to the virtual address, on which it asks again and again; it ends when that ends. */
const FAITHFUL = `
const http = require('node:http');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
let first = null;
const ask = () => {
  const request = http.get({ host: '${VIRTUAL_ADDRESS}', agent }, (response) => {
    first ??= request.socket;
    if (request.socket !== first) process.exit(1);
    response.resume().on('end', () => { console.log(response.statusCode); setTimeout(ask, 50); });
  }).on('error', (error) => { console.error(error.message); process.exit(1); });
};
ask();
`;

test("the page's way to try an nginx.conf on other ports", engineSkip('node'), (t) => {
  const folder = temporaryDirectory(t);
  const servers = ['80', '[::]:80 ipv6only=on', '127.0.0.1:443', '[2001:db8::1]:8080']
    .map((at) => `listen ${at};`)
    .join(' ');
  const stream =
    'stream { server { listen 3306; proxy_pass 127.0.0.1:3307; } server { listen 53 udp; proxy_pass 127.0.0.1:54; } }';
  writeFileSync(join(folder, 'nginx.conf'), `events { } http { server { ${servers} return 204; } } ${stream}\n`);
  const [, command] = /^evenkeel convert .*(\| perl .*) >/m.exec(PAGE)!;
  const convert = `${process.execPath} ${program} convert ${folder}/nginx.conf`;
  const { stdout } = spawnSync('sh', ['-c', `${convert} ${command}`], { encoding: 'utf8' });
  const binds = stdout.split('\n').filter((line) => /^ *bind:/.test(line));
  assert.deepEqual(binds.join().match(/:\d+(?=[ ,"]|$)/g), [
    ':10080',
    ':10080',
    ':10443',
    ':18080',
    ':13306',
    ':10053',
  ]);
  assert.match(stdout, /"\[2001:db8::1\]:18080"/);
});

/** Nothing of a file that is not there. */
function textIn(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

test('nginx hands its sockets to evenkeel, which nobody notices', peerSkip(ENGINES[0], 'nginx'), async (t) => {
  const halves: (() => void)[] = [];
  const backend = await startBackend(t, (request, response) => {
    if (request.url !== '/slow') return void response.end('well\n');
    response.write('half');
    halves.push(() => response.end(' and half'));
  });
  const folder = temporaryDirectory(t);
  const port = await freePort();
  const others = ['fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');
  const configuration = `
pid nginx.pid; error_log error.log info;
events { }
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; ${others}
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://${backend.address}; } }
}
`;
  writeFileSync(join(folder, 'nginx.conf'), configuration);
  const pid = (name = 'nginx.pid'): number | null => {
    // Of nginx it may be read before it is written; and it is renamed while it is looked for.
    const text = textIn(join(folder, name));
    return text === '' ? null : Number(text);
  };
  const log = (): string => readFileSync(join(folder, 'error.log'), 'utf8');
  const installed = join(folder, 'nginx');
  symlinkSync(findProgram('nginx')!, installed);
  const command = (...more: readonly string[]): number | null =>
    spawnSync(installed, ['-p', folder, '-c', 'nginx.conf', '-e', 'error.log', ...more], { stdio: 'ignore' }).status;
  assert.equal(command(), 0);
  const before = pid()!;
  t.after(() => [before, pid()].forEach((each) => each !== null && endFamily(each)));

  const load = startLoad(t, port, CLIENTS);
  const slow = get(port, '/slow');
  // An nginx that has only just started may lose a signal.
  await until(() => halves.length > 0, log);
  writeFileSync(join(folder, 'next'), `#!/bin/sh\nexec ${process.execPath} ${program} nginx "$@"\n`, { mode: 0o755 });
  renameSync(join(folder, 'next'), installed);
  kill(before, 'SIGUSR2');
  await until(() => pid() !== null && pid() !== before, log);
  const after = pid()!;
  assert.equal(pid('nginx.pid.oldbin'), before);
  kill(before, 'SIGQUIT');
  await until(() => /gracefully shutting down/.test(log()), log);
  // Old connections are the old one's until they end.
  assert.ok(kill(before, 0));
  for (let i = 0; i < 20; i++) assert.equal((await get(port)).status, 200);
  halves[0]();
  assert.equal((await slow).body, 'half and half');
  await until(() => !kill(before, 0), log);
  assert.ok(kill(after, 0));
  for (let i = 0; i < 20; i++) assert.equal((await get(port)).status, 200);
  const { done, failures } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(done > 0);
  assert.equal(command('-s', 'quit'), 0);
  await until(
    () => !kill(after, 0),
    () => `${log()}${readFileSync(`/proc/${after}/status`, 'utf8')}`,
  );
  assert.equal(pid(), null);
});

test(
  'keepalived leaves its address to evenkeel on the same machine, and its peer does not notice',
  classic,
  async (t) => {
    const pair = await Pair.create([process.execPath, program]);
    t.after(() => pair.remove());
    const [lb01, lb02] = [await ClassicBalancer.boot(pair, 'lb01'), await ClassicBalancer.boot(pair, 'lb02')];
    await Promise.all([lb01.startNginx(), lb02.startNginx()]);
    lb01.startKeepalived();
    await lb01.entered('MASTER');
    const second = lb02.startEvenkeel([process.execPath, program]);
    await until(
      () => /VI_1: initialize to backup/.test(second.output),
      () => second.output,
    );
    const client = pair.startClient(50);
    await client.served(500);
    let answers = 0;
    const faithful = pair.run('client', [process.execPath, '-e', FAITHFUL], { onLine: () => answers++ });
    await until(
      () => answers > 10,
      () => faithful.output,
    );
    client.restart();
    const changes = pair.watch.changes.length;

    lb01.kill('keepalived');
    const first = lb01.startEvenkeel([process.execPath, program]);
    await until(
      () => /VI_1: \w+ to active/.test(first.output),
      () => `${first.output}\n${second.output}`,
    );
    assert.match(first.output, /VI_1: left-here: another program has left the addresses on this machine/);
    await client.served(1_000);
    assert.equal(client.outages.failed, 0);
    assert.deepEqual(pair.watch.changes.slice(changes), []);
    assert.deepEqual(pair.watch.holders(), ['lb01']);
    assert.doesNotMatch(second.output, /to active/);
    const sofar = answers;
    await until(
      () => answers > sofar + 10,
      () => faithful.output,
    );
    assert.ok(faithful.isRunning, faithful.output);

    // It is evenkeel's from now on, and goes when that is killed.
    killAtOnce(pair.processes('lb01').filter((pid) => commandLineOf(pid).includes('evenkeel')));
    await until(
      () => pair.watch.holders().join() === 'lb02',
      () => `${pair.watch.holders().join()}\n${second.output}`,
    );
  },
);
