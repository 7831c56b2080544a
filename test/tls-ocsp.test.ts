/** OCSP responses from a file, as openssl's client gets them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { ENGINES, engineSkip, Evenkeel, freePort, program } from './evenkeel.ts';
import { until } from './waiting.ts';

const maker = new CertificateMaker();
after(() => maker.remove());
maker.make('root', { names: [], isAuthority: true });
maker.make('site', { names: ['shop.example'], issuer: 'root', mustStaple: true });
maker.make('site-rsa', { names: ['shop.example'], issuer: 'root', key: 'rsa' });
maker.make('bare', { names: ['bare.example'], issuer: 'root' });
for (const name of ['site', 'site-rsa', 'bare']) maker.join(`${name}.chain`, `${name}.pem`, 'root.pem');

/** What openssl says of the response that it gets. */
function statusOf(port: number, ...more: readonly string[]): string {
  const args = `s_client -connect 127.0.0.1:${port} -status -CAfile ${maker.path('root.pem')}`.split(' ');
  const { stdout } = spawnSync('openssl', [...args, ...more], { encoding: 'utf8', input: '' });
  assert.match(stdout, /Verify return code: 0/);
  const serial = /Serial Number: ([0-9A-F]+)/.exec(stdout)?.[1] ?? '';
  return `${/OCSP response: no response sent/.test(stdout) ? 'none' : (/Cert Status: (\w+)/.exec(stdout)?.[1] ?? '?')} ${serial}`;
}

function serialOf(name: string): string {
  const args = ['x509', '-noout', '-serial', '-in', maker.path(`${name}.pem`)];
  return spawnSync('openssl', args, { encoding: 'utf8' }).stdout.trim().replace('serial=', '');
}

for (const engine of ENGINES) {
  test(
    `${engine}: each certificate has its response, which is replaced without a reload`,
    engineSkip(engine),
    async (t) => {
      const [ecdsa, rsa] = [maker.respond('site', 'root', 7), maker.respond('site-rsa', 'root', 7)];
      const port = await freePort();
      const pair = (name: string): string =>
        `certificate: ${maker.path(`${name}.chain`)}, key: ${maker.path(`${name}.key`)}`;
      const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    tls:
      certificates:
        - { ${pair('site')}, ocsp: ${ecdsa} }
        - { ${pair('site-rsa')}, ocsp: ${rsa} }
        - { ${pair('bare')} }
    routes: [ { respond: { body: ok } } ]
`;
      const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, hasSocket: true });
      const shop = ['-servername', 'shop.example'];
      for (const version of ['-tls1_2', '-tls1_3']) {
        assert.equal(statusOf(port, ...shop, version, '-sigalgs', 'ECDSA+SHA256'), `good ${serialOf('site')}`, version);
      }
      assert.equal(statusOf(port, ...shop, '-sigalgs', 'RSA-PSS+SHA256'), `good ${serialOf('site-rsa')}`);
      assert.equal(statusOf(port, '-servername', 'bare.example'), 'none ');
      const { stdout } = spawnSync(process.execPath, [program, 'status', '--socket', `${evenkeel.file}.sock`], {
        encoding: 'utf8',
      });
      assert.match(stdout, /site\.chain .* OCSP response/);

      // What is no response leaves the former one where it is.
      writeFileSync(ecdsa, 'broken');
      await evenkeel.said(
        /warn {2}certificates: .*the OCSP response \S+site\.ocsp is not stapled: it is no OCSP response in DER/,
      );
      assert.equal(statusOf(port, ...shop, '-sigalgs', 'ECDSA+SHA256'), `good ${serialOf('site')}`);
      maker.respond('site', 'root', 9);
      await evenkeel.said(
        /certificate replaced: listener web: \S+site\.chain is valid until 20\S+ with an OCSP response/,
      );
      await until(() => statusOf(port, ...shop, '-sigalgs', 'ECDSA+SHA256') === `good ${serialOf('site')}`);
      assert.doesNotMatch(evenkeel.stderr, /must-staple/);
    },
  );
}
