/** A real PostgreSQL for tests. */
import { chmodSync, chownSync, copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import type { TestContext } from 'node:test';
import type { MadeCertificate } from '../src/load/tls/testing/certificate-maker.ts';
import { type Engine, engineSkip, freePort } from './evenkeel.ts';
import { Daemon, findProgram, runOk, temporaryDirectory } from './peers.ts';

/** Its programs are where no PATH looks. */
function directory(): string | null {
  try {
    const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
    return versions.length === 0 ? null : `/usr/lib/postgresql/${versions[0]}/bin`;
  } catch {
    return null;
  }
}

/** For a test's options, as `peerSkip`. */
export function postgresSkip(engine: Engine | null): { skip: string | false } {
  const missing = ['setpriv', 'psql'].filter((name) => findProgram(name) === null);
  if (directory() === null) missing.push('postgresql');
  if (missing.length > 0) return { skip: `not installed: ${missing.join(', ')}` };
  return engine === null ? { skip: false } : engineSkip(engine);
}

export interface Postgres {
  readonly port: number;
  readonly daemon: Daemon;
}

/** How clients show that they are the user `postgres`: not at all, or by a password that nobody knows. */
type Access = 'trust' | 'password';

export interface PostgresOptions {
  readonly access: Access;
  /** `cluster_name`, by which a client knows it. */
  readonly name?: string;
  /** Without it, it does not speak TLS. */
  readonly tls?: MadeCertificate;
}

/** A PostgreSQL of its own on 127.0.0.1. */
export async function startPostgres(
  t: TestContext,
  { access, name = 'test', tls }: PostgresOptions,
): Promise<Postgres> {
  const bin = directory() as string;
  const folder = temporaryDirectory(t);
  const data = `${folder}/data`;
  mkdirSync(data);
  // it refuses to run as root
  const isRoot = process.getuid?.() === 0;
  const as = isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--'] : ['env'];
  const own = async (path: string): Promise<void> => {
    if (isRoot)
      chownSync(path, Number(await runOk('id', ['-u', 'postgres'])), Number(await runOk('id', ['-g', 'postgres'])));
  };
  chmodSync(folder, 0o755);
  await own(data);
  const [command, ...rest] = as;
  const how = access === 'trust' ? ['-A', 'trust'] : ['-A', 'scram-sha-256', '--pwfile=/etc/hostname'];
  await runOk(command, [...rest, `${bin}/initdb`, '-D', data, '-U', 'postgres', ...how, '--no-sync']);
  const more = [`cluster_name=${name}`, 'log_min_messages=info'];
  if (tls !== undefined) {
    for (const kind of ['certificate', 'key'] as const) {
      copyFileSync(tls[kind], `${data}/${kind}`);
      chmodSync(`${data}/${kind}`, 0o600);
      await own(`${data}/${kind}`);
    }
    more.push('ssl=on', `ssl_cert_file=${data}/certificate`, `ssl_key_file=${data}/key`);
  }
  const port = await freePort();
  const args = ['-D', data, '-p', `${port}`, '-h', '127.0.0.1', '-k', data, ...more.flatMap((each) => ['-c', each])];
  const daemon = await Daemon.start(t, command, [...rest, `${bin}/postgres`, ...args], port);
  return { port, daemon };
}
