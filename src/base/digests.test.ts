import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { md5 } from './md5.ts';
import { sha1 } from './sha1.ts';
import { hmacSha256, sha256 } from './sha256.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('MD5, SHA-1, SHA-256 and HMAC are what OpenSSL says, for messages around every boundary of a block', () => {
  for (let length = 0; length <= 200; length++) {
    const message = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 0xff);
    const key = message.subarray(0, length / 2);
    assert.equal(hex(md5(message)), createHash('md5').update(message).digest('hex'));
    assert.equal(hex(sha1(message)), createHash('sha1').update(message).digest('hex'));
    assert.equal(hex(sha256(message)), createHash('sha256').update(message).digest('hex'));
    assert.equal(hex(hmacSha256(key, message)), createHmac('sha256', key).update(message).digest('hex'));
  }
});
