import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatHex } from '../../../base/bytes.ts';
import {
  NetlinkWriter,
  netlinkMessages,
  numberMessages,
  portions,
  readAttributes,
  readU32,
} from './netlink-message.ts';
import {
  readLink,
  readLinkAddress,
  RTM_DELADDR,
  RTM_NEWADDR,
  writeAddRoute,
  writeCreateMacvlan,
  writeDeleteAddress,
  writeHoldAddress,
} from './rtnetlink.ts';

const IPV4 = Uint8Array.of(192, 168, 15, 3);
const IPV6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3);

function parsed(bytes: Uint8Array) {
  return [...netlinkMessages(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), bytes.length)];
}

test('a held address is a message that iproute2 sends too, with lifetime, flags and protocol', () => {
  const writer = new NetlinkWriter();
  writeHoldAddress(writer, 2, { address: IPV4, prefixLength: 24, hasRoute: true }, 2);
  const bytes = writer.finished();
  numberMessages(bytes, 7);
  assert.equal(
    formatHex(bytes),
    '4c000000' + // length
      '14000105' + // RTM_NEWADDR; NLM_F_REQUEST, REPLACE, CREATE
      '0700000000000000' + // sequence, port
      '0218000002000000' + // AF_INET, /24, universe, link 2
      '08000200c0a80f03' + // IFA_LOCAL
      '08000100c0a80f03' + // IFA_ADDRESS
      '1400060002000000020000000000000000000000' + // IFA_CACHEINFO: preferred 2, valid 2
      '0800080000020000' + // IFA_FLAGS: NOPREFIXROUTE
      '05000b0070000000', // IFA_PROTO 112
  );
  const [message] = parsed(bytes);
  assert.deepEqual(readLinkAddress(bytes, message), {
    linkIndex: 2,
    family: 4,
    address: IPV4,
    prefixLength: 24,
    isSecondary: false,
    isTentative: false,
    isOurs: true,
    isPermanent: false,
  });
});

test('over IPv6 it is never preferred, and without duplicate detection', () => {
  const writer = new NetlinkWriter();
  writeHoldAddress(writer, 3, { address: IPV6, prefixLength: 64, hasRoute: false }, 5);
  const bytes = writer.finished();
  const [{ start, end }] = parsed(bytes);
  const attributes = readAttributes(bytes, start + 8, end);
  assert.deepEqual([readU32(attributes.get(6)!), readU32(attributes.get(6)!, 4)], [0, 5]);
  assert.equal(readU32(attributes.get(8)!), 2);
});

test('a buffer holds many messages, numbered one after the other, and they can be numbered again', () => {
  const writer = new NetlinkWriter();
  for (let i = 0; i < 300; i++) writeDeleteAddress(writer, 1, Uint8Array.of(10, 0, i >> 8, i & 255), 32);
  const bytes = writer.finished();
  for (const first of [1, 1000]) {
    assert.equal(numberMessages(bytes, first), first + 300);
    const messages = parsed(bytes);
    assert.equal(messages.length, 300);
    messages.forEach((message, i) => {
      assert.equal(message.sequence, first + i);
      assert.equal(message.type, RTM_DELADDR);
      assert.deepEqual(readLinkAddress(bytes, message)?.address, Uint8Array.of(10, 0, i >> 8, i & 255));
    });
  }
});

test('a link is read with its kind and its parent', () => {
  const writer = new NetlinkWriter();
  writeCreateMacvlan(writer, 'vip4.2.50', 2, Uint8Array.of(0, 0, 0x5e, 0, 1, 50));
  const bytes = writer.finished();
  const [message] = parsed(bytes);
  const link = readLink(bytes, message);
  assert.deepEqual(
    [link.name, link.parentIndex, link.isMacvlan, formatHex(link.mac), link.isUp],
    ['vip4.2.50', 2, true, '00005e000132', false],
  );
});

test('what is cut off, or is longer than its message, is left out', () => {
  const writer = new NetlinkWriter();
  writeHoldAddress(writer, 2, { address: IPV4, prefixLength: 24, hasRoute: false }, 2);
  const bytes = writer.finished();
  for (let length = 0; length < bytes.length; length++) {
    assert.deepEqual(parsed(bytes.slice(0, length)), []);
    assert.doesNotThrow(() => readAttributes(bytes, 24, length));
  }
  const torn = bytes.slice();
  torn[24] = 200; // the length of the first attribute
  const [message] = parsed(torn);
  assert.equal(message.type, RTM_NEWADDR);
  assert.equal(readLinkAddress(torn, message), null);
});

test('more messages than are sent together are sent one part after the other, none of them cut', () => {
  const writer = new NetlinkWriter();
  for (let i = 0; i < 250; i++) writeDeleteAddress(writer, 1, Uint8Array.of(10, 0, 0, i), 24);
  const counts = [...portions(writer.finished(), 100)].map((portion) => parsed(portion.slice()).length);
  assert.deepEqual(counts, [100, 100, 50]);
  assert.deepEqual([...portions(new Uint8Array(0), 100)], []);
});

test('the route to the network of an address is behind all others, and from that address', () => {
  const writer = new NetlinkWriter();
  writeAddRoute(writer, 2, { address: Uint8Array.of(10, 9, 8, 7), prefixLength: 28 });
  const bytes = writer.finished();
  const [{ start, end }] = parsed(bytes);
  assert.equal(formatHex(bytes.subarray(start, start + 12)), '021c0000fe70fd0100000000');
  const attributes = readAttributes(bytes, start + 12, end);
  assert.deepEqual([...attributes.get(1)!], [10, 9, 8, 0]);
  assert.deepEqual([...attributes.get(7)!], [10, 9, 8, 7]);
  assert.deepEqual([readU32(attributes.get(4)!), readU32(attributes.get(6)!)], [2, 4_000_000]);
});

test('a part of an answer says whether something has changed since the part before', () => {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  for (const at of [0, 16]) view.setUint32(at, 16, true);
  view.setUint16(16 + 6, 0x10 | 2, true);
  assert.deepEqual(
    parsed(bytes).map(({ isTorn }) => isTorn),
    [false, true],
  );
});
