/** A real OpenSSH server for tests. */
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from './evenkeel.ts';
import { Daemon, runOk, temporaryDirectory } from './peers.ts';

export interface Sshd {
  readonly daemon: Daemon;
  readonly port: number;
  readonly key: string;
}

/** An sshd of its own on 127.0.0.1, with keys of its own, for the user who runs the test. */
export async function startSshd(t: TestContext): Promise<Sshd> {
  const directory = temporaryDirectory(t);
  const hostKey = join(directory, 'host-key');
  const key = join(directory, 'key');
  for (const file of [hostKey, key]) await runOk('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  copyFileSync(`${key}.pub`, join(directory, 'authorized'));
  const port = await freePort();
  const configuration = `
ListenAddress 127.0.0.1:${port}
HostKey ${hostKey}
PidFile none
AuthorizedKeysFile ${join(directory, 'authorized')}
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
# Not the first shell of a session: bash then leaves the user's .bashrc, which may do anything, unread.
SetEnv SHLVL=1
Subsystem sftp internal-sftp
`;
  const file = join(directory, 'sshd_config');
  writeFileSync(file, configuration);
  // where a privileged sshd leaves its unprivileged half
  if (process.getuid?.() === 0) {
    mkdirSync('/run/sshd', { recursive: true });
    chmodSync('/run/sshd', 0o755);
  }
  const daemon = await Daemon.start(t, 'sshd', ['-D', '-e', '-f', file], port);
  return { daemon, port, key };
}
