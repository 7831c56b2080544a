/** OpenSSH behind a TCP listener: real logins with a key, and bulk transfers in both directions. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { peerSkip, run, runOk, sha256, temporaryDirectory } from './peers.ts';
import { startSshd } from './sshd.ts';

test('OpenSSH through evenkeel', peerSkip(null, 'sshd', 'ssh', 'scp', 'ssh-keygen'), async (t) => {
  const server = await startSshd(t);
  const directory = temporaryDirectory(t);
  const original = join(directory, 'original');
  writeFileSync(original, randomBytes(20 * 1024 * 1024));
  const expected = await sha256(original);
  const { username } = userInfo();

  for (const engine of ENGINES) {
    await t.test(`[${engine}]`, engineSkip(engine), async (t) => {
      const port = await freePort();
      const yaml = `
listeners: { ssh: { bind: "127.0.0.1:${port}", protocol: tcp, upstream: ssh } }
upstreams: { ssh: { servers: [ "127.0.0.1:${server.port}" ], health: { ssh: true } } }
`;
      await Evenkeel.start(t, yaml, { engine, workers: 2 });
      const known = join(directory, `known-${engine}`);
      const options = [
        'IdentitiesOnly=yes',
        'StrictHostKeyChecking=accept-new',
        `UserKnownHostsFile=${known}`,
        'BatchMode=yes',
      ];
      const common = ['-F', 'none', '-q', '-i', server.key, ...options.flatMap((option) => ['-o', option])];
      const ssh = ['-p', `${port}`, ...common, `${username}@127.0.0.1`];

      await t.test('a login and a command, with its exit code', async () => {
        assert.equal(await runOk('ssh', [...ssh, 'echo hello']), 'hello\n');
        assert.equal((await run('ssh', [...ssh, 'exit 7'])).code, 7);
      });

      await t.test('a key that the server does not know is refused', async () => {
        const wrong = join(directory, `wrong-${engine}`);
        await runOk('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', wrong]);
        const args = ssh.map((arg) => (arg === server.key ? wrong : arg));
        assert.equal((await run('ssh', [...args, 'true'])).code, 255);
      });

      await t.test('a bulk transfer to the server through a pipe', async () => {
        const target = join(directory, `there-${engine}`);
        await runOk('ssh', [...ssh, `cat > ${target}`], { input: original });
        assert.equal(await sha256(target), expected);
      });

      await t.test('a bulk transfer from the server through a pipe', async () => {
        const target = join(directory, `back-${engine}`);
        await runOk('ssh', [...ssh, `cat ${original}`], { output: target });
        assert.equal(await sha256(target), expected);
      });

      await t.test('scp in both directions', async () => {
        const there = join(directory, `scp-there-${engine}`);
        const back = join(directory, `scp-back-${engine}`);
        const scp = ['-P', `${port}`, ...common];
        await runOk('scp', [...scp, original, `${username}@127.0.0.1:${there}`]);
        await runOk('scp', [...scp, `${username}@127.0.0.1:${there}`, back]);
        assert.equal(await sha256(back), expected);
        assert.ok(readFileSync(known, 'utf8').includes(`[127.0.0.1]:${port}`));
      });

      await t.test('ten sessions at the same time', async () => {
        const answers = await Promise.all(
          Array.from({ length: 10 }, (_, i) => runOk('ssh', [...ssh, `sleep 0.2; echo ${i}`])),
        );
        answers.forEach((answer, i) => assert.equal(answer, `${i}\n`));
      });
    });
  }
});
