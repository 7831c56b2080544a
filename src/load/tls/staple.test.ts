import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { readStaple } from './staple.ts';
import { CertificateMaker } from './testing/certificate-maker.ts';

const maker = new CertificateMaker();
after(() => maker.remove());
maker.make('root', { names: [], isAuthority: true });
for (const name of ['site', 'other', 'gone']) maker.make(name, { names: ['shop.example'], issuer: 'root' });
const DAY_MS = 86_400_000;

function reasonOf(response: string, name: string, afterDays = 0): string {
  const { raw } = new X509Certificate(readFileSync(maker.path(`${name}.pem`)));
  const read = readStaple(response, raw, Date.now() + afterDays * DAY_MS);
  return 'reason' in read ? read.reason : 'none';
}

test('a response is stapled to its own certificate while it is valid', () => {
  const response = maker.respond('site', 'root', 7);
  assert.equal(reasonOf(response, 'site'), 'none');
  assert.equal(reasonOf(response, 'site', 6.9), 'none');
  assert.match(reasonOf(response, 'site', 7.1), /^it was valid until 20/);
  assert.match(reasonOf(response, 'site', -1), /^it is valid from 20/);
  assert.equal(reasonOf(response, 'other'), 'it is about another certificate');
  assert.equal(reasonOf(maker.respond('gone', 'root', 7, 'R'), 'gone'), 'it says that the certificate is revoked');
  assert.equal(reasonOf(maker.path('site.pem'), 'site'), 'it is no OCSP response in DER');
  assert.equal(reasonOf(maker.path('nowhere'), 'site'), 'there is no such file');
  writeFileSync(maker.path('later'), Uint8Array.of(0x30, 3, 0x0a, 1, 3));
  assert.match(reasonOf(maker.path('later'), 'site'), /has no answer/);
});
