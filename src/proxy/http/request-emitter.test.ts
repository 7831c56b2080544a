import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIP, parseIPv4, parseIPv6 } from '../../base/address.ts';
import { writeAddress } from './request-emitter.ts';

function written(bytes: Uint8Array): string {
  const words = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const [ip0, ip1, ip2, ip3] = [0, 4, 8, 12].map((at) => words.getInt32(at));
  const memory = new Uint8Array(64).fill(0x21);
  const end = writeAddress(memory, 3, { ip0, ip1, ip2, ip3 });
  return Buffer.from(memory.subarray(3, end)).toString();
}

test('an IPv4 client is written as dotted quad', () => {
  for (const text of ['0.0.0.0', '1.20.100.255', '192.0.2.9', '255.255.255.255']) {
    const mapped = new Uint8Array(16).fill(0xff, 10, 12);
    mapped.set(parseIPv4(text)!, 12);
    assert.equal(written(mapped), text);
  }
});

test('an IPv6 client is written as RFC 5952 recommends', () => {
  const texts = [
    '::1',
    '2001:db8::',
    '2001:db8::1:0:0:1',
    '2001:db8:0:1:1:1:1:1',
    '1:0:0:2::3',
    '::2:3:4:5:6:7',
    'fe80::a:b:c:d',
  ];
  for (const text of [...texts, '1:2:3:4:5:6:7:8', '0:1:2:3:4:5:6:7', '1:2:3:4:5:6:7:0', 'ffff::']) {
    assert.equal(written(parseIPv6(text)!), text);
  }
});

test('any IPv6 address is written as base/address.ts formats it', () => {
  // every pattern of zero and other groups; those that are IPv4 in disguise are not IPv6 clients
  for (let bits = 0; bits < 256; bits++) {
    const bytes = new Uint8Array(16);
    for (let group = 0; group < 8; group++) if ((bits & (1 << group)) !== 0) bytes[group * 2 + 1] = group + 1;
    if (bits !== 0) assert.equal(written(bytes), formatIP(bytes));
  }
});
