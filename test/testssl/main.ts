/**
 * testssl.sh against a TLS listener: `npm run testssl`. It needs Debian's testssl.sh. Each engine has a run, with a certificate of each kind of key
 * and HTTP/2. Exits with 1 if something is found at LOW or above that docs/tls-conformance.md has no reason for.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateMaker } from '../../src/load/tls/testing/certificate-maker.ts';
import { ENGINES, type Engine, freePort, program } from '../evenkeel.ts';

const RUN_MS_MAX = 600_000;
/** Of testssl.sh; what is below says how it went, or what there is. */
const FOUND: ReadonlySet<string> = new Set(['LOW', 'MEDIUM', 'HIGH', 'CRITICAL']);

/** What is known, by how its identifier begins, and why it is so. */
const REASONS: Readonly<Record<string, string>> = {
  cipher_order: "the client's order counts, for all suites are good ones",
  cert_revocation: 'the certificate of the test has no address for that',
  DNS_CAArecord: 'localhost has no such record',
  security_headers: "a matter of the site's",
};

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

let unexpected = 0;
for (const engine of ENGINES) unexpected += await scan(engine);
process.exitCode = unexpected === 0 ? 0 : 1;

/** How much it has found that nobody knows of. */
async function scan(engine: Engine): Promise<number> {
  const base = mkdtempSync(join(tmpdir(), 'evenkeel-testssl-'));
  const certificates = new CertificateMaker();
  const port = await freePort();
  const file = join(base, 'evenkeel.yaml');
  const { root, yaml } = configuration(certificates, port);
  writeFileSync(file, yaml);
  const args = [program, 'run', file, '--workers', '1', '--engine', engine, '--socket', join(base, 'socket')];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, RUNTIME_DIRECTORY: base },
  });
  try {
    await once(child.stdout, 'data');
    const found = await findings(base, root, port);
    for (const one of found) {
      process.stdout.write(`${engine} ${one.severity} ${one.id}: ${reasonOf(one) ?? `NOT EXPECTED: ${one.finding}`}\n`);
    }
    return found.filter((one) => reasonOf(one) === null).length;
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
    certificates.remove();
    rmSync(base, { recursive: true });
  }
}

function configuration(certificates: CertificateMaker, port: number): { readonly root: string; readonly yaml: string } {
  const { certificate: root } = certificates.make('root', { names: [], isAuthority: true, until: 3650 });
  const pairs = (['ec', 'rsa'] as const).map((key) => {
    const made = certificates.make(key, { names: ['localhost'], key, issuer: 'root', until: 300 });
    return `{ certificate: ${made.certificate}, key: ${made.key} }`;
  });
  const yaml = `listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    tls: { certificates: [ ${pairs.join(', ')} ] }
    routes:
      - respond: { body: "hello" }
        headers: { response: { set: { Strict-Transport-Security: max-age=63072000 } } }
`;
  return { root, yaml };
}

async function findings(base: string, root: string, port: number): Promise<readonly Finding[]> {
  const out = join(base, 'found.json');
  const args = ['--quiet', '--warnings', 'off', '--add-ca', root, '--jsonfile', out, `https://localhost:${port}`];
  const child = spawn('testssl', args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: RUN_MS_MAX });
  await once(child, 'close');
  const all = JSON.parse(readFileSync(out, 'utf8')) as readonly Finding[];
  if (!all.some(({ id }) => id === 'cipher_order')) throw new Error(`testssl has not come to its end: ${out}`);
  return all.filter(({ severity }) => FOUND.has(severity));
}

function reasonOf({ id }: Finding): string | null {
  const name = Object.keys(REASONS).find((start) => id.startsWith(start));
  return name === undefined ? null : REASONS[name];
}
