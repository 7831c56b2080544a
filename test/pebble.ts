/** Pebble, the small certificate authority for tests of ACME clients, with a name server in which every name is this machine. */
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import https from 'node:https';
import type { TestContext } from 'node:test';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { freePort } from './evenkeel.ts';
import { until } from './waiting.ts';

export const pebbleSkip = ['pebble', 'pebble-challtestsrv'].every((name) => spawnSync('which', [name]).status === 0)
  ? false
  : 'needs pebble and pebble-challtestsrv';

export interface PebbleOptions {
  /** Where it looks for challenges. */
  readonly httpPort?: number;
  readonly tlsPort?: number;
  /** Customers alone, by the identifiers of their keys. */
  readonly keys?: Readonly<Record<string, string>>;
  readonly env?: NodeJS.ProcessEnv;
}

export interface Pebble {
  readonly directory: string;
  /** A file: who has issued its own certificate. */
  readonly ca: string;
  readonly maker: CertificateMaker;
  /** What it has said. */
  readonly said: () => string;
  /** Sets what the name server says. */
  readonly name: (what: string, body: object) => Promise<void>;
  /** The root of what it has issued, PEM. */
  readonly root: () => Promise<string>;
  readonly management: number;
  readonly signal: (signal: NodeJS.Signals) => void;
}

export async function startPebble(t: TestContext, options: PebbleOptions = {}): Promise<Pebble> {
  const maker = new CertificateMaker();
  t.after(() => maker.remove());
  maker.make('authority', { names: [], isAuthority: true });
  maker.make('pebble', { names: ['localhost'], issuer: 'authority' });
  const [port, managementPort, dnsPort, dnsManagementPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${managementPort}`,
      certificate: maker.path('pebble.pem'),
      privateKey: maker.path('pebble.key'),
      httpPort: options.httpPort ?? 1,
      tlsPort: options.tlsPort ?? 1,
      ocspResponderURL: '',
      externalAccountBindingRequired: options.keys !== undefined,
      ...(options.keys === undefined ? {} : { externalAccountMACKeys: options.keys }),
    },
  };
  writeFileSync(maker.path('pebble.json'), JSON.stringify(config));
  const names = spawn(
    'pebble-challtestsrv',
    ['-defaultIPv6', '', '-http01', '', '-https01', '', '-tlsalpn01', '', '-dns01', `127.0.0.1:${dnsPort}`].concat([
      '-management',
      `127.0.0.1:${dnsManagementPort}`,
    ]),
    { stdio: 'ignore' },
  );
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', ...options.env };
  const args = ['-config', maker.path('pebble.json'), '-dnsserver', `127.0.0.1:${dnsPort}`];
  const server = spawn('pebble', args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let text = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (data: Buffer) => (text += data.toString()));
  t.after(() => {
    server.kill('SIGKILL');
    names.kill('SIGKILL');
  });
  await until(
    () => text.includes('ACME directory available'),
    () => `pebble does not start:\n${text}`,
  );
  const name = async (what: string, body: object): Promise<void> => {
    const answer = await fetch(`http://127.0.0.1:${dnsManagementPort}/${what}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`the name server says ${answer.status}`);
  };
  await until(
    () =>
      name('clear-txt', { host: '_acme-challenge.nobody.example.' }).then(
        () => true,
        () => false,
      ),
    () => 'the name server does not start',
  );
  return {
    directory: `https://localhost:${port}/dir`,
    ca: maker.path('authority.pem'),
    maker,
    said: () => text,
    name,
    root: () => get(`https://localhost:${managementPort}/roots/0`),
    management: dnsManagementPort,
    signal: (signal) => server.kill(signal),
  };
}

/** Whoever has issued its certificate. */
export function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    https
      .get(url, { rejectUnauthorized: false }, (response) => {
        let text = '';
        response.on('data', (data: Buffer) => (text += data.toString()));
        response.on('end', () => resolve(text));
      })
      .on('error', reject);
  });
}
