import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { CertificateMaker } from '../../load/tls/testing/certificate-maker.ts';
import { ocspSubjectOf, parseOcspResponse } from './ocsp.ts';

const maker = new CertificateMaker();
after(() => maker.remove());
maker.make('root', { names: [], isAuthority: true });
maker.make('site', { names: ['shop.example'], issuer: 'root' });
maker.make('gone', { names: ['shop.example'], issuer: 'root' });

function responseOf(name: string, state: 'V' | 'R' = 'V'): Buffer {
  return readFileSync(maker.respond(name, 'root', 7, state));
}

function certificateOf(name: string): X509Certificate {
  return new X509Certificate(readFileSync(maker.path(`${name}.pem`)));
}

test('a response says about which certificate it is, and from when until when', () => {
  const response = parseOcspResponse(responseOf('site'));
  assert.ok(typeof response === 'object');
  const [{ fromMs, serial, state, untilMs }] = response.answers;
  assert.equal(response.answers.length, 1);
  assert.equal(state, 'good');
  assert.ok(Math.abs(fromMs - Date.now()) < 60_000);
  assert.equal(untilMs - fromMs, 7 * 86_400_000);
  const subject = ocspSubjectOf(certificateOf('site').raw);
  assert.deepEqual(Buffer.from(serial), Buffer.from(subject?.serial ?? []));
  assert.equal(BigInt(`0x${Buffer.from(serial).toString('hex')}`), BigInt(`0x${certificateOf('site').serialNumber}`));
});

test('a response may say that a certificate is revoked', () => {
  const response = parseOcspResponse(responseOf('gone', 'R'));
  assert.equal(typeof response === 'object' && response.answers[0].state, 'revoked');
});

test('what is cut short, or no response, is none', () => {
  const whole = responseOf('site');
  for (let length = 0; length < whole.length; length++) {
    assert.equal(parseOcspResponse(whole.subarray(0, length)), 'not a response', `${length} bytes`);
  }
  assert.equal(parseOcspResponse(certificateOf('site').raw), 'not a response');
  // tryLater
  assert.equal(parseOcspResponse(Uint8Array.of(0x30, 3, 0x0a, 1, 3)), 'no answer');
  assert.equal(ocspSubjectOf(whole), null);
});
