import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { crc32c } from './crc32c.ts';
import {
  DATAGRAM_HEADER_BYTES_MAX,
  ownProxyHeader,
  PROXY_HEADER_BYTES_MAX,
  PROXY_HEADER_WRITTEN_MAX,
  PROXY_MORE,
  PROXY_WRONG,
  ProxyAddresses,
  readDatagramHeader,
  readProxyHeader,
  writeDatagramHeader,
  writeProxyHeader,
} from './header.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';

function bytesOf(header: string): Uint8Array {
  return /^[A-Z]/.test(header) ? Buffer.from(header, 'latin1') : Buffer.from(header.replaceAll(' ', ''), 'hex');
}

function side(address: Uint8Array, port: number): string {
  return `${Buffer.from(address).toString('hex')}:${port}`;
}

/** What is read, as text: `192.0.2.1:5 > 198.51.100.2:443`, `own`, or the code. */
function read(bytes: Uint8Array): string {
  const into = new ProxyAddresses();
  const length = readProxyHeader(bytes, 0, bytes.length, into);
  if (length <= 0) return length === PROXY_MORE ? 'more' : 'wrong';
  if (length !== bytes.length) return `of ${bytes.length} bytes ${length}`;
  if (!into.isTold) return 'own';
  return `${side(into.source, into.sourcePort)} > ${side(into.destination, into.destinationPort)}`;
}

const MAPPED = '00000000000000000000ffff';
const V4 = `${MAPPED}c0000201:56324 > ${MAPPED}c6336402:443`;
const V6 = '20010db8000000000000000000000001:1 > 20010db8000000000000000000000002:65535';

/** With the checksum behind them that is right for all of it. */
function withChecksum(header: string): Uint8Array {
  const bytes = Buffer.from(bytesOf(header));
  bytes.writeUInt32BE(crc32c(bytes, 0, bytes.length, bytes.length - 4), bytes.length - 4);
  return bytes;
}

test('the checksum is that of RFC 3720 section B.4', () => {
  const bytes = Buffer.from('123456789');
  assert.equal(crc32c(bytes, 0, bytes.length, bytes.length), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32), 0, 32, 32), 0x8a9136aa);
});

test('headers of both versions say whose connection it is', () => {
  const cases: readonly (readonly [string | Uint8Array, string])[] = [
    ['PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n', V4],
    ['PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n', V6],
    ['PROXY UNKNOWN\r\n', 'own'],
    ['PROXY UNKNOWN ffff:f...f:ffff 1 2 3 4\r\n', 'own'],
    [`${SIGNATURE} 21 11 000c c0000201 c6336402 dc04 01bb`, V4],
    [`${SIGNATURE} 21 21 0024 ${V6.replaceAll(/:\d+( > )?/g, '')} 0001 ffff`, V6],
    // over UDP, and with type-length-values behind it
    [`${SIGNATURE} 21 12 000c c0000201 c6336402 dc04 01bb`, V4],
    [`${SIGNATURE} 21 11 0013 c0000201 c6336402 dc04 01bb 02 0001 61 04 0000`, V4],
    [withChecksum(`${SIGNATURE} 21 11 0013 c0000201 c6336402 dc04 01bb 03 0004 00000000`), V4],
    // LOCAL, with whatever behind it; UNSPEC; a Unix socket
    [`${SIGNATURE} 20 00 0000`, 'own'],
    [`${SIGNATURE} 20 ff 0003 030001`, 'own'],
    [`${SIGNATURE} 21 00 0002 0000`, 'own'],
    [`${SIGNATURE} 21 31 00d8 ${'61'.repeat(216)}`, 'own'],
  ];
  for (const [header, expected] of cases) {
    const bytes = typeof header === 'string' ? bytesOf(header) : header;
    assert.equal(read(bytes), expected, String(header));
    for (let length = 0; length < bytes.length; length++) assert.equal(read(bytes.subarray(0, length)), 'more');
    assert.equal(read(Buffer.concat([bytes, bytes])), `of ${2 * bytes.length} bytes ${bytes.length}`);
  }
});

test('what is not a right header is refused as soon as that is certain', () => {
  const cases: readonly (string | Uint8Array)[] = [
    'GET / HTTP/1.1\r\n',
    'PROXZ',
    'PROXY  TCP4 192.0.2.1 198.51.100.2 1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n',
    'PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n',
    'PROXY TCP4 192.0.2.01 198.51.100.2 1 2\r\n',
    'PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n',
    'PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n',
    'PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n',
    'PROXY UNKNOWNS\r\n',
    'PROXY UNKNOWN\rX',
    `PROXY UNKNOWN ${'x'.repeat(93)}`,
    `${SIGNATURE.slice(0, -2)}0b`,
    // another version, command, family, transport; too short for its addresses; too long for anybody
    `${SIGNATURE} 11 11 000c`,
    `${SIGNATURE} 22 11 000c`,
    `${SIGNATURE} 21 41 0000`,
    `${SIGNATURE} 21 13 000c c0000201 c6336402 dc04 01bb`,
    `${SIGNATURE} 21 11 000b c0000201 c6336402 dc04 01`,
    `${SIGNATURE} 21 11 ffff`,
    // values that do not fit, and a checksum of something else
    `${SIGNATURE} 21 11 000e c0000201 c6336402 dc04 01bb 0000`,
    `${SIGNATURE} 21 11 0010 c0000201 c6336402 dc04 01bb 01 0002 61`,
    `${SIGNATURE} 21 11 0013 c0000201 c6336402 dc04 01bb 03 0004 00000001`,
    `${SIGNATURE} 21 11 0011 c0000201 c6336402 dc04 01bb 03 0002 0000`,
  ];
  for (const header of cases) {
    const bytes = typeof header === 'string' ? bytesOf(header) : header;
    const into = new ProxyAddresses();
    assert.equal(readProxyHeader(bytes, 0, bytes.length, into), PROXY_WRONG, String(header));
    assert.ok(!into.isTold);
  }
});

const address = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((quad) => Buffer.concat([Buffer.from(MAPPED, 'hex'), quad])),
);
const port = fc.nat(0xffff);

test('what is written is read as the same, by both versions', () => {
  fc.assert(
    fc.property(address, address, port, port, fc.constantFrom('v1', 'v2'), (from, to, fromPort, toPort, version) => {
      const of = new ProxyAddresses();
      of.isTold = true;
      of.source.set(from);
      of.destination.set(to);
      of.sourcePort = fromPort;
      of.destinationPort = toPort;
      const bytes = new Uint8Array(PROXY_HEADER_WRITTEN_MAX + 3).fill(7);
      const end = writeProxyHeader(version, of, bytes, 3);
      const again = new ProxyAddresses();
      assert.equal(readProxyHeader(bytes, 3, bytes.length, again), end - 3);
      if (from.every((byte) => byte === 0)) of.isTold = false;
      assert.equal(again.isTold, of.isTold);
      if (again.isTold) assert.deepEqual(again, of);
    }),
  );
});

test('the longest line of version 1 fits', () => {
  const of = new ProxyAddresses();
  of.isTold = true;
  of.source.fill(0xff);
  of.destination.fill(0xff);
  of.sourcePort = of.destinationPort = 65535;
  const bytes = new Uint8Array(PROXY_HEADER_BYTES_MAX);
  assert.ok(writeProxyHeader('v1', of, bytes, 0) <= PROXY_HEADER_WRITTEN_MAX);
});

test('a check of our own is told as that', () => {
  assert.equal(Buffer.from(ownProxyHeader('v1')).toString(), 'PROXY UNKNOWN\r\n');
  assert.equal(Buffer.from(ownProxyHeader('v2')).toString('hex'), `${SIGNATURE}20000000`);
  for (const version of ['v1', 'v2'] as const) assert.equal(read(ownProxyHeader(version)), 'own');
});

test('any bytes are a header, the beginning of one, or wrong', () => {
  const beginning = fc.constantFrom(Buffer.from('PROXY TCP4 '), Buffer.from(SIGNATURE, 'hex'), Buffer.alloc(0));
  fc.assert(
    fc.property(beginning, fc.uint8Array({ maxLength: 300 }), (start, rest) => {
      const bytes = Buffer.concat([start, rest]);
      const length = readProxyHeader(bytes, 0, bytes.length, new ProxyAddresses());
      assert.ok(length >= PROXY_WRONG && length <= bytes.length);
    }),
  );
});

function tlv(type: string, text: string): string {
  return `${type}${text.length.toString(16).padStart(4, '0')}${Buffer.from(text, 'latin1').toString('hex')}`;
}

test('the host and the identifier are read where they are what they are called', () => {
  const base = `${SIGNATURE} 21 11 LLLL c0000201 c6336402 dc04 01bb`;
  const readAll = (...tlvs: readonly string[]): string => {
    const rest = tlvs.join('');
    const bytes = bytesOf(`${base.replace('LLLL', (12 + rest.length / 2).toString(16).padStart(4, '0'))}${rest}`);
    const into = new ProxyAddresses();
    into.authority = into.uniqueId = 'of another one';
    assert.equal(readProxyHeader(bytes, 0, bytes.length, into), bytes.length);
    return `${into.authority}, ${into.uniqueId}`;
  };
  assert.equal(readAll(), ', ');
  assert.equal(readAll(tlv('02', 'Shop.example'), tlv('05', 'A-1/2'), tlv('ee', 'x')), 'shop.example, A-1/2');
  assert.equal(readAll(tlv('02', 'a\r\nb'), tlv('05', 'a b')), ', ');
  assert.equal(readAll(tlv('02', 'x'.repeat(256)), tlv('05', 'x'.repeat(129))), ', ');
});

test('a datagram has a whole header of version 2 in front, which says that it is one', () => {
  const cases: readonly (readonly [string, string])[] = [
    [`${SIGNATURE} 21 12 000c c0000201 c6336402 dc04 01bb`, V4],
    [`${SIGNATURE} 21 22 0024 ${V6.replaceAll(/:\d+( > )?/g, '')} 0001 ffff`, V6],
  ];
  const into = new ProxyAddresses();
  for (const [header, said] of cases) {
    const bytes = bytesOf(header);
    assert.equal(readDatagramHeader(bytes, 0, bytes.length, into), bytes.length);
    assert.equal(`${side(into.source, into.sourcePort)} > ${side(into.destination, into.destinationPort)}`, said);
    const written = new Uint8Array(DATAGRAM_HEADER_BYTES_MAX + 1);
    assert.deepEqual(written.subarray(1, writeDatagramHeader(into, written, 1)), Uint8Array.from(bytes));
    for (let end = 0; end < bytes.length; end++) assert.equal(readDatagramHeader(bytes, 0, end, into), PROXY_WRONG);
  }
  const line = bytesOf('PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n');
  assert.equal(readDatagramHeader(line, 0, line.length, into), PROXY_WRONG);
});
