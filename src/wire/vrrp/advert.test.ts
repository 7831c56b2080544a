import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseIPv4, parseIPv6 } from '../../base/address.ts';
import { formatHex, parseHex } from '../../base/bytes.ts';
import { ETHERNET_HEADER_BYTES, ETHERTYPE_IPV4, emitEthernet, multicastMac, parseEthernet } from '../ethernet.ts';
import { emitIpv4, parseIpv4, TRAFFIC_CLASS_CONTROL } from '../ipv4.ts';
import {
  type Advert,
  advertBytes,
  AdvertView,
  AUTH_HEADER,
  AUTH_NONE,
  AUTH_PASSWORD,
  type ChecksumForm,
  emitAdvert,
  type Family,
  fillAdvertChecksum,
  passwordData,
  virtualMac,
  VRRP_GROUP_4,
  VRRP_GROUP_6,
  VRRP_PROTOCOL,
  VRRP_TTL,
} from './advert.ts';
import { AUTHENTICATION_HEADER_PROTOCOL, isVrrpInAuthenticationHeader } from './authentication-header.ts';
import { TRAILER_BYTES } from './trailer.ts';

/** Records of the same shape as the code's own. */
const PLAIN = { noNullPrototype: true };

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly source: string;
  readonly destination: string;
  readonly form: ChecksumForm;
  readonly advert: Advert;
}

const NO_PASSWORD = { type: AUTH_NONE, data: new Uint8Array(8) };
const PASSWORD = { type: AUTH_PASSWORD, data: passwordData('s3cret99') };

/** Captured from other implementations, or published by them. */
const VECTORS: readonly Vector[] = [
  {
    name: 'version 2 without authentication (gopacket)',
    hex: '210164010001ba52c0a800010000000000000000',
    source: '192.168.0.30',
    destination: '224.0.0.18',
    form: 'message',
    advert: v2(1, 100, 100, ['192.168.0.1'], NO_PASSWORD),
  },
  {
    name: 'version 2 with a password (keepalived 2.2.7)',
    hex: '2133960101011012c00002647333637265743939',
    source: '192.0.2.11',
    destination: '224.0.0.18',
    form: 'message',
    advert: v2(0x33, 150, 100, ['192.0.2.100'], PASSWORD),
  },
  {
    name: 'version 2 with a password, released (keepalived 2.2.7)',
    hex: '213300010101a612c00002647333637265743939',
    source: '192.0.2.11',
    destination: '224.0.0.18',
    form: 'message',
    advert: v2(0x33, 0, 100, ['192.0.2.100'], PASSWORD),
  },
  {
    name: 'version 2 with two addresses (ze)',
    hex: '210ac802000192edc0000201c00002020000000000000000',
    source: '192.0.2.251',
    destination: '224.0.0.18',
    form: 'message',
    advert: v2(10, 200, 100, ['192.0.2.1', '192.0.2.2'], NO_PASSWORD),
  },
  {
    name: 'version 2 inside an Authentication Header (keepalived 2.2.7)',
    hex: '2133960102018465c00002640000000000000000',
    source: '192.0.2.11',
    destination: '224.0.0.18',
    form: 'message',
    advert: v2(0x33, 150, 100, ['192.0.2.100'], { type: AUTH_HEADER, data: new Uint8Array(8) }),
  },
  {
    name: 'version 3 over IPv4 with the pseudo-header (keepalived 2.2.7)',
    hex: '313396010064d367c0000264',
    source: '192.0.2.11',
    destination: '224.0.0.18',
    form: 'pseudo-header',
    advert: v3(0x33, 150, 100, ['192.0.2.100']),
  },
  {
    name: 'version 3 over IPv4, the message alone',
    hex: '3133960100647602c0000264',
    source: '192.0.2.11',
    destination: '224.0.0.18',
    form: 'message',
    advert: v3(0x33, 150, 100, ['192.0.2.100']),
  },
  {
    name: 'version 3 over IPv4 to a unicast peer',
    hex: '313396010064f16cc0000264',
    source: '192.0.2.11',
    destination: '192.0.2.13',
    form: 'pseudo-header',
    advert: v3(0x33, 150, 100, ['192.0.2.100']),
  },
  {
    name: 'version 3 over IPv6 (keepalived 2.2.7)',
    hex: '3133960200640cfdfe80000000000000000000000000010020010db8000000000000000000000100',
    source: 'fe80::ff:fe00:1',
    destination: 'ff02::12',
    form: 'pseudo-header',
    advert: v3(0x33, 150, 100, ['fe80::100', '2001:db8::100']),
  },
  {
    name: 'version 3 with two addresses, the message alone (ze)',
    hex: '310ac8020064828ac0000201c0000202',
    source: '192.0.2.251',
    destination: '224.0.0.18',
    form: 'message',
    advert: v3(10, 200, 100, ['192.0.2.1', '192.0.2.2']),
  },
  {
    name: 'version 3 with two addresses and the pseudo-header (ze)',
    hex: '310ac8020064defbc0000201c0000202',
    source: '192.0.2.251',
    destination: '224.0.0.18',
    form: 'pseudo-header',
    advert: v3(10, 200, 100, ['192.0.2.1', '192.0.2.2']),
  },
];

function v2(id: number, priority: number, intervalCs: number, addresses: string[], auth: Advert['auth']): Advert {
  return { version: 2, virtualRouterId: id, priority, intervalCs, addresses: addresses.map(ip), auth };
}

function v3(id: number, priority: number, intervalCs: number, addresses: string[]): Advert {
  return { version: 3, virtualRouterId: id, priority, intervalCs, addresses: addresses.map(ip), auth: null };
}

function ip(text: string): Uint8Array {
  const bytes = text.includes(':') ? parseIPv6(text) : parseIPv4(text);
  assert.ok(bytes, text);
  return bytes;
}

function hex(text: string): Uint8Array {
  const bytes = parseHex(text);
  assert.ok(bytes, text);
  return bytes;
}

function familyOf(address: Uint8Array): Family {
  return address.length === 4 ? 4 : 6;
}

function emitted(advert: Advert, form: ChecksumForm, source: Uint8Array, destination: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(advertBytes(advert));
  const end = emitAdvert(advert, bytes, 0);
  assert.equal(end, bytes.length);
  fillAdvertChecksum(bytes, 0, end, form, source, destination);
  return bytes;
}

for (const vector of VECTORS) {
  const bytes = hex(vector.hex);
  const source = ip(vector.source);
  const destination = ip(vector.destination);

  test(`Golden bytes are read: ${vector.name}`, () => {
    // Not at offset 0: a view must not depend on where its bytes begin.
    const padded = new Uint8Array(bytes.length + 7);
    padded.set(bytes, 5);
    const view = new AdvertView();
    assert.equal(view.wrap(padded, 5, 5 + bytes.length, familyOf(source)), null);
    assert.deepEqual(view.toAdvert(), vector.advert);
    assert.equal(view.checksumForm(source, destination), vector.form);
    assert.equal(view.hasTrailer, false);
    assert.ok(view.hasAddresses(vector.advert.addresses.toReversed()));
    assert.equal(view.hasAddresses([...vector.advert.addresses, source]), false);
    assert.equal(view.hasAddresses(vector.advert.addresses.map(() => source)), false);
  });

  test(`Golden bytes are written: ${vector.name}`, () => {
    assert.equal(formatHex(emitted(vector.advert, vector.form, source, destination)), vector.hex);
  });

  test(`Every truncation is refused: ${vector.name}`, () => {
    const view = new AdvertView();
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(view.wrap(bytes, 0, length, familyOf(source)), 'truncated', `${length} bytes`);
    }
  });

  test(`Every flipped bit breaks the checksum or is refused: ${vector.name}`, () => {
    const view = new AdvertView();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const broken = bytes.slice();
      broken[bit >> 3] ^= 1 << (bit & 7);
      if (view.wrap(broken, 0, broken.length, familyOf(source)) !== null) continue;
      assert.equal(view.checksumForm(source, destination), null, `bit ${bit}`);
    }
  });
}

test('A whole captured frame of version 2 is read and written', () => {
  const hexText =
    '01005e000012020000000001080045c0002800010000ff701887c000020be00000122133960101011012c00002647333637265743939';
  const frame = hex(hexText);
  const ethernet = parseEthernet(frame, 0, frame.length);
  assert.ok(ethernet);
  assert.deepEqual(ethernet.destination, multicastMac(VRRP_GROUP_4));
  assert.equal(ethernet.etherType, ETHERTYPE_IPV4);
  const packet = parseIpv4(frame, ETHERNET_HEADER_BYTES, frame.length);
  assert.ok(typeof packet !== 'string');
  assert.equal(packet.protocol, VRRP_PROTOCOL);
  assert.equal(packet.ttl, VRRP_TTL);
  assert.equal(packet.trafficClass, TRAFFIC_CLASS_CONTROL);
  assert.deepEqual(packet.source, ip('192.0.2.11'));
  assert.deepEqual(packet.destination, VRRP_GROUP_4);
  const view = new AdvertView();
  assert.equal(view.wrap(frame, packet.payloadStart, packet.payloadEnd, 4), null);

  const written = new Uint8Array(frame.length);
  const advert = view.toAdvert();
  const payload = emitIpv4(packet, advertBytes(advert), written, emitEthernet(ethernet, written, 0));
  const end = emitAdvert(advert, written, payload);
  fillAdvertChecksum(written, payload, end, 'message', packet.source, packet.destination);
  assert.equal(formatHex(written), hexText);
});

test('RFC 9568 section 5.2.6: the reserved bits are sent as zero and ignored', () => {
  const source = ip('192.0.2.11');
  const bytes = emitted(v3(1, 100, 4095, ['192.0.2.1']), 'message', source, VRRP_GROUP_4);
  assert.equal(bytes[4] >> 4, 0);
  bytes[4] |= 0xf0;
  fillAdvertChecksum(bytes, 0, bytes.length, 'message', source, VRRP_GROUP_4);
  const view = new AdvertView();
  assert.equal(view.wrap(bytes, 0, bytes.length, 4), null);
  assert.equal(view.intervalCs, 4095);
  assert.equal(view.checksumForm(source, VRRP_GROUP_4), 'message');
});

test('RFC 9568 section 7.1: version, type, count and interval are checked, each with its reason', () => {
  const view = new AdvertView();
  const good = emitted(v3(1, 100, 100, ['192.0.2.1']), 'message', ip('192.0.2.11'), VRRP_GROUP_4);
  const changed = (at: number, value: number): Uint8Array => {
    const bytes = good.slice();
    bytes[at] = value;
    return bytes;
  };
  const reasons: [Uint8Array, Family, string][] = [
    [changed(0, 0x11), 4, 'version'],
    [changed(0, 0x41), 4, 'version'],
    [changed(0, 0x21), 6, 'version'],
    [changed(0, 0x30), 4, 'type'],
    [changed(0, 0x32), 4, 'type'],
    [changed(3, 0), 4, 'address-count'],
    [changed(3, 2), 4, 'truncated'],
    [changed(5, 0), 4, 'interval'],
    [Uint8Array.of(...good, 0), 4, 'length'],
    [Uint8Array.of(...good, ...new Uint8Array(TRAILER_BYTES + 1)), 4, 'length'],
  ];
  for (const [bytes, family, reason] of reasons) assert.equal(view.wrap(bytes, 0, bytes.length, family), reason);
});

test('A pseudo-header that comes to zero makes both forms right', () => {
  // 112 + 12 + 0xff83 is 0xffff, the other zero of ones' complement.
  const [source, destination] = [ip('255.131.0.0'), ip('0.0.0.0')];
  const bytes = emitted(v3(1, 100, 100, ['192.0.2.1']), 'message', source, destination);
  const view = new AdvertView();
  assert.equal(view.wrap(bytes, 0, bytes.length, 4), null);
  assert.equal(view.checksumForm(source, destination), 'both');
});

test('RFC 9568 section 7.3: the virtual MAC addresses', () => {
  assert.equal(formatHex(virtualMac(4, 0x33)), '00005e000133');
  assert.equal(formatHex(virtualMac(6, 0x33)), '00005e000233');
  assert.equal(formatHex(multicastMac(VRRP_GROUP_6)), '333300000012');
});

test('A password is cut to eight bytes, as keepalived does', () => {
  assert.equal(formatHex(passwordData('1111')), '3131313100000000');
  assert.equal(formatHex(passwordData('123456789')), '3132333435363738');
});

test('VRRP inside an Authentication Header is recognised; a truncated header and another protocol are not', () => {
  const header = hex('70040000c000020b000000013e470c4b546ca54c50764165');
  const payload = Uint8Array.of(...header, ...hex('2133960102018465c00002640000000000000000'));
  assert.equal(AUTHENTICATION_HEADER_PROTOCOL, 51);
  assert.ok(isVrrpInAuthenticationHeader(payload, 0, payload.length));
  for (let length = 0; length < header.length; length++) {
    assert.equal(isVrrpInAuthenticationHeader(payload, 0, length), false, `${length} bytes`);
  }
  payload[0] = 17;
  assert.equal(isVrrpInAuthenticationHeader(payload, 0, payload.length), false);
});

const address4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
const address6 = fc.uint8Array({ minLength: 16, maxLength: 16 });
const byte = fc.integer({ min: 0, max: 255 });
const common = { virtualRouterId: byte, priority: byte };
const intervalV3 = fc.integer({ min: 1, max: 4095 });
const lists = { minLength: 1, maxLength: 255 };

const anyAdvert: fc.Arbitrary<Advert> = fc.oneof(
  fc.record(
    {
      ...common,
      version: fc.constant(3 as const),
      intervalCs: intervalV3,
      addresses: fc.array(address4, lists),
      auth: fc.constant(null),
    },
    PLAIN,
  ),
  fc.record(
    {
      ...common,
      version: fc.constant(3 as const),
      intervalCs: intervalV3,
      addresses: fc.array(address6, lists),
      auth: fc.constant(null),
    },
    PLAIN,
  ),
  fc.record(
    {
      ...common,
      version: fc.constant(2 as const),
      intervalCs: fc.integer({ min: 1, max: 255 }).map((seconds) => seconds * 100),
      addresses: fc.array(address4, lists),
      auth: fc.record({ type: byte, data: fc.uint8Array({ minLength: 8, maxLength: 8 }) }, PLAIN),
    },
    PLAIN,
  ),
);

test('What is written is read back, and its checksum is right in the form it was written in', () => {
  fc.assert(
    fc.property(anyAdvert, fc.boolean(), fc.infiniteStream(byte), (advert, isMessageForm, stream) => {
      const isV6 = advert.addresses[0].length === 16;
      const next = (): Uint8Array => Uint8Array.from(stream.take(isV6 ? 16 : 4));
      const [source, destination] = [next(), next()];
      const form = !isV6 && (isMessageForm || advert.version === 2) ? 'message' : 'pseudo-header';
      const bytes = emitted(advert, form, source, destination);
      const view = new AdvertView();
      assert.equal(view.wrap(bytes, 0, bytes.length, isV6 ? 6 : 4), null);
      assert.deepEqual(view.toAdvert(), advert);
      const seen = view.checksumForm(source, destination);
      assert.ok(seen === form || seen === 'both');
    }),
  );
});

test('No bytes make the view throw, and what it accepts is written back the same', () => {
  const view = new AdvertView();
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.tuple(fc.constantFrom(0x21, 0x31), fc.uint8Array({ maxLength: 80 })).map(([first, rest]) => {
      if (rest.length > 2) rest[2] %= 4;
      return Uint8Array.of(first, ...rest);
    }),
  );
  fc.assert(
    fc.property(noise, fc.constantFrom<Family>(4, 6), (bytes, family) => {
      if (view.wrap(bytes, 0, bytes.length, family) !== null) return;
      const { checksum } = view;
      const advert = view.toAdvert();
      const again = new Uint8Array(advertBytes(advert));
      emitAdvert(advert, again, 0);
      const expected = bytes.slice(0, again.length);
      if (advert.version === 3) expected[4] &= 0x0f;
      again[6] = checksum >> 8;
      again[7] = checksum;
      assert.deepEqual(again, expected);
    }),
    { numRuns: 2000 },
  );
});
