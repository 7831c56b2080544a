import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatHex, parseHex } from '../base/bytes.ts';
import {
  ARP_BYTES,
  ARP_REPLY,
  ARP_REQUEST,
  arpFrame,
  arpProbe,
  arpRequest,
  emitArp,
  gratuitousReply,
  gratuitousRequest,
  parseArp,
  parseArpFrame,
} from './arp.ts';

/** Records of the same shape as the code's own. */
const PLAIN = { noNullPrototype: true };

const MAC = Uint8Array.of(0, 0, 0x5e, 0, 1, 0x33);
const IP = Uint8Array.of(192, 0, 2, 100);

/** Captured from keepalived 2.2.7. */
const CAPTURED = 'ffffffffffff02000000000108060001080006040001020000000001c0000264ffffffffffffc0000264';

test('A captured gratuitous ARP is read and written', () => {
  const bytes = parseHex(CAPTURED);
  assert.ok(bytes);
  const packet = parseArpFrame(bytes);
  assert.ok(packet !== null && typeof packet !== 'string');
  assert.equal(packet.operation, ARP_REQUEST);
  assert.deepEqual(packet.senderIp, IP);
  assert.deepEqual(packet.targetIp, IP);
  assert.equal(formatHex(packet.senderMac), '020000000001');
  assert.equal(formatHex(arpFrame(packet)), CAPTURED);
});

test('Every truncation of an ARP frame is refused', () => {
  const bytes = parseHex(CAPTURED);
  assert.ok(bytes);
  for (let length = 0; length < bytes.length; length++) {
    const packet = parseArpFrame(bytes.slice(0, length));
    assert.equal(packet, length < 14 ? null : 'truncated');
  }
});

test('RFC 9568 section 6.4.1 with erratum 7949: both gratuitous forms carry the address and the virtual MAC twice', () => {
  for (const [packet, operation] of [
    [gratuitousRequest(MAC, IP), '0001'],
    [gratuitousReply(MAC, IP), '0002'],
  ] as const) {
    assert.equal(
      formatHex(arpFrame(packet)),
      `ffffffffffff00005e0001330806000108000604${operation}00005e000133c000026400005e000133c0000264`,
    );
  }
});

test('RFC 5227 section 1.1: a probe claims nothing, its sender address is zero', () => {
  const bytes = new Uint8Array(ARP_BYTES);
  emitArp(arpProbe(MAC, IP), bytes, 0);
  assert.equal(formatHex(bytes), '000108000604000100005e00013300000000000000000000c0000264');
});

test('A request names its sender and asks for the target', () => {
  const packet = arpRequest(MAC, IP, Uint8Array.of(192, 0, 2, 1));
  assert.equal(packet.operation, ARP_REQUEST);
  assert.deepEqual(packet.targetMac, new Uint8Array(6));
});

test('Other hardware and other protocols are refused', () => {
  const bytes = new Uint8Array(ARP_BYTES);
  emitArp(gratuitousReply(MAC, IP), bytes, 0);
  for (const [at, reason] of [
    [1, 'hardware'],
    [4, 'hardware'],
    [2, 'protocol'],
    [5, 'protocol'],
  ] as const) {
    const changed = bytes.slice();
    changed[at] ^= 3;
    assert.equal(parseArp(changed, 0, changed.length), reason);
  }
});

test('What is written is read back, and no bytes make the parser throw', () => {
  const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });
  const ip = fc.uint8Array({ minLength: 4, maxLength: 4 });
  const packets = fc.record(
    {
      operation: fc.constantFrom(ARP_REQUEST, ARP_REPLY, 9),
      senderMac: mac,
      senderIp: ip,
      targetMac: mac,
      targetIp: ip,
    },
    PLAIN,
  );
  fc.assert(fc.property(packets, (packet) => assert.deepEqual(parseArpFrame(arpFrame(packet)), packet)));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      parseArpFrame(bytes);
      parseArp(bytes, 0, bytes.length);
    }),
  );
});
