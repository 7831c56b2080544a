/** The commands on docs/backup.md: what was set, said by hand and let in before is there again after a restore. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandOf } from '../commands.ts';
import { engineSkip, Evenkeel, freePort } from '../evenkeel.ts';
import { temporaryDirectory } from '../peers.ts';

const page = readFileSync(new URL('../../../docs/backup.md', import.meta.url), 'utf8');
const [backUp, restore] = Array.from(page.matchAll(/^```sh\n([^]*?)^```/gm), ([, text]) => text);

async function stop(evenkeel: Evenkeel): Promise<void> {
  evenkeel.signal('SIGTERM');
  assert.equal(await evenkeel.exit, 0);
}

test('what was backed up is there after a restore', engineSkip('node'), async (t) => {
  const root = temporaryDirectory(t);
  const state = join(root, 'var/lib/evenkeel');
  const file = join(root, 'etc/evenkeel/evenkeel.yaml');
  const [socket, port] = [join(root, 'socket'), await freePort()];
  mkdirSync(join(root, 'etc/evenkeel'), { recursive: true });
  mkdirSync(state, { recursive: true });
  const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "192.0.2.7:80", "192.0.2.8:80" ] } }
`;
  writeFileSync(file, yaml);
  const env = { STATE_DIRECTORY: state, RUNTIME_DIRECTORY: root };
  const start = async (): Promise<Evenkeel> => {
    const args = ['run', file, '--node', 'lb01', '--engine', 'node', '--workers', '1', '--socket', socket];
    const evenkeel = Evenkeel.spawn(t, args, { env });
    await evenkeel.said(/ready: .*\n/);
    return evenkeel;
  };
  const shell = (commands: string): void => {
    const here = commands
      .replaceAll('tar -C /', `tar -C ${root}`)
      .replaceAll('evenkeel-lb01.tar.gz', `${root}/evenkeel-lb01.tar.gz`)
      .replaceAll(/^(systemctl|evenkeel) .*$/gm, '');
    execFileSync('sh', ['-ec', here]);
  };
  const command = commandOf(socket);
  const ask = async (...words: readonly string[]): Promise<string> => {
    const { code, stderr, stdout } = await command(...words);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  let evenkeel = await start();
  await ask('server', 'drain', 'web/192.0.2.8:80');
  await ask('config', 'set', '/upstreams/web/servers/-', '192.0.2.9:80');
  writeFileSync(join(state, 'token-like'), 'any other file of the state');
  shell(backUp);
  await stop(evenkeel);

  rmSync(state, { recursive: true });
  rmSync(file);
  shell(restore);
  assert.equal(readFileSync(file, 'utf8'), yaml);
  assert.ok(existsSync(join(state, 'token-like')));
  evenkeel = await start();
  assert.equal(
    await ask('config', 'get', '/upstreams/web/servers'),
    '[\n  "192.0.2.7:80",\n  "192.0.2.8:80",\n  "192.0.2.9:80"\n]\n',
  );
  assert.match(await ask('status'), /web\/192\.0\.2\.8:80 +draining /);
  await stop(evenkeel);
});
