import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeardAdvert } from './heard-advert.ts';
import * as fc from 'fast-check';
import { parseIPv6 } from '../../base/address.ts';
import {
  AUTH_HEADER,
  AUTH_PASSWORD,
  emitAdvert,
  fillAdvertChecksum,
  passwordData,
  VRRP_GROUP_4,
  VRRP_GROUP_6,
  VRRP_PROTOCOL,
} from '../../wire/vrrp/advert.ts';
import { TRAILER_BYTES, TrailerKey } from '../../wire/vrrp/trailer.ts';
import { AdvertReceiver, type ReceivedPacket } from './receiver.ts';
import { type Refusal, REFUSALS } from './refusals.ts';
import { AdvertSender } from './sender.ts';
import type { AdvertSettings } from './settings.ts';

const S = 1_000_000;
const UNIX_US = 1_700_000_000 * S;
const OWN = Uint8Array.of(192, 0, 2, 11);
const PEER = Uint8Array.of(192, 0, 2, 12);
const VIP = Uint8Array.of(192, 0, 2, 100);
const SECRET = new Uint8Array(32).fill(7);

const V3: AdvertSettings = {
  family: 4,
  version: 3,
  virtualRouterId: 51,
  intervalUs: S,
  addresses: [VIP],
  unicast: null,
  checksum: 'mirror',
  password: null,
  keys: null,
};
const UNICAST: AdvertSettings = { ...V3, unicast: { peers: [PEER], ttlMin: 255 } };

/** What the peer sends, with those settings of its own. */
function packetOf(settings: AdvertSettings, priority = 100, changes: Partial<ReceivedPacket> = {}): ReceivedPacket {
  const sender = new AdvertSender(settings);
  const source = changes.source ?? PEER;
  const bytes = sender.payload(priority, 0, source, UNIX_US);
  return {
    bytes,
    start: 0,
    end: bytes.length,
    source,
    destination: sender.destinations[0],
    protocol: VRRP_PROTOCOL,
    ttl: 255,
    ...changes,
  };
}

/** The packet with one byte changed and its checksum, of the message, put right. */
function changed(packet: ReceivedPacket, at: number, value: number): ReceivedPacket {
  const bytes = packet.bytes.slice();
  bytes[at] = value;
  const [source, destination] = [packet.source, packet.destination];
  fillAdvertChecksum(bytes, 0, bytes.length, source.length === 4 ? 'message' : 'pseudo-header', source, destination);
  return { ...packet, bytes };
}

function receive(settings: AdvertSettings, packet: ReceivedPacket): unknown {
  return new AdvertReceiver(settings).receive(packet, OWN, UNIX_US);
}

test('An advert of a peer is believed', () => {
  const receiver = new AdvertReceiver(V3);
  const advert = receiver.receive(packetOf(V3, 150), OWN, UNIX_US);
  assert.deepEqual(advert, { source: PEER, priority: 150, intervalUs: S, addresses: 'all', foreignAddress: null });
  assert.equal(receiver.accepted, 1);
});

test('RFC 9568 7.1: what fails a mandatory check is discarded and counted under its reason', () => {
  const packet = packetOf(V3);
  const cases: [Refusal, ReceivedPacket][] = [
    ['ttl', { ...packet, ttl: 254 }],
    ['truncated', { ...packet, end: 11 }],
    ['version', changed(packet, 0, 0x41)],
    ['type', changed(packet, 0, 0x32)],
    ['type', { ...packet, protocol: 17 }],
    ['address-count', changed(packet, 3, 0)],
    ['length', { ...packet, bytes: Uint8Array.of(...packet.bytes, 0), end: 13 }],
    ['interval', changed(packet, 5, 0)],
    ['virtual-router-id', changed(packet, 1, 52)],
    ['checksum', { ...packet, source: Uint8Array.of(192, 0, 2, 13) }],
    ['own-address', packetOf(V3, 100, { source: OWN })],
    ['authentication-header', { ...packet, protocol: 51 }],
    ['other-version', packetOf({ ...V3, version: 2 })],
  ];
  for (const [reason, each] of cases) {
    const receiver = new AdvertReceiver(V3);
    assert.equal(receiver.receive(each, OWN, UNIX_US), reason);
    assert.equal(receiver.refused[reason], 1);
    assert.equal(receiver.accepted, 0);
  }
});

test('RFC 9568 5.1.1.3 and 5.1.2.3: only a TTL or hop limit of 255 is believed', () => {
  const six: AdvertSettings = { ...V3, family: 6, addresses: [linkLocal(1)] };
  for (const ttl of [0, 1, 64, 254]) {
    assert.equal(receive(V3, packetOf(V3, 100, { ttl })), 'ttl');
    assert.equal(receive(six, packetOf(six, 100, { source: linkLocal(9), ttl })), 'ttl');
  }
});

test('RFC 9568 5.2.8: both forms of the checksum over IPv4 are believed, and which one it was is reported', () => {
  for (const checksum of ['message', 'pseudo-header'] as const) {
    const receiver = new AdvertReceiver(V3);
    assert.equal(typeof receiver.receive(packetOf({ ...V3, checksum }), OWN, UNIX_US), 'object');
    assert.equal(receiver.lastForm, checksum);
  }
});

test('RFC 9568 5.2.8: over IPv6 the checksum has the pseudo-header', () => {
  const six: AdvertSettings = { ...V3, family: 6, addresses: [linkLocal(1)] };
  const packet = packetOf(six, 100, { source: linkLocal(9) });
  assert.deepEqual(packet.destination, VRRP_GROUP_6);
  assert.equal(typeof receive(six, packet), 'object');
  assert.equal(receive(six, { ...packet, source: linkLocal(8) }), 'checksum');
});

test('RFC 9568 7.1: another address list is reported, and the advert is believed', () => {
  const other = { ...V3, addresses: [VIP, PEER] };
  assert.deepEqual(receive(V3, packetOf(other)), {
    source: PEER,
    priority: 100,
    intervalUs: S,
    addresses: 'some',
    foreignAddress: '192.0.2.12',
  });
  const theirs = packetOf({ ...V3, addresses: [PEER] });
  const heard = receive(V3, theirs) as HeardAdvert;
  assert.deepEqual([heard.addresses, heard.foreignAddress], ['none', '192.0.2.12']);
});

test('RFC 9568 5.2.9: an advert over IPv6 whose first address is not link-local is counted and believed', () => {
  const six: AdvertSettings = { ...V3, family: 6, addresses: [global(1)] };
  const receiver = new AdvertReceiver(six);
  assert.equal(typeof receiver.receive(packetOf(six, 100, { source: linkLocal(9) }), OWN, UNIX_US), 'object');
  assert.equal(receiver.withoutLinkLocal, 1);
});

test('RFC 3768 7.1: an interval of version 2 that differs is believed, against the RFC, and reported', () => {
  const two: AdvertSettings = { ...V3, version: 2 };
  const advert = receive(two, packetOf({ ...two, intervalUs: 3 * S }));
  assert.deepEqual(advert, { source: PEER, priority: 100, intervalUs: 3 * S, addresses: 'all', foreignAddress: null });
});

test('RFC 2338 5.3.6: the authentication type and the password of version 2 must be the same', () => {
  const open: AdvertSettings = { ...V3, version: 2 };
  const closed: AdvertSettings = { ...open, password: passwordData('1111') };
  assert.equal(typeof receive(closed, packetOf(closed)), 'object');
  assert.equal(receive(closed, packetOf(open)), 'authentication-type');
  assert.equal(receive(open, packetOf(closed)), 'authentication-type');
  assert.equal(receive(closed, packetOf({ ...closed, password: passwordData('1112') })), 'password');
  assert.equal(receive(open, changed(packetOf(open), 4, AUTH_HEADER)), 'authentication-type');
  assert.equal(receive(open, changed(packetOf(open), 4, AUTH_PASSWORD)), 'authentication-type');
});

test('With unicast peers, only they are believed, only by unicast, and only with a TTL that is high enough', () => {
  const stranger = Uint8Array.of(192, 0, 2, 66);
  const toUs = { destination: OWN };
  const sent: AdvertSettings = { ...V3, unicast: { peers: [OWN], ttlMin: 255 } };
  assert.equal(typeof receive(UNICAST, packetOf(sent, 100, toUs)), 'object');
  assert.equal(receive(UNICAST, packetOf(sent, 255, { ...toUs, source: stranger })), 'not-a-peer');
  assert.equal(receive(UNICAST, packetOf(sent, 100, { ...toUs, ttl: 254 })), 'ttl');
  assert.equal(receive(UNICAST, packetOf(V3)), 'destination');
  assert.equal(receive(V3, packetOf(sent, 100, toUs)), 'destination');
  const routed: AdvertSettings = { ...V3, unicast: { peers: [PEER], ttlMin: 253 } };
  assert.equal(typeof receive(routed, packetOf(sent, 100, { ...toUs, ttl: 253 })), 'object');
  assert.equal(receive(routed, packetOf(sent, 100, { ...toUs, ttl: 252 })), 'ttl');
});

test('With a key, an advert is believed only with a code of a key that is known', () => {
  const keys = [new TrailerKey(1, SECRET)];
  const signed: AdvertSettings = { ...V3, keys };
  assert.equal(typeof receive(signed, packetOf(signed)), 'object');
  assert.equal(receive(signed, packetOf(V3)), 'trailer-missing');
  assert.equal(receive(signed, packetOf({ ...V3, keys: [new TrailerKey(2, SECRET)] })), 'key-unknown');
  assert.equal(receive(signed, packetOf({ ...V3, keys: [new TrailerKey(1, SECRET.toReversed().fill(8))] })), 'code');
  const packet = packetOf(signed);
  const malformed = packet.bytes.slice();
  malformed[malformed.length - TRAILER_BYTES] = 9;
  assert.equal(receive(signed, { ...packet, bytes: malformed }), 'trailer-malformed');
  // The new key is known before the peers sign with it.
  const rotating: AdvertSettings = {
    ...V3,
    keys: [
      new TrailerKey(1, SECRET),
      new TrailerKey(
        2,
        SECRET.map((x) => x + 1),
      ),
    ],
  };
  assert.equal(
    typeof receive(
      rotating,
      packetOf({
        ...V3,
        keys: [
          new TrailerKey(
            2,
            SECRET.map((x) => x + 1),
          ),
        ],
      }),
    ),
    'object',
  );
});

test('A router without a key believes a peer that signs', () => {
  assert.equal(typeof receive(V3, packetOf({ ...V3, keys: [new TrailerKey(1, SECRET)] })), 'object');
});

test('A signed advert is believed once, and only near the time it was signed', () => {
  const signed: AdvertSettings = { ...V3, keys: [new TrailerKey(1, SECRET)] };
  const receiver = new AdvertReceiver(signed);
  const packet = packetOf(signed);
  assert.equal(typeof receiver.receive(packet, OWN, UNIX_US), 'object');
  assert.equal(receiver.receive(packet, OWN, UNIX_US), 'replay');
  assert.equal(receiver.receive(packet, OWN, UNIX_US + 6 * S), 'stale');
  assert.equal(Math.round(receiver.staleLeadUs / S), -6);
  assert.equal(receiver.receive(packet, OWN, UNIX_US - 6 * S), 'stale');
  assert.equal(Math.round(receiver.staleLeadUs / S), 6);
});

test('A forged advert does not move the mark of its pretended sender', () => {
  const signed: AdvertSettings = { ...V3, keys: [new TrailerKey(1, SECRET)] };
  const receiver = new AdvertReceiver(signed);
  const sender = new AdvertSender(signed);
  const genuine = sender.payload(100, 0, PEER, UNIX_US);
  const forged = new AdvertSender({
    ...V3,
    keys: [
      new TrailerKey(
        1,
        SECRET.map((x) => x + 1),
      ),
    ],
  });
  const forgery = forged.payload(255, 0, PEER, UNIX_US + 4 * S);
  const packet = { ...packetOf(signed), bytes: genuine };
  assert.equal(receiver.receive({ ...packet, bytes: forgery }, OWN, UNIX_US), 'code');
  assert.equal(typeof receiver.receive(packet, OWN, UNIX_US), 'object');
});

test('No bytes make the receiver throw, and every packet is either believed or counted', () => {
  const signed: AdvertSettings = { ...V3, keys: [new TrailerKey(1, SECRET)] };
  const settings = fc.constantFrom(V3, signed, UNICAST, { ...V3, version: 2 as const });
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.tuple(fc.nat(11), fc.nat(255)).map(([at, value]) => {
      const { bytes } = packetOf(V3);
      bytes[at] = value;
      return bytes;
    }),
  );
  fc.assert(
    fc.property(
      settings,
      noise,
      fc.constantFrom(112, 51, 6),
      fc.constantFrom(255, 254),
      (each, bytes, protocol, ttl) => {
        const receiver = new AdvertReceiver(each);
        const destination = each.unicast === null ? VRRP_GROUP_4 : OWN;
        receiver.receive(
          { bytes, start: 0, end: bytes.length, source: PEER, destination, protocol, ttl },
          OWN,
          UNIX_US,
        );
        const refused = REFUSALS.reduce((sum, reason) => sum + receiver.refused[reason], 0);
        assert.equal(receiver.accepted + refused, 1);
      },
    ),
    { numRuns: 1000 },
  );
});

test('The sender mirrors the form last seen: of the group, or of the single peer', () => {
  const sender = new AdvertSender(V3);
  const formOf = (settings: AdvertSettings, each: AdvertSender, index: number): unknown => {
    const bytes = each.payload(100, index, OWN, UNIX_US);
    const receiver = new AdvertReceiver(settings);
    const destination = each.destinations[index];
    receiver.receive(
      { bytes, start: 0, end: bytes.length, source: OWN, destination, protocol: 112, ttl: 255 },
      PEER,
      0,
    );
    return receiver.lastForm;
  };
  assert.equal(formOf(V3, sender, 0), 'pseudo-header');
  sender.mirror(PEER, 'message');
  assert.equal(formOf(V3, sender, 0), 'message');
  sender.mirror(PEER, 'both');
  assert.equal(formOf(V3, sender, 0), 'message');
  sender.mirror(PEER, 'pseudo-header');
  assert.equal(formOf(V3, sender, 0), 'pseudo-header');

  const other = Uint8Array.of(192, 0, 2, 13);
  const unicast: AdvertSettings = { ...V3, unicast: { peers: [PEER, other], ttlMin: 255 } };
  const receiving: AdvertSettings = { ...V3, unicast: { peers: [OWN], ttlMin: 255 } };
  const toPeers = new AdvertSender(unicast);
  toPeers.mirror(other, 'message');
  assert.equal(formOf(receiving, toPeers, 0), 'pseudo-header');
  assert.equal(formOf(receiving, toPeers, 1), 'message');

  const fixed = new AdvertSender({ ...V3, checksum: 'message' });
  fixed.mirror(PEER, 'pseudo-header');
  assert.equal(formOf(V3, fixed, 0), 'message');
});

test('Over IPv4 a signed advert leaves the trailer out of the checksum, over IPv6 it is under it, as keepalived does', () => {
  const keys = [new TrailerKey(1, SECRET)];
  const four: AdvertSettings = { ...V3, keys, checksum: 'message' };
  const bytes = new AdvertSender(four).payload(100, 0, OWN, UNIX_US);
  const advert = {
    version: 3,
    virtualRouterId: 51,
    priority: 100,
    intervalCs: 100,
    addresses: [VIP],
    auth: null,
  } as const;
  const plain = new Uint8Array(12);
  fillAdvertChecksum(plain, 0, emitAdvert(advert, plain, 0), 'message', OWN, VRRP_GROUP_4);
  assert.deepEqual(bytes.slice(0, 12), plain);
  const six: AdvertSettings = { ...V3, family: 6, addresses: [linkLocal(1)], keys };
  assert.equal(typeof receive(six, packetOf(six, 100, { source: linkLocal(9) })), 'object');
});

test('A key list that is empty, and a password of version 3, are refused', () => {
  assert.throws(() => new AdvertSender({ ...V3, keys: [] }));
  assert.throws(() => new AdvertSender({ ...V3, password: passwordData('1') }));
});

function linkLocal(last: number): Uint8Array {
  const address = parseIPv6('fe80::');
  assert.ok(address);
  address[15] = last;
  return address;
}

function global(last: number): Uint8Array {
  const address = parseIPv6('2001:db8::');
  assert.ok(address);
  address[15] = last;
  return address;
}
