/** A real MariaDB for tests. */
import { mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from './evenkeel.ts';
import { Daemon, runOk, temporaryDirectory } from './peers.ts';

export interface Mariadb {
  readonly port: number;
  readonly daemon: Daemon;
  /** Runs a statement as its root, and returns the rows. */
  readonly sql: (statement: string) => Promise<string>;
}

/** A MariaDB of its own on 127.0.0.1, with a database `shop`, a user `app`, and a user `evenkeel` for health checks; `more`: settings. */
export async function startMariadb(t: TestContext, more: readonly string[] = []): Promise<Mariadb> {
  const directory = temporaryDirectory(t);
  const data = join(directory, 'data');
  mkdirSync(data);
  const common = ['--no-defaults', `--datadir=${data}`, `--user=${userInfo().username}`];
  await runOk('mariadb-install-db', [...common, '--auth-root-authentication-method=normal', '--skip-test-db']);
  const port = await freePort();
  const socket = join(directory, 'socket');
  const settings = [
    '--innodb-buffer-pool-size=32M',
    '--max-allowed-packet=64M',
    '--skip-log-bin',
    '--skip-name-resolve',
    '--performance-schema=on',
    ...more,
  ];
  const where = [`--port=${port}`, '--bind-address=127.0.0.1', `--socket=${socket}`, `--pid-file=${directory}/pid`];
  const daemon = await Daemon.start(t, 'mariadbd', [...common, ...settings, ...where], port);
  const sql = (statement: string): Promise<string> =>
    runOk('mariadb', ['--no-defaults', '-uroot', `--socket=${socket}`, '-N', '-e', statement]);
  await sql(`CREATE DATABASE shop; CREATE USER app@'127.0.0.1' IDENTIFIED BY 'secret'`);
  await sql(`GRANT ALL ON shop.* TO app@'127.0.0.1'; CREATE USER evenkeel@'127.0.0.1'`);
  return { port, daemon, sql };
}
