import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseIPv6 } from '../base/address.ts';
import { formatHex, parseHex } from '../base/bytes.ts';
import {
  ALL_NODES,
  emitNeighborMessage,
  neighborFrame,
  type NeighborMessage,
  neighborMessageBytes,
  parseNeighborFrame,
  parseNeighborMessage,
  solicitedNodeGroup,
  UNSPECIFIED,
  unsolicitedAdvertisement,
} from './ndp.ts';

/** Records of the same shape as the code's own. */
const PLAIN = { noNullPrototype: true };

/** Captured from keepalived 2.2.7. */
const CAPTURED =
  '33330000000102000000000186dd6000000000203afffe800000000000000000000000000100ff0200000000000000000000000000018800' +
  '559d20000000fe8000000000000000000000000001000201020000000001';

function ip(text: string): Uint8Array {
  const bytes = parseIPv6(text);
  assert.ok(bytes);
  return bytes;
}

function captured(): Uint8Array {
  const bytes = parseHex(CAPTURED);
  assert.ok(bytes);
  return bytes;
}

const ADDRESS = ip('fe80::100');
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);

test('A captured unsolicited neighbour advertisement is read and written', () => {
  const message = unsolicitedAdvertisement(ADDRESS, MAC, false);
  assert.deepEqual(parseNeighborFrame(captured()), message);
  const frame = neighborFrame(message, { source: ADDRESS, destination: ALL_NODES }, MAC);
  assert.equal(formatHex(frame), CAPTURED);
});

test('Every truncation and every flipped bit of a neighbour message is refused', () => {
  const bytes = captured();
  const payload = 54;
  const envelope = { source: ADDRESS, destination: ALL_NODES };
  for (let end = payload; end < bytes.length; end++) {
    assert.equal(typeof parseNeighborMessage(bytes, payload, end, envelope, 255), 'string', `${end} bytes`);
  }
  for (let bit = payload * 8; bit < bytes.length * 8; bit++) {
    const broken = bytes.slice();
    broken[bit >> 3] ^= 1 << (bit & 7);
    assert.equal(parseNeighborMessage(broken, payload, broken.length, envelope, 255), 'checksum', `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length++) {
    const message = parseNeighborFrame(bytes.slice(0, length));
    assert.ok(message === null || typeof message === 'string', `${length} bytes`);
  }
});

test('RFC 9568 section 6.4.1: router flag as told, solicited clear, override set, MAC address included', () => {
  for (const isRouter of [false, true]) {
    const message = unsolicitedAdvertisement(ADDRESS, MAC, isRouter);
    const frame = neighborFrame(message, { source: ADDRESS, destination: ALL_NODES }, MAC);
    assert.equal(frame[58], isRouter ? 0xa0 : 0x20);
    assert.equal(frame[21], 255);
    assert.equal(formatHex(frame.subarray(0, 6)), '333300000001');
  }
});

test('RFC 4862 section 5.4.2: a probe comes from the unspecified address, to the solicited-node group, without option', () => {
  const message: NeighborMessage = { kind: 'solicitation', target: ip('2001:db8::12:3456'), sourceMac: null };
  const destination = solicitedNodeGroup(message.target);
  assert.deepEqual(destination, ip('ff02::1:ff12:3456'));
  const frame = neighborFrame(message, { source: UNSPECIFIED, destination }, MAC);
  assert.equal(formatHex(frame.subarray(0, 6)), '3333ff123456');
  assert.equal(frame.length, 14 + 40 + 24);
  assert.deepEqual(parseNeighborFrame(frame), message);
});

test('RFC 4861 sections 7.1.1 and 7.1.2: hop limit, code, target, options and source are checked', () => {
  const solicitation: NeighborMessage = { kind: 'solicitation', target: ADDRESS, sourceMac: MAC };
  const check = (
    change: (bytes: Uint8Array) => void,
    envelope = { source: ip('fe80::1'), destination: solicitedNodeGroup(ADDRESS) },
    hopLimit = 255,
  ): unknown => {
    const bytes = new Uint8Array(neighborMessageBytes(solicitation));
    emitNeighborMessage(solicitation, envelope, bytes, 0);
    const before = bytes.slice();
    change(bytes);
    // Put the checksum right again: the sum of all words stays the same.
    for (let i = 0; i < bytes.length; i += 2) {
      if (i === 2) continue;
      let checksum =
        ((bytes[2] << 8) | bytes[3]) + ((before[i] << 8) | before[i + 1]) + 0xffff - ((bytes[i] << 8) | bytes[i + 1]);
      while (checksum > 0xffff) checksum = (checksum & 0xffff) + (checksum >> 16);
      bytes[2] = checksum >> 8;
      bytes[3] = checksum;
    }
    return parseNeighborMessage(bytes, 0, bytes.length, envelope, hopLimit);
  };
  assert.deepEqual(
    check(() => {}),
    solicitation,
  );
  assert.equal(
    check(() => {}, undefined, 254),
    'hop-limit',
  );
  assert.equal(
    check((bytes) => (bytes[0] = 134)),
    'type',
  );
  assert.equal(
    check((bytes) => (bytes[1] = 1)),
    'code',
  );
  assert.equal(
    check((bytes) => (bytes[8] = 0xff)),
    'target',
  );
  assert.equal(
    check((bytes) => (bytes[25] = 0)),
    'option',
  );
  assert.equal(
    check((bytes) => (bytes[25] = 2)),
    'option',
  );
  assert.equal(
    check(() => {}, { source: UNSPECIFIED, destination: solicitedNodeGroup(ADDRESS) }),
    'source',
  );
});

test('What is written is read back, and no bytes make the parser throw', () => {
  const address = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => {
    bytes[0] = 0x20;
    return bytes;
  });
  const mac = fc.option(fc.uint8Array({ minLength: 6, maxLength: 6 }));
  const message: fc.Arbitrary<NeighborMessage> = fc.oneof(
    fc.record({ kind: fc.constant('solicitation' as const), target: address, sourceMac: mac }, PLAIN),
    fc.record(
      {
        kind: fc.constant('advertisement' as const),
        target: address,
        isRouter: fc.boolean(),
        isSolicited: fc.boolean(),
        isOverride: fc.boolean(),
        targetMac: mac,
      },
      PLAIN,
    ),
  );
  fc.assert(
    fc.property(message, address, (value, source) => {
      assert.deepEqual(parseNeighborFrame(neighborFrame(value, { source, destination: ALL_NODES }, MAC)), value);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 90 }), address, (bytes, source) => {
      parseNeighborFrame(bytes);
      parseNeighborMessage(bytes, 0, bytes.length, { source, destination: ALL_NODES }, 255);
    }),
  );
});
