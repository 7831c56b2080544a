import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeUtf8, encodeUtf8 } from './text.ts';

test('text becomes the bytes that the platform encoder gives, lone surrogates included', () => {
  const encoder = new TextEncoder();
  const unit = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) });
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), unit), (text) => {
      assert.deepEqual(encodeUtf8(text), encoder.encode(text));
    }),
  );
});

test('valid UTF-8 round-trips', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(5), (text, before) => {
      const bytes = encodeUtf8(text);
      const inside = new Uint8Array([...new Uint8Array(before), ...bytes, 0x80]);
      assert.equal(decodeUtf8(inside, before, bytes.length), text);
    }),
  );
});

test('RFC 3629 section 3: overlong forms, surrogates, bytes out of place and cut sequences are not text', () => {
  const invalid = ['c080', 'e08080', 'f0808080', 'eda080', 'f4908080', 'f5808080', '80', 'ff', 'c3', 'e282', 'f09f98'];
  for (const hex of invalid) {
    const bytes = new Uint8Array(Buffer.from(hex, 'hex'));
    assert.equal(decodeUtf8(bytes, 0, bytes.length), '\ufffd'.repeat(bytes.length), hex);
  }
});

test('every byte string decodes to something, and what is valid in it survives', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
      let expected: string | null = null;
      try {
        expected = strict.decode(bytes);
      } catch {
        // not UTF-8
      }
      const text = decodeUtf8(bytes, 0, bytes.length);
      if (expected === null) assert.ok(text.includes('\ufffd'));
      else assert.equal(text, expected);
    }),
  );
});
