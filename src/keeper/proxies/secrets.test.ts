import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emitSecrets, parseSecrets } from './secrets.ts';

test('secrets come out as they went in, and are gone with their bytes', () => {
  const ticketKeys = [
    { id: '', keys: [new Uint8Array(80).fill(1), new Uint8Array(48).fill(2)] },
    { id: '["keys","/ü"]', keys: [] },
  ];
  const credentials = [
    { id: 'a'.repeat(32), chain: [Uint8Array.of(1, 2, 3), new Uint8Array(0)], key: Uint8Array.of(4), staple: null },
    ...[1_800_000_000_000, Infinity].map((untilMs, i) => {
      const staple = { response: Uint8Array.of(12, 13), untilMs };
      return { id: `${i}`.repeat(32), chain: [Uint8Array.of(5)], key: Uint8Array.of(6, 7), staple };
    }),
  ];
  const authorities = [
    { id: 'c', certificates: [Uint8Array.of(8), Uint8Array.of(9, 10)], announced: 1, revocations: [Uint8Array.of(11)] },
    { id: 'd', certificates: [], announced: 0, revocations: [] },
  ];
  for (const secrets of [
    { credentials: [], authorities: [], ticketKeys: [] },
    { credentials, authorities, ticketKeys },
  ]) {
    const bytes = emitSecrets(secrets);
    const parsed = parseSecrets(bytes);
    const plain = parsed.credentials.map(({ id, chain, key, staple }) => {
      const copy = staple === null ? null : { ...staple, response: Uint8Array.from(staple.response) };
      return { id, chain: chain.map((each) => Uint8Array.from(each)), key: Uint8Array.from(key), staple: copy };
    });
    assert.deepEqual(plain, secrets.credentials);
    const known = parsed.authorities.map(({ certificates, revocations, ...rest }) => {
      const copies = [certificates, revocations].map((each) => each.map((one) => Uint8Array.from(one)));
      return { ...rest, certificates: copies[0], revocations: copies[1] };
    });
    assert.deepEqual(known, secrets.authorities);
    const tickets = parsed.ticketKeys.map(({ id, keys }) => ({ id, keys: keys.map((key) => Uint8Array.from(key)) }));
    assert.deepEqual(tickets, secrets.ticketKeys);
    bytes.fill(0);
    assert.ok(parsed.ticketKeys.every(({ keys }) => keys.every((key) => key.every((byte) => byte === 0))));
    assert.ok(parsed.credentials.every(({ key }) => key.every((byte) => byte === 0)));
  }
});
