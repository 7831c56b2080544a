import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTicketKey, emitSecrets, parseSecrets } from './secrets.ts';

test('secrets come out as they went in, and are gone with their bytes', () => {
  const ticketKey = createTicketKey();
  assert.equal(ticketKey.length, 80);
  const credentials = [
    { id: 'a'.repeat(32), chain: [Uint8Array.of(1, 2, 3), new Uint8Array(0)], key: Uint8Array.of(4) },
    { id: 'b'.repeat(32), chain: [Uint8Array.of(5)], key: Uint8Array.of(6, 7) },
  ];
  for (const secrets of [
    { credentials: [], ticketKey },
    { credentials, ticketKey },
  ]) {
    const bytes = emitSecrets(secrets);
    const parsed = parseSecrets(bytes);
    const plain = parsed.credentials.map(({ id, chain, key }) => {
      return { id, chain: chain.map((each) => Uint8Array.from(each)), key: Uint8Array.from(key) };
    });
    assert.deepEqual(plain, secrets.credentials);
    assert.deepEqual(Uint8Array.from(parsed.ticketKey), ticketKey);
    bytes.fill(0);
    assert.ok(parsed.ticketKey.every((byte) => byte === 0));
    assert.ok(parsed.credentials.every(({ key }) => key.every((byte) => byte === 0)));
  }
});
