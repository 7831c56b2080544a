/**
 * The narrow filters: they refuse exactly what the receiver calls a fault. Of IPv4 the kernel runs them, on a Unix datagram
 * socket; of IPv6, where they look at a header that such a socket does not have, an interpreter that is held against it.
 */
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { equalBytes } from '../../../base/bytes.ts';
import { AdvertReceiver, type ReceivedPacket } from '../../../core/vrrp/receiver.ts';
import type { AdvertSettings } from '../../../core/vrrp/settings.ts';
import { emitIpv4, IPV4_HEADER_BYTES } from '../../../wire/ipv4.ts';
import { emitIpv6, IPV6_HEADER_BYTES } from '../../../wire/ipv6.ts';
import {
  advertBytes,
  emitAdvert,
  fillAdvertChecksum,
  VRRP_GROUP_4,
  VRRP_GROUP_6,
  VRRP_PROTOCOL,
} from '../../../wire/vrrp/advert.ts';
import { TRAILER_BYTES, TrailerKey } from '../../../wire/vrrp/trailer.ts';
import * as libc from '../libc.ts';
import { encodeUnixPath } from '../socket-address.ts';
import { advertFilter4, advertFilter6, authenticatedAdvertFilter } from './advert-filter.ts';
import { attachFilter, type Filter, op } from '../socket-filter.ts';
import { receive, SOCK_NONBLOCK } from './system.ts';

const name = encodeUnixPath(`@evenkeel-advert-filter-test-${process.pid}`)!;
const receiver = libc.socket(libc.AF_UNIX, libc.SOCK_DGRAM | SOCK_NONBLOCK);
const sender = libc.socket(libc.AF_UNIX, libc.SOCK_DGRAM | SOCK_NONBLOCK);
libc.bind(receiver, name);
after(() => {
  closeSync(receiver);
  closeSync(sender);
});

const ID = 51;
const FAMILIES = {
  4: {
    group: VRRP_GROUP_4,
    own: Uint8Array.of(192, 0, 2, 11),
    peers: [Uint8Array.of(192, 0, 2, 12), Uint8Array.of(192, 0, 2, 13)],
    headerBytes: IPV4_HEADER_BYTES,
    filter: advertFilter4,
  },
  6: {
    group: VRRP_GROUP_6,
    own: Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11),
    peers: [12, 13].map((last) => Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last)),
    headerBytes: IPV6_HEADER_BYTES,
    filter: advertFilter6,
  },
} as const;
interface Case extends Pick<AdvertSettings, 'family' | 'version'> {
  readonly isUnicast: boolean;
  readonly isSigned: boolean;
  readonly ttlMin: number;
  /** Of the peers, those that are named; null: no difference is made. */
  readonly known: number | null;
}

function sendersOf({ family, known }: Case): readonly Uint8Array[] | null {
  return known === null ? null : FAMILIES[family].peers.slice(0, known);
}

function settingsOf({ family, version, isUnicast, isSigned, ttlMin }: Case): AdvertSettings {
  const { peers } = FAMILIES[family];
  return {
    family,
    version,
    virtualRouterId: ID,
    intervalUs: 1_000_000,
    addresses: [peers[0]],
    unicast: isUnicast ? { peers, ttlMin } : null,
    checksum: 'mirror',
    password: null,
    keys: isSigned ? [new TrailerKey(1, new Uint8Array(32))] : null,
  };
}

function filterOf(each: Case): Filter {
  const { family, version, isUnicast, isSigned, ttlMin } = each;
  const senders = sendersOf(each);
  const { filter, peers } = FAMILIES[family];
  const shape = { version, peers: isUnicast ? peers : null, ttlMin: isUnicast ? ttlMin : 255, isSigned };
  return filter(
    [7],
    [
      { routerId: 9, shape, senders },
      { routerId: ID, shape, senders },
    ],
  );
}

/** A packet that is mostly right. */
interface Draft {
  readonly ttl: number;
  readonly source: number;
  readonly isToGroup: boolean;
  readonly count: number;
  readonly trailerBytes: number;
  readonly isCut: number;
  readonly form: 'message' | 'pseudo-header' | null;
  readonly changes: readonly (readonly [at: number, value: number])[];
}

const wild = {
  ttl: fc.constantFrom(255, 255, 254, 64, 1),
  source: fc.nat(3),
  isToGroup: fc.boolean(),
  count: fc.constantFrom(1, 1, 2, 30, 63, 64, 65),
  trailerBytes: fc.constantFrom(0, 0, TRAILER_BYTES, TRAILER_BYTES, 1, TRAILER_BYTES - 1),
  isCut: fc.constantFrom(0, 0, 0, 1, 5, 9),
  form: fc.constantFrom('message' as const, 'pseudo-header' as const, null),
  changes: fc.array(fc.tuple(fc.constantFrom(0, 2, 3, 4, 5, 6), fc.constantFrom(0, 1, 0x21, 0x31, 0x32, 0xf0, 255)), {
    maxLength: 2,
  }),
};
/** A good part of these is right, whatever the case is: one of every two differs from a right one in its sender alone. */
const drafts: fc.Arbitrary<Draft> = fc.oneof(
  fc.record(wild),
  fc.record({ ...wild, ttl: fc.constant(255), count: fc.constant(1), isCut: fc.constant(0), changes: fc.constant([]) }),
);

const speech = {
  isUnicast: fc.boolean(),
  isSigned: fc.boolean(),
  ttlMin: fc.constantFrom(255, 254, 64),
  known: fc.constantFrom(null, null, 0, 1, 2),
};
const cases: fc.Arbitrary<Case> = fc.oneof(
  fc.record({ ...speech, family: fc.constantFrom(4 as const, 6 as const), version: fc.constant(3 as const) }),
  fc.record({
    ...speech,
    family: fc.constant(4 as const),
    version: fc.constant(2 as const),
    isSigned: fc.constant(false),
  }),
);

/** The whole packet, and how the receiver sees it. */
function packetOf({ family, version }: Case, draft: Draft): { whole: Uint8Array; packet: ReceivedPacket } {
  const { group, own, peers, headerBytes } = FAMILIES[family];
  const advert = {
    version,
    virtualRouterId: ID,
    priority: 100,
    intervalCs: 100,
    addresses: Array.from({ length: draft.count }, () => own),
    auth: version === 2 ? { type: 0, data: new Uint8Array(8) } : null,
  };
  const message = new Uint8Array(advertBytes(advert) + draft.trailerBytes);
  emitAdvert(advert, message, 0);
  for (const [at, value] of draft.changes) message[at] = value;
  const payload = message.subarray(0, message.length - draft.isCut);
  const source = [...peers, own, group][draft.source];
  const destination = draft.isToGroup ? group : own;
  if (draft.form !== null) {
    const form = family === 6 ? 'pseudo-header' : draft.form;
    const covered = family === 6 ? payload.length : Math.min(advertBytes(advert), payload.length);
    fillAdvertChecksum(payload, 0, covered, form, source, destination);
  }
  const whole = new Uint8Array(headerBytes + payload.length);
  const common = { source, destination, trafficClass: 0 };
  if (family === 4) {
    emitIpv4({ ...common, protocol: VRRP_PROTOCOL, ttl: draft.ttl, identification: 1 }, payload.length, whole, 0);
  } else {
    emitIpv6({ ...common, nextHeader: VRRP_PROTOCOL, hopLimit: draft.ttl }, payload.length, whole, 0);
  }
  whole.set(payload, headerBytes);
  const { ttl } = draft;
  const bounds = { start: headerBytes, end: whole.length };
  return { whole, packet: { bytes: whole, ...bounds, source, destination, protocol: VRRP_PROTOCOL, ttl } };
}

function isFault(settings: AdvertSettings, packet: ReceivedPacket): boolean {
  const adverts = new AdvertReceiver(settings);
  adverts.receive(packet, null, 0);
  return adverts.misshapen > 0;
}

/** As often as needed: what is refused passes one time in 256. */
function passesKernel(filter: Filter, packet: Uint8Array): boolean {
  assert.equal(attachFilter(receiver, filter), 0);
  const into = new Uint8Array(4096);
  for (let i = 0; i < 4; i++) {
    libc.sendTo(sender, packet, name);
    if (receive(receiver, into) < 0) return false;
  }
  return true;
}

/** `at`: where the socket's view of the packet begins. */
function interpret(filter: Filter, whole: Uint8Array, at: number, random: number): boolean {
  const view = new DataView(whole.buffer, whole.byteOffset, whole.length);
  let [a, x] = [0, 0];
  const memory: number[] = [];
  const load = (offset: number, size: number): boolean => {
    if (offset + size > whole.length) return false;
    a = size === 4 ? view.getUint32(offset) : size === 2 ? view.getUint16(offset) : view.getUint8(offset);
    return true;
  };
  const absolute = (offset: number): number => (offset < 0 ? offset + 0x100000 : at + offset);
  for (let pc = 0; ; pc++) {
    const { code, operand, skips = [0, 0] } = filter[pc];
    const jump = (isSo: boolean): number => skips[isSo ? 0 : 1];
    let isThere = true;
    if (code === op.RETURN) return operand > 0;
    else if (code === op.LOAD_WORD && operand === -0x1000 + 56) a = random;
    else if (code === op.LOAD_WORD) isThere = load(absolute(operand), 4);
    else if (code === op.LOAD_HALF) isThere = load(absolute(operand), 2);
    else if (code === op.LOAD_BYTE) isThere = load(absolute(operand), 1);
    else if (code === op.LOAD_HALF_FROM_X) isThere = load(at + x + operand, 2);
    else if (code === op.LOAD_BYTE_FROM_X) isThere = load(at + x + operand, 1);
    else if (code === op.LOAD_LENGTH) a = whole.length - at;
    else if (code === op.LOAD_X_IPV4_HEADER) x = (whole[at + operand] & 15) * 4;
    else if (code === op.LOAD_NUMBER) a = operand;
    else if (code === op.LOAD_X_NUMBER) x = operand;
    else if (code === op.LOAD_STORED) a = memory[operand];
    else if (code === op.LOAD_X_STORED) x = memory[operand];
    else if (code === op.STORE) memory[operand] = a;
    else if (code === op.STORE_X) memory[operand] = x;
    else if (code === op.COPY_TO_X) x = a;
    else if (code === op.ADD) a = (a + operand) >>> 0;
    else if (code === op.ADD_X) a = (a + x) >>> 0;
    else if (code === op.AND) a = (a & operand) >>> 0;
    else if (code === op.SHIFT_RIGHT) a >>>= operand;
    else if (code === op.JUMP_IF_GREATER) pc += jump(a > operand);
    else if (code === op.SUBTRACT_X) a = (a - x) >>> 0;
    else if (code === op.SHIFT_LEFT) a = (a << operand) >>> 0;
    else if (code === op.JUMP) pc += operand;
    else if (code === op.JUMP_IF_EQUAL) pc += jump(a === operand);
    else if (code === op.JUMP_IF_NOT_LESS) pc += jump(a >= operand);
    else if (code === op.JUMP_IF_BITS) pc += jump((a & operand) !== 0);
    else assert.fail(`instruction ${code}`);
    if (!isThere) return false;
  }
}

test('a narrow filter passes what the receiver finds no fault with, and of the rest what chance picks', () => {
  const seen = { fault: 0, good: 0 };
  fc.assert(
    fc.property(cases, drafts, (each, draft) => {
      const { whole, packet } = packetOf(each, draft);
      const filter = filterOf(each);
      const fault = isFault(settingsOf(each), packet);
      seen[fault ? 'fault' : 'good']++;
      const isStranger = sendersOf(each)?.some((sender) => equalBytes(sender, packet.source)) === false;
      const at = each.family === 4 ? 0 : IPV6_HEADER_BYTES;
      assert.equal(interpret(filter, whole, at, 1), !fault && !isStranger);
      // A payload without a router id is nobody's, and is not counted.
      if (whole.length - packet.start > 1) {
        assert.equal(interpret(filter, whole, at, 0x100), true);
        assert.equal(interpret(filter, whole, at, 0x20), !fault || isStranger);
      }
      if (each.family === 4) assert.equal(passesKernel(filter, whole), !fault && !isStranger);
    }),
    { numRuns: 2000 },
  );
  assert.ok(seen.fault > 100 && seen.good > 30, JSON.stringify(seen));
});

test('of what it refuses it passes about one in 256', () => {
  const each: Case = { family: 4, version: 3, isUnicast: false, isSigned: false, ttlMin: 255, known: null };
  const draft = { ttl: 64, source: 0, isToGroup: true, count: 1, trailerBytes: 0, isCut: 0, form: null, changes: [] };
  const { whole } = packetOf(each, draft);
  assert.equal(attachFilter(receiver, filterOf(each)), 0);
  const into = new Uint8Array(4096);
  let passed = 0;
  for (let i = 0; i < 25_600; i++) {
    libc.sendTo(sender, whole, name);
    if (receive(receiver, into) >= 0) passed++;
  }
  // Mean 100, deviation 10.
  assert.ok(passed > 40 && passed < 160, `${passed}`);
});

test('wide routers pass whole beside a narrow one, and others not at all', () => {
  const each: Case = { family: 4, version: 3, isUnicast: false, isSigned: false, ttlMin: 255, known: null };
  const shape = { version: 3, peers: null, ttlMin: 255, isSigned: false } as const;
  const draft = { ttl: 64, source: 0, isToGroup: true, count: 1, trailerBytes: 0, isCut: 0, form: null, changes: [] };
  const { whole } = packetOf(each, draft);
  assert.ok(passesKernel(advertFilter4([ID], [{ routerId: 9, shape, senders: null }]), whole));
  assert.ok(!interpret(advertFilter4([7], [{ routerId: 9, shape, senders: null }]), whole, 0, 0));
  assert.ok(!interpret(advertFilter4([7], [{ routerId: ID, shape, senders: null }]), whole, 0, 1));
});

test('behind an Authentication Header nothing passes but the sample', () => {
  const shape = { version: 3, peers: null, ttlMin: 255, isSigned: false } as const;
  const whole = new Uint8Array(IPV4_HEADER_BYTES + 24 + 12);
  whole[0] = 0x45;
  whole[IPV4_HEADER_BYTES] = VRRP_PROTOCOL;
  whole[IPV4_HEADER_BYTES + 25] = ID;
  const filter = authenticatedAdvertFilter([7], [{ routerId: ID, shape, senders: null }]);
  assert.ok(!passesKernel(filter, whole));
  assert.ok(interpret(filter, whole, 0, 0x300));
});
