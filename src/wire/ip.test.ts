import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseHex } from '../base/bytes.ts';
import { addToSum, finishSum } from './checksum.ts';
import { multicastMac, parseEthernet } from './ethernet.ts';
import { emitIpv4, IPV4_HEADER_BYTES, parseIpv4 } from './ipv4.ts';
import { emitIpv6, IPV6_HEADER_BYTES, parseIpv6 } from './ipv6.ts';

/** Records of the same shape as the code's own. */
const PLAIN = { noNullPrototype: true };

const HEADER_4 = '45c0002800010000ff701887c000020be0000012';

function header4(): Uint8Array {
  const bytes = parseHex(HEADER_4 + '00'.repeat(20));
  assert.ok(bytes);
  return bytes;
}

/** Makes the header checksum right again after a change. */
function withChecksum(bytes: Uint8Array, headerBytes: number): Uint8Array {
  bytes[10] = 0;
  bytes[11] = 0;
  const checksum = finishSum(addToSum(0, bytes, 0, headerBytes));
  bytes[10] = checksum >> 8;
  bytes[11] = checksum;
  return bytes;
}

function changed(at: number, value: number, headerBytes = 20): Uint8Array {
  const bytes = header4();
  bytes[at] = value;
  return withChecksum(bytes, headerBytes);
}

function bytesOf(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

test('RFC 1071 section 3: the example comes to its sum, and a sum with its checksum comes to zero', () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  const checksum = finishSum(addToSum(0, bytes, 0, bytes.length));
  assert.equal(checksum, ~0xddf2 & 0xffff);
  assert.equal(finishSum(addToSum(checksum, bytes, 0, bytes.length)), 0);
  assert.equal(finishSum(addToSum(0, Uint8Array.of(0x12), 0, 1)), ~0x1200 & 0xffff);
});

test('An IPv4 packet is read: options are skipped, and link-layer padding is not part of it', () => {
  const packet = parseIpv4(header4(), 0, 40);
  assert.ok(typeof packet !== 'string');
  assert.deepEqual([packet.payloadStart, packet.payloadEnd, packet.ttl, packet.protocol], [20, 40, 255, 112]);

  const padded = new Uint8Array(46);
  padded.set(header4());
  const same = parseIpv4(padded, 0, 46);
  assert.ok(typeof same !== 'string');
  assert.equal(same.payloadEnd, 40);

  const options = header4();
  options[0] = 0x46;
  const skipped = parseIpv4(withChecksum(options, 24), 0, 40);
  assert.ok(typeof skipped !== 'string');
  assert.equal(skipped.payloadStart, 24);
});

test('IPv4 faults have their reasons', () => {
  const reasons: [Uint8Array, string][] = [
    [changed(0, 0x65), 'version'],
    [changed(0, 0x44), 'header-length'],
    [changed(3, 19), 'total-length'],
    [changed(3, 41), 'truncated'],
    [changed(6, 0x20), 'fragment'],
    [changed(7, 1), 'fragment'],
  ];
  for (const [bytes, reason] of reasons) assert.equal(parseIpv4(bytes, 0, 40), reason);
  for (let bit = 8; bit < 160; bit++) {
    const bytes = header4();
    bytes[bit >> 3] ^= 1 << (bit & 7);
    assert.equal(typeof parseIpv4(bytes, 0, 40), 'string', `bit ${bit}`);
  }
  for (let length = 0; length < 40; length++) assert.equal(parseIpv4(header4(), 0, length), 'truncated');
  const dontFragment = parseIpv4(changed(6, 0x40), 0, 40);
  assert.ok(typeof dontFragment !== 'string');
});

test('IPv4 and IPv6 headers that are written are read back', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const size = fc.integer({ min: 0, max: 100 });
  const four = fc.record(
    {
      source: bytesOf(4),
      destination: bytesOf(4),
      protocol: byte,
      ttl: byte,
      trafficClass: byte,
      identification: fc.integer({ min: 0, max: 65535 }),
    },
    PLAIN,
  );
  fc.assert(
    fc.property(four, size, (header, payloadBytes) => {
      const bytes = new Uint8Array(3 + IPV4_HEADER_BYTES + payloadBytes);
      const payloadStart = emitIpv4(header, payloadBytes, bytes, 3);
      const packet = parseIpv4(bytes, 3, bytes.length);
      assert.deepEqual(packet, { ...header, payloadStart, payloadEnd: bytes.length });
    }),
  );
  const six = fc.record(
    {
      source: bytesOf(16),
      destination: bytesOf(16),
      nextHeader: byte,
      hopLimit: byte,
      trafficClass: byte,
    },
    PLAIN,
  );
  fc.assert(
    fc.property(six, size, (header, payloadBytes) => {
      const bytes = new Uint8Array(3 + IPV6_HEADER_BYTES + payloadBytes);
      const payloadStart = emitIpv6(header, payloadBytes, bytes, 3);
      const packet = parseIpv6(bytes, 3, bytes.length);
      assert.deepEqual(packet, { ...header, payloadStart, payloadEnd: bytes.length });
      for (let length = 0; length < IPV6_HEADER_BYTES + payloadBytes; length++) {
        assert.equal(parseIpv6(bytes, 3, 3 + length), 'truncated');
      }
      bytes[3] ^= 0x10;
      assert.equal(parseIpv6(bytes, 3, bytes.length), 'version');
    }),
  );
});

test('RFC 1112 section 6.4 and RFC 2464 section 7: groups have multicast MAC addresses', () => {
  assert.deepEqual([...multicastMac(Uint8Array.of(239, 255, 1, 2))], [1, 0, 0x5e, 0x7f, 1, 2]);
  assert.throws(() => multicastMac(Uint8Array.of(10, 0, 0, 1)));
  assert.throws(() => multicastMac(new Uint8Array(16)));
  assert.equal(parseEthernet(new Uint8Array(13), 0, 13), null);
});
