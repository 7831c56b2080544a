/**
 * tlsfuzzer against a TLS listener: `npm run tlsfuzzer -- FOLDER [WORD...]`. FOLDER has `scripts` and `tlsfuzzer` of the public repository
 * tlsfuzzer/tlsfuzzer and `tlslite` of tlsfuzzer/tlslite-ng, of which nothing is kept here; WORDs choose scripts by their names. It needs
 * /usr/bin/python3 with the ecdsa module (Debian: python3-ecdsa). Each engine has a run, against a certificate of each kind of key. Exits with 1 if a
 * probe ends otherwise than scripts.ts and docs/tls-conformance.md say.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateMaker } from '../../src/load/tls/testing/certificate-maker.ts';
import { ENGINES, type Engine, freePort, program } from '../evenkeel.ts';
import { reasonOf, type Script, SCRIPTS } from './scripts.ts';

const SCRIPT_MS_MAX = 300_000;

interface Listening {
  readonly intermediate: number;
  readonly wide: number;
}

const [folder, ...words] = process.argv.slice(2);
const chosen = SCRIPTS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
process.exitCode = folder === undefined ? usage() : await runEngines();

function usage(): number {
  process.stderr.write('usage: npm run tlsfuzzer -- FOLDER [WORD...]\n');
  return 2;
}

async function runEngines(): Promise<number> {
  let unexpected = 0;
  for (const engine of ENGINES) unexpected += await runAll(engine);
  return unexpected === 0 ? 0 : 1;
}

/** How many scripts have a probe that ends otherwise than is known. */
async function runAll(engine: Engine): Promise<number> {
  const base = mkdtempSync(join(tmpdir(), 'evenkeel-tlsfuzzer-'));
  const certificates = new CertificateMaker();
  const ports: Listening = { intermediate: await freePort(), wide: await freePort() };
  const file = join(base, 'evenkeel.yaml');
  writeFileSync(file, configuration(certificates, ports));
  const args = [program, 'run', file, '--workers', '1', '--engine', engine, '--socket', join(base, 'socket')];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, RUNTIME_DIRECTORY: base },
  });
  let unexpected = 0;
  try {
    await once(child.stdout, 'data');
    for (const script of chosen) {
      const { passed, failed } = await runScript(script, ports);
      const isFine = passed + failed.length > 0 && failed.every((probe) => reasonOf(script, probe) !== null);
      if (!isFine) unexpected++;
      const lines = failed.map((probe) => `    ${probe}: ${reasonOf(script, probe) ?? 'NOT EXPECTED'}\n`).join('');
      process.stdout.write(`${engine} ${isFine ? 'ok' : 'FAIL'} ${script.name}: ${passed} pass\n${lines}`);
    }
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
    certificates.remove();
    rmSync(base, { recursive: true });
  }
  return unexpected;
}

function configuration(certificates: CertificateMaker, { intermediate, wide }: Listening): string {
  const pairs = (['rsa', 'ec'] as const).map((key) => {
    const { certificate, key: file } = certificates.make(key, { names: ['localhost'], key });
    return `{ certificate: ${certificate}, key: ${file} }`;
  });
  const listener = (port: number, profile: string): string => `
    bind: "127.0.0.1:${port}"
    tls: { certificates: [ ${pairs.join(', ')} ], profile: ${profile}, session-cache: true }
    routes: [ { respond: { body: "hello" } } ]`;
  const suites = ['AES_128_GCM_SHA256', 'AES_256_GCM_SHA384', 'CHACHA20_POLY1305_SHA256', 'AES_128_CCM_SHA256'];
  const all = [...suites, 'AES_128_CCM_8_SHA256'].map((suite) => `TLS_${suite}`).join(':');
  const wideProfile = `{ versions: [TLSv1.2, TLSv1.3], ciphers: "ALL:!aNULL:@SECLEVEL=0", ciphersuites: "${all}" }`;
  return `listeners:\n  intermediate:${listener(intermediate, 'intermediate')}\n  wide:${listener(wide, wideProfile)}\n`;
}

async function runScript(script: Script, ports: Listening): Promise<{ passed: number; failed: readonly string[] }> {
  const port = script.isWide ? ports.wide : ports.intermediate;
  const args = [`scripts/test-${script.name}.py`, '-h', '127.0.0.1', '-p', `${port}`, ...script.args];
  const child = spawn('/usr/bin/python3', args, {
    cwd: folder,
    env: { ...process.env, PYTHONPATH: '.' },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: SCRIPT_MS_MAX,
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString('latin1')));
  const [code] = (await once(child, 'close')) as [number | null];
  const passed = Number(/^PASS: (\d+)/m.exec(output)?.[1] ?? 0) + Number(/^XFAIL: (\d+)/m.exec(output)?.[1] ?? 0);
  const failed = [...(/^FAILED:\n([^]*)/m.exec(output)?.[1] ?? '').matchAll(/^\t'(.*)'$/gm)].map(([, probe]) => probe);
  return { passed, failed: code !== 0 && failed.length === 0 ? [`exit code ${code}`] : [...new Set(failed)] };
}
