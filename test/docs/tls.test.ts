/** The certificate on docs/tls.md to try it with: made, served, and trusted by the client that is told to. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Evenkeel, freePort, startBackend } from '../evenkeel.ts';
import { temporaryDirectory } from '../peers.ts';

const page = readFileSync(new URL('../../../docs/tls.md', import.meta.url), 'utf8');
const [, file] = /^```yaml\n([^]*?)^```/m.exec(page)!;
const [, commands] = /^```sh\n([^]*?)^```/m.exec(page)!;
const [make, ask] = commands.split(/\n(?=curl)/);
const hasTools = ['openssl version', 'curl --version'].every((line) => spawnSync('sh', ['-c', line]).status === 0);
const skip = hasTools ? false : 'needs openssl and curl';

test('the certificate to try it with is one', { skip }, async (t) => {
  const folder = temporaryDirectory(t);
  const [port, clear] = [await freePort(), await freePort()];
  const server = await startBackend(t, (_, response) => response.end('the site'));
  const here = (text: string): string =>
    text
      .replaceAll('/etc/evenkeel/tls', folder)
      .replaceAll('shop.example:443', `shop.example:${port}`)
      .replace('*:443', `127.0.0.1:${port}`)
      .replace('*:80', `127.0.0.1:${clear}`)
      .replace('192.0.2.1:80', server.address);
  execFileSync('sh', ['-ec', here(make)], { stdio: 'ignore' });
  await Evenkeel.start(t, here(file), { workers: 1 });
  const { stdout } = await promisify(execFile)('sh', ['-ec', here(ask)]);
  assert.equal(stdout, 'the site');
});
