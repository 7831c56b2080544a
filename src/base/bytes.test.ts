import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareBytes, equalBytes, formatHex, parseHex, readU16, readU32, writeU16, writeU32 } from './bytes.ts';

test('Numbers are written and read big-endian', () => {
  const bytes = new Uint8Array(6);
  writeU16(bytes, 0, 0x0102);
  writeU32(bytes, 2, 0xfefdfcfb);
  assert.deepEqual([...bytes], [1, 2, 0xfe, 0xfd, 0xfc, 0xfb]);
  assert.equal(readU16(bytes, 0), 0x0102);
  assert.equal(readU32(bytes, 2), 0xfefdfcfb);
});

test('Bytes are ordered as unsigned numbers', () => {
  const u32 = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(u32, u32, (a, b) => {
      const [left, right] = [new Uint8Array(4), new Uint8Array(4)];
      writeU32(left, 0, a);
      writeU32(right, 0, b);
      assert.equal(Math.sign(compareBytes(left, right)), Math.sign(a - b));
      assert.equal(equalBytes(left, right), a === b);
    }),
  );
  assert.equal(equalBytes(new Uint8Array(2), new Uint8Array(3)), false);
});

test('Hexadecimal text is read strictly and round-trips', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.deepEqual(parseHex(formatHex(bytes)), bytes)));
  assert.equal(formatHex(Uint8Array.of(0, 0, 0x5e, 0, 1, 0x33), ':'), '00:00:5e:00:01:33');
  assert.equal(parseHex('abc'), null);
  assert.equal(parseHex('0x'), null);
  assert.equal(parseHex('zz'), null);
});
