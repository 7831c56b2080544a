import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { readAdminTls } from './admin.ts';
import { CertificateMaker } from './testing/certificate-maker.ts';

test('a key that is too small for Node is a fault of the certificate, before anything is at the port', (t) => {
  const maker = new CertificateMaker();
  t.after(() => maker.remove());
  const [certificate, key] = [maker.path('small.pem'), maker.path('small.key')];
  const asked = ['req', '-x509', '-newkey', 'rsa:512', '-nodes', '-subj', '/CN=x', '-days', '3'];
  execFileSync('openssl', [...asked, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  const { tls } = readAdminTls({ certificate, key, passphrases: null, authorities: null }, Date.now());
  assert.equal(tls.credentials, null);
  assert.match(tls.fault, /^the certificate \S+ cannot be used: ee key too small; /);
});
