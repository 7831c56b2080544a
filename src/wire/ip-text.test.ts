import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatIP, parseIPv4, parseIPv6 } from '../base/address.ts';
import { emitIpText, IpWords, parseIpText } from './ip-text.ts';

function wordsOf(bytes: Uint8Array): IpWords {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const ip = new IpWords();
  [ip.ip0, ip.ip1, ip.ip2, ip.ip3] = [0, 4, 8, 12].map((at) => view.getInt32(at));
  return ip;
}

function mapped(quad: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16).fill(0xff, 10, 12);
  bytes.set(quad, 12);
  return bytes;
}

function written(ip: IpWords): string {
  const memory = new Uint8Array(64).fill(0x21);
  const end = emitIpText(memory, 3, ip);
  return Buffer.from(memory.subarray(3, end)).toString();
}

function parsed(text: string): IpWords | null {
  const bytes = Buffer.from(`7${text}7`, 'latin1');
  const ip = new IpWords();
  return parseIpText(bytes, 1, bytes.length - 1, ip) ? ip : null;
}

test('an IPv4 client is written as dotted quad', () => {
  for (const text of ['0.0.0.0', '1.20.100.255', '192.0.2.9', '255.255.255.255']) {
    assert.equal(written(wordsOf(mapped(parseIPv4(text)!))), text);
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
    assert.equal(written(wordsOf(parseIPv6(text)!)), text);
  }
});

test('any IPv6 address is written as base/address.ts formats it', () => {
  // every pattern of zero and other groups; those that are IPv4 in disguise are not IPv6 clients
  for (let bits = 0; bits < 256; bits++) {
    const bytes = new Uint8Array(16);
    for (let group = 0; group < 8; group++) if ((bits & (1 << group)) !== 0) bytes[group * 2 + 1] = group + 1;
    if (bits !== 0) assert.equal(written(wordsOf(bytes)), formatIP(bytes));
  }
});

test('every text is read as base/address.ts reads it, or refused as it is refused there', () => {
  const piece = fc.constantFrom(
    '0',
    '1',
    '9',
    '10',
    '255',
    '256',
    '01',
    'f',
    'ffff',
    'fffff',
    '.',
    ':',
    '::',
    'g',
    ' ',
    '%e',
  );
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
  );
  fc.assert(
    fc.property(address, (text) => {
      const quad = parseIPv4(text);
      const bytes = quad === null ? parseIPv6(text) : mapped(quad);
      assert.deepEqual(parsed(text), bytes === null ? null : wordsOf(bytes));
    }),
    { numRuns: 3000 },
  );
});

test('what is written is read again', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const ip = wordsOf(bytes);
      assert.deepEqual(parsed(written(ip)), ip);
    }),
  );
});
