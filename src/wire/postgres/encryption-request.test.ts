import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  readEncryptionRequest,
  REQUEST_GSS,
  REQUEST_MORE,
  REQUEST_NONE,
  REQUEST_TLS,
  SSL_REQUEST,
} from './encryption-request.ts';

const GSS_REQUEST = Uint8Array.of(...SSL_REQUEST.subarray(0, 7), 0x30);

test('both requests, every beginning of them, and nothing else', () => {
  for (const [request, kind] of [
    [SSL_REQUEST, REQUEST_TLS],
    [GSS_REQUEST, REQUEST_GSS],
  ] as const) {
    const bytes = Uint8Array.of(7, ...request, 7);
    for (let length = 0; length < 8; length++) assert.equal(readEncryptionRequest(bytes, 1, 1 + length), REQUEST_MORE);
    assert.equal(readEncryptionRequest(bytes, 1, 9), kind);
    assert.equal(readEncryptionRequest(bytes, 1, 10), kind);
    for (let i = 0; i < 8; i++) {
      const other = Uint8Array.from(request);
      other[i] ^= 0x40;
      assert.equal(readEncryptionRequest(other, 0, 8), REQUEST_NONE);
    }
  }
  assert.equal(readEncryptionRequest(Uint8Array.of(22, 3, 1), 0, 3), REQUEST_NONE);
});
