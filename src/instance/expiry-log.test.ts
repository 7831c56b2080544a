import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from '../keeper/log/log.ts';
import { type CertificateFacts, NO_CERTIFICATES } from '../load/tls/certificates.ts';
import { ExpiryLog } from './expiry-log.ts';

const FACTS: CertificateFacts = {
  id: 'a',
  files: { certificate: 'a.pem', key: null, passphraseFile: null, ocsp: null },
  keyType: 'ec',
  kind: 'ECDSA P-256',
  names: [],
  notBeforeMs: 0,
  notAfterMs: 3_600_000,
  stapledUntilMs: null,
  isStandIn: false,
  clients: null,
};

test('one that expires is told of within a minute, and once', (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 3_590_000 });
  const errors: string[] = [];
  const log = { warn() {}, error: (text: string) => void errors.push(text) } as unknown as Log;
  const listeners = [{ listener: 'web', entries: [], tickets: null, certificates: [FACTS] }];
  const ofAdmin = { ...FACTS, id: 'b', files: { ...FACTS.files, certificate: 'b.pem' } };
  const expiry = new ExpiryLog(
    log,
    () => ({ ...NO_CERTIFICATES, listeners }),
    () => ofAdmin,
  );
  expiry.start();
  assert.deepEqual(errors, []);
  t.mock.timers.tick(60_000);
  const texts = ['b.pem of the admin API', 'a.pem of listener web'].map(
    (whose) => `the certificate ${whose} has expired at 1970-01-01T01:00:00Z, and clients refuse it: renew it`,
  );
  assert.deepEqual(errors, texts);
  t.mock.timers.tick(600_000);
  assert.deepEqual(errors, texts);
  expiry.stop();
});
