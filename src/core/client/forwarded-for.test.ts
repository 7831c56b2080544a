import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIPv6 } from '../../base/address.ts';
import { RequestHead } from '../../wire/http1/head.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';
import { emitIpText, IpWords, parseIpText } from '../../wire/ip-text.ts';
import type { TrustPlan } from '../../config/plan/listener.ts';
import { BelievedHops, ClientResolver } from './forwarded-for.ts';
import { TrustedProxies } from './trusted-proxies.ts';

function ip(text: string): IpWords {
  const words = new IpWords();
  assert.ok(parseIpText(Buffer.from(text), 0, text.length, words), text);
  return words;
}

function textOf(words: IpWords): string {
  const out = new Uint8Array(64);
  return Buffer.from(out.subarray(0, emitIpText(out, 0, words))).toString();
}

const TRUST: TrustPlan = {
  kind: 'trust',
  networks: [
    { family: 4, address: '10.0.0.0', bits: 8 },
    { family: 6, address: '2001:db8::', bits: 32 },
    { family: 4, address: '192.0.2.77', bits: 32 },
  ],
  unix: true,
  field: 'X-Forwarded-For',
  isLastOnly: false,
  isPassed: false,
};

/** The client and the believed rest of the last field it begins in, for a request with these X-Forwarded-For fields. */
function resolve(
  fields: readonly string[],
  peer = '10.0.0.1',
  { name = 'X-Forwarded-For', ...plan }: Partial<TrustPlan> & { name?: string } = {},
): { client: string; believed: string | null } {
  const lines = fields.map((value) => `${name}: ${value}\r\n`).join('');
  const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${lines}X-Other: 1\r\n\r\n`, 'latin1');
  const head = new RequestHead(100);
  assert.ok(parseRequestHead(bytes, 0, bytes.length, { headBytes: 8192, headers: 100 }, head) > 0);
  const client = new IpWords();
  const hops = new BelievedHops();
  new ClientResolver({ ...TRUST, ...plan }).resolve(bytes, head, peer === '' ? new IpWords() : ip(peer), client, hops);
  const end = bytes.indexOf('\r\n', Math.max(0, hops.at));
  return { client: textOf(client), believed: hops.field < 0 ? null : bytes.toString('latin1', hops.at, end) };
}

test('without the field the peer is the client', () => {
  assert.deepEqual(resolve([]), { client: '10.0.0.1', believed: null });
});

test('from the right, the first entry that is no trusted proxy is the client; what is left of it is its own claim', () => {
  assert.deepEqual(resolve(['198.51.100.9']), { client: '198.51.100.9', believed: '198.51.100.9' });
  assert.deepEqual(resolve(['1.1.1.1, 198.51.100.9, 10.2.2.2']), {
    client: '198.51.100.9',
    believed: '198.51.100.9, 10.2.2.2',
  });
  assert.deepEqual(resolve(['6.6.6.6,198.51.100.9 ,10.2.2.2']).client, '198.51.100.9');
});

test('several fields are one list', () => {
  assert.deepEqual(resolve(['6.6.6.6, 198.51.100.9', '10.2.2.2', '10.3.3.3']), {
    client: '198.51.100.9',
    believed: '198.51.100.9',
  });
});

test('if all are trusted proxies, the first of them is the client', () => {
  assert.deepEqual(resolve(['10.9.9.9, 192.0.2.77, 2001:db8::5']), {
    client: '10.9.9.9',
    believed: '10.9.9.9, 192.0.2.77, 2001:db8::5',
  });
});

test('ports, brackets and quotes', () => {
  for (const [entry, client] of [
    ['198.51.100.9:4711', '198.51.100.9'],
    ['[2001:db9::1]', '2001:db9::1'],
    ['[2001:db9::1]:443', '2001:db9::1'],
    ['"[2001:db9::1]:443"', '2001:db9::1'],
    ['2001:db9::1', '2001:db9::1'],
    ['::ffff:198.51.100.9', '198.51.100.9'],
    ['\t198.51.100.9\t', '198.51.100.9'],
  ] as const) {
    assert.equal(resolve([`6.6.6.6, ${entry}`]).client, client, entry);
  }
});

test('garbage ends the walk: the client is the hop that wrote it', () => {
  const garbage = [
    'unknown',
    '_hidden',
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '[1.2.3.4]',
    '[::1',
    '::1]',
    '1.2.3.4:',
    '1.2.3.4:123456',
  ];
  for (const entry of [
    ...garbage,
    '1.2.3.4:x',
    '"1.2.3.4',
    '[::1]x',
    'fe80::1%eth0',
    '2001:db9::1:99999',
    '1.2.3.4 5.6.7.8',
  ]) {
    assert.deepEqual(resolve([`6.6.6.6, ${entry}, 10.2.2.2`]), { client: '10.2.2.2', believed: '10.2.2.2' }, entry);
    assert.deepEqual(resolve([`6.6.6.6, ${entry}`]), { client: '10.0.0.1', believed: null }, entry);
  }
});

test('who comes through a Unix socket is a proxy like any other', () => {
  assert.equal(resolve(['6.6.6.6, 198.51.100.9'], '').client, '198.51.100.9');
});

test('a network has the addresses whose first bits are its own', () => {
  const every = new TrustedProxies({
    networks: [{ family: 4, address: '0.0.0.0', bits: 0 }],
    unix: false,
  });
  assert.ok(every.has(ip('203.0.113.1')));
  assert.ok(!every.has(ip('2001:db8::1')));
  assert.ok(!every.has(new IpWords()));
  for (const bits of [1, 31, 32, 33, 63, 64, 65, 95, 96, 97, 127, 128]) {
    const bytes = parseIPv6('2001:db8:a:b:c:d:e:f')!;
    const masked = bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))));
    const address = Array.from({ length: 8 }, (_, i) => ((masked[i * 2] << 8) | masked[i * 2 + 1]).toString(16)).join(
      ':',
    );
    const network = new TrustedProxies({ networks: [{ family: 6, address, bits }], unix: false });
    assert.ok(network.has(ip('2001:db8:a:b:c:d:e:f')), `${bits}`);
    const other = bytes.slice();
    other[(bits - 1) >> 3] ^= 0x80 >> ((bits - 1) & 7);
    const words = new IpWords();
    const view = new DataView(other.buffer);
    [words.ip0, words.ip1, words.ip2, words.ip3] = [0, 4, 8, 12].map((at) => view.getInt32(at));
    assert.ok(!network.has(words), `${bits}`);
  }
});

test('another field names the client, in any case; what X-Forwarded-For says is not believed then', () => {
  const other = { field: 'CF-Connecting-IP' };
  assert.deepEqual(resolve(['198.51.100.9'], '10.0.0.1', other), { client: '10.0.0.1', believed: null });
  assert.deepEqual(resolve(['198.51.100.9'], '10.0.0.1', { ...other, name: 'cf-connecting-ip' }), {
    client: '198.51.100.9',
    believed: null,
  });
  assert.equal(
    resolve(['1.1.1.1', '198.51.100.9'], '10.0.0.1', { ...other, name: 'CF-Connecting-Ip' }).client,
    '198.51.100.9',
  );
});

test('the last hop alone is the client, also if it is a trusted proxy', () => {
  const last = { isLastOnly: true };
  assert.equal(resolve(['198.51.100.9, 10.2.2.2'], '10.0.0.1', last).client, '10.2.2.2');
  assert.equal(resolve(['198.51.100.9'], '10.0.0.1', last).client, '198.51.100.9');
  assert.equal(resolve(['198.51.100.9, unknown'], '10.0.0.1', last).client, '10.0.0.1');
});
