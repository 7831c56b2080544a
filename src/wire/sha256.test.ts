import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatHex, parseHex } from '../base/bytes.ts';
import { equalInConstantTime, HmacSha256, Sha256, SHA256_BYTES } from './sha256.ts';

function hashOf(...parts: Uint8Array[]): string {
  const hash = new Sha256();
  for (const part of parts) hash.update(part, 0, part.length);
  const digest = new Uint8Array(SHA256_BYTES);
  hash.finish(digest, 0);
  return formatHex(digest);
}

function hmacOf(key: Uint8Array, ...parts: Uint8Array[]): string {
  const hmac = new HmacSha256(key);
  const code = new Uint8Array(SHA256_BYTES);
  // Twice: a key is used for many messages.
  for (let round = 0; round < 2; round++) {
    hmac.begin();
    for (const part of parts) hmac.update(part, 0, part.length);
    hmac.finish(code, 0);
  }
  return formatHex(code);
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const hex = (text: string): Uint8Array => {
  const bytes = parseHex(text);
  assert.ok(bytes);
  return bytes;
};

test('SHA-256 gives the digests of FIPS 180-4', () => {
  const vectors: [Uint8Array, string][] = [
    [ascii('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [ascii(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    [
      ascii('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    [new Uint8Array(1_000_000).fill(0x61), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ];
  for (const [message, digest] of vectors) assert.equal(hashOf(message), digest);
});

test('HMAC-SHA-256 gives the codes of RFC 4231 section 4', () => {
  const large = new Uint8Array(131).fill(0xaa);
  const vectors: [Uint8Array, Uint8Array, string][] = [
    [
      new Uint8Array(20).fill(0x0b),
      ascii('Hi There'),
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    ],
    [
      ascii('Jefe'),
      ascii('what do ya want for nothing?'),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      new Uint8Array(20).fill(0xaa),
      new Uint8Array(50).fill(0xdd),
      '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
    ],
    [
      hex('0102030405060708090a0b0c0d0e0f10111213141516171819'),
      new Uint8Array(50).fill(0xcd),
      '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
    ],
    [
      large,
      ascii('Test Using Larger Than Block-Size Key - Hash Key First'),
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
    [
      large,
      ascii(
        'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be ' +
          'hashed before being used by the HMAC algorithm.',
      ),
      '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    ],
  ];
  for (const [key, message, code] of vectors) assert.equal(hmacOf(key, message), code);
});

test('Digests and codes are those of OpenSSL, for any key and any division of the message', () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(bytes, bytes, bytes, (key, first, second) => {
      const hash = createHash('sha256').update(first).update(second).digest('hex');
      assert.equal(hashOf(first, second), hash);
      const hmac = createHmac('sha256', key).update(first).update(second).digest('hex');
      assert.equal(hmacOf(key, first, second), hmac);
    }),
  );
});

test('The constant-time comparison finds a difference in any one byte', () => {
  const code = new Uint8Array(16).map((_, i) => i * 7);
  assert.ok(equalInConstantTime(code, 0, code.slice(), 0, 16));
  for (let i = 0; i < 16; i++) {
    const other = code.slice();
    other[i] ^= 1;
    assert.equal(equalInConstantTime(code, 0, other, 0, 16), false);
  }
});
