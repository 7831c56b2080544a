import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { ascii } from './classes.ts';
import { acceptOf, emitKey, KEY_BYTES } from './websocket.ts';

test('RFC 6455 section 1.3: what a server answers to a key', () => {
  const key = ascii('dGhlIHNhbXBsZSBub25jZQ==');
  assert.equal(Buffer.from(acceptOf(key, 0, key.length)).toString(), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

test('keys are 16 bytes in base64, each another one', () => {
  const prng = new Prng(7);
  const seen = new Set<string>();
  for (let i = 0; i < 50; i++) {
    const bytes = new Uint8Array(KEY_BYTES + 2);
    emitKey(prng, bytes, 1);
    const key = Buffer.from(bytes.subarray(1, -1)).toString();
    assert.equal(Buffer.from(key, 'base64').length, 16);
    assert.equal(Buffer.from(key, 'base64').toString('base64'), key);
    const expected = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    assert.equal(Buffer.from(acceptOf(bytes, 1, KEY_BYTES)).toString(), expected);
    seen.add(key);
  }
  assert.equal(seen.size, 50);
});
