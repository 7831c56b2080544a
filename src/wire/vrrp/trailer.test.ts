import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseIPv4, parseIPv6 } from '../../base/address.ts';
import { formatHex, parseHex } from '../../base/bytes.ts';
import { type Advert, advertBytes, AdvertView, emitAdvert, type Family, fillAdvertChecksum } from './advert.ts';
import { isTrailerWellFormed, TRAILER_BYTES, TrailerKey, trailerKeyId, trailerSequence } from './trailer.ts';

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
const SEQUENCE = 0x6800000080000000n;

/** The wire images of the draft's appendix, as in keepalived's own test. */
const VECTORS = [
  {
    family: 4 as Family,
    bytes: hex('3133c80100644402c00002640101000068000000800000001b84bc4e8e43892dc6d98448f8ee2265'),
    source: ip('198.51.100.10'),
    destination: ip('192.0.2.10'),
    address: ip('192.0.2.100'),
  },
  {
    family: 6 as Family,
    bytes: hex(
      '3133c8010064a2e9fe800000000000000000000000000100010100006800000080000000c8c56146ebfd66ee10ec4d8186461b78',
    ),
    source: ip('fe80::10'),
    destination: ip('fe80::20'),
    address: ip('fe80::100'),
  },
];

function hex(text: string): Uint8Array {
  const bytes = parseHex(text);
  assert.ok(bytes);
  return bytes;
}

function ip(text: string): Uint8Array {
  const bytes = text.includes(':') ? parseIPv6(text) : parseIPv4(text);
  assert.ok(bytes);
  return bytes;
}

function advertOf(address: Uint8Array): Advert {
  return { version: 3, virtualRouterId: 51, priority: 200, intervalCs: 100, addresses: [address], auth: null };
}

function bytesOf(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

for (const { family, bytes, source, destination, address } of VECTORS) {
  test(`The published image over IPv${family} is read and verified`, () => {
    const view = new AdvertView();
    assert.equal(view.wrap(bytes, 0, bytes.length, family), null);
    assert.ok(view.hasTrailer);
    assert.deepEqual(view.toAdvert(), advertOf(address));
    assert.equal(view.checksumForm(source, destination), family === 4 ? 'message' : 'pseudo-header');
    assert.ok(isTrailerWellFormed(bytes, bytes.length));
    assert.equal(trailerKeyId(bytes, bytes.length), 1);
    assert.equal(trailerSequence(bytes, bytes.length), SEQUENCE);
    assert.ok(new TrailerKey(1, KEY).verify(bytes, 0, bytes.length, source));
  });

  test(`The published image over IPv${family} is written`, () => {
    const advert = advertOf(address);
    const written = new Uint8Array(advertBytes(advert) + TRAILER_BYTES);
    const messageEnd = emitAdvert(advert, written, 0);
    if (family === 4) fillAdvertChecksum(written, 0, messageEnd, 'message', source, destination);
    const end = new TrailerKey(1, KEY).emit(written, 0, messageEnd, source, SEQUENCE);
    if (family === 6) fillAdvertChecksum(written, 0, end, 'pseudo-header', source, destination);
    assert.equal(end, written.length);
    assert.equal(formatHex(written), formatHex(bytes));
  });

  test(`Over IPv${family} the code covers every byte but the checksum, and the source`, () => {
    const key = new TrailerKey(1, KEY);
    for (let i = 0; i < bytes.length; i++) {
      const changed = bytes.slice();
      changed[i] ^= 1;
      assert.equal(key.verify(changed, 0, changed.length, source), i === 6 || i === 7, `byte ${i}`);
    }
    assert.equal(key.verify(bytes, 0, bytes.length, destination), false);
    assert.equal(new TrailerKey(1, KEY.toReversed()).verify(bytes, 0, bytes.length, source), false);
  });
}

test('Another type and a reserved field that is not zero are not well formed', () => {
  const { bytes } = VECTORS[0];
  for (const at of [0, 2, 3]) {
    const changed = bytes.slice();
    changed[bytes.length - TRAILER_BYTES + at] ^= 2;
    assert.equal(isTrailerWellFormed(changed, changed.length), false);
  }
});

test('The code is the truncated HMAC over pseudo-header, advert and trailer, for any advert', () => {
  fc.assert(
    fc.property(
      bytesOf(32),
      bytesOf(4),
      fc.array(bytesOf(4), { minLength: 1, maxLength: 20 }),
      fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      (secret, source, addresses, sequence) => {
        const advert: Advert = { ...advertOf(source), addresses };
        const bytes = new Uint8Array(advertBytes(advert) + TRAILER_BYTES);
        const messageEnd = emitAdvert(advert, bytes, 0);
        const key = new TrailerKey(7, secret);
        const end = key.emit(bytes, 0, messageEnd, source, sequence);
        assert.ok(key.verify(bytes, 0, end, source));
        assert.equal(trailerSequence(bytes, end), sequence);
        const covered = bytes.slice();
        covered.fill(0, end - 16);
        const code = createHmac('sha256', secret)
          .update(Uint8Array.of(4, 3, 51, 0, ...source, ...new Uint8Array(12)))
          .update(covered)
          .digest();
        assert.deepEqual(bytes.slice(end - 16), Uint8Array.from(code.subarray(0, 16)));
      },
    ),
  );
});

test('Keys below 32 bytes and above 64 are refused', () => {
  assert.throws(() => new TrailerKey(1, new Uint8Array(31)));
  assert.throws(() => new TrailerKey(1, new Uint8Array(65)));
  assert.throws(() => new TrailerKey(0, KEY));
});
