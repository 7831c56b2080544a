import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { certificateBody, identityOf, requestBody, signed } from './certificates.ts';
import { der, integer, objectIdentifier, parseDer, time } from './der.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = publicKey.export({ type: 'spki', format: 'der' });

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

test('X.690: lengths, integers, identifiers and times', () => {
  assert.equal(hex(der(0x30)), '3000');
  assert.equal(hex(der(0x04, new Uint8Array(127))).slice(0, 4), '047f');
  assert.equal(hex(der(0x04, new Uint8Array(128))).slice(0, 6), '048180');
  assert.equal(hex(der(0x04, new Uint8Array(300))).slice(0, 8), '0482012c');
  assert.equal(hex(integer(Uint8Array.of(0, 0, 0x80))), '02020080');
  assert.equal(hex(integer(Uint8Array.of(0))), '020100');
  assert.equal(hex(objectIdentifier('1.2.840.10045.4.3.2')), '06082a8648ce3d040302');
  assert.equal(Buffer.from(time('2026-11-29T18:55:00.123Z')).toString('latin1', 2), '261129185500Z');
  assert.equal(Buffer.from(time('2050-01-01T00:00:00Z')).toString('latin1', 2), '20500101000000Z');
});

test('X.690: what was written is read, and nothing that is cut short is', () => {
  const bytes = der(0x30, der(0x04, new Uint8Array(300)), integer(Uint8Array.of(7)));
  const [outer] = parseDer(bytes)!;
  assert.deepEqual(
    parseDer(outer.content)!.map(({ tag, content }) => [tag, content.length]),
    [
      [0x04, 300],
      [0x02, 1],
    ],
  );
  for (let length = 1; length < bytes.length; length++) assert.equal(parseDer(bytes.subarray(0, length)), null);
  assert.equal(parseDer(Uint8Array.of(0x30, 0x80)), null);
});

test('RFC 2986: openssl reads a request, and its signature holds', () => {
  const body = requestBody(['shop.example', '*.shop.example'], spki);
  const request = signed(body, sign('sha256', body, privateKey));
  const text = execFileSync('openssl', ['req', '-inform', 'der', '-noout', '-text', '-verify'], {
    input: request,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  assert.match(text, /DNS:shop\.example, DNS:\*\.shop\.example/);
});

test('RFC 5280 and RFC 8737: a self-signed certificate, with what ACME asks for', () => {
  const body = certificateBody({
    names: ['shop.example'],
    commonName: 'evenkeel',
    publicKey: spki,
    serial: Uint8Array.of(0x81, 2, 3),
    notBefore: '2026-01-01T00:00:00Z',
    notAfter: '2027-01-01T00:00:00Z',
    acmeIdentifier: new Uint8Array(32).fill(7),
  });
  const certificate = new X509Certificate(Buffer.from(signed(body, sign('sha256', body, privateKey))));
  assert.ok(certificate.verify(publicKey));
  assert.equal(certificate.subjectAltName, 'DNS:shop.example');
  assert.equal(certificate.serialNumber, '810203');
  assert.equal(new Date(certificate.validTo).toISOString(), '2027-01-01T00:00:00.000Z');
  const shown = execFileSync('openssl', ['x509', '-noout', '-text'], {
    input: certificate.toString(),
    encoding: 'utf8',
  });
  assert.match(shown, /1\.3\.6\.1\.5\.5\.7\.1\.31: critical/);
  assert.equal(identityOf(certificate.raw), null);
});

test('RFC 9773 section 4.1: the identity of the certificate of its example', () => {
  const authorityKey = Buffer.from('aYhba4dGQEHhs3uEe6CuLN4ByNQ', 'base64url');
  const extension = der(0x30, objectIdentifier('2.5.29.35'), der(0x04, der(0x30, der(0x80, authorityKey))));
  const body = der(
    0x30,
    der(0xa0, integer(Uint8Array.of(2))),
    integer(Uint8Array.of(0x87, 0x65, 0x43, 0x21)),
    der(0xa3, der(0x30, extension)),
  );
  const identity = identityOf(der(0x30, body))!;
  assert.equal(hex(identity.authorityKey), authorityKey.toString('hex'));
  assert.equal(Buffer.from(identity.serial).toString('base64url'), 'AIdlQyE');
  assert.equal(identityOf(Uint8Array.of(0x30, 0x03, 1)), null);
});
