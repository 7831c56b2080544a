import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hashBytes, hashBytesLower, hashWords, mixHash } from './hash.ts';

const encoder = new TextEncoder();

function hashText(text: string, seed: number): number {
  const bytes = encoder.encode(text);
  return hashBytes(bytes, 0, bytes.length, seed) >>> 0;
}

test('the values are those of MurmurHash3 x86_32, for ever', () => {
  const golden: readonly (readonly [string, number, number])[] = [
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['\0\0\0\0', 0, 0x2362f9de],
    ['aaaa', 0x9747b28c, 0x5a97808a],
    ['aaa', 0x9747b28c, 0x283e0130],
    ['aa', 0x9747b28c, 0x5d211726],
    ['a', 0x9747b28c, 0x7fa09ea6],
    ['abcd', 0x9747b28c, 0xf0478627],
    ['abc', 0x9747b28c, 0xc84a62dd],
    ['ab', 0x9747b28c, 0x74875592],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
    ['hello', 0, 0x248bfa47],
    ['hello, world', 0, 0x149bbb7f],
  ];
  for (const [text, seed, hash] of golden) assert.equal(hashText(text, seed), hash, JSON.stringify(text));
});

test('the hash of four words, too, is the same for ever, and every word counts', () => {
  assert.equal(hashWords(0, 0, 0xffff, 0xc0000201), -1416953055);
  assert.equal(
    new Set([hashWords(1, 0, 0, 0), hashWords(0, 1, 0, 0), hashWords(0, 0, 1, 0), hashWords(0, 0, 0, 1)]).size,
    4,
  );
});

test('only the bytes of the range count', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 9 }),
      fc.integer(),
      (key, around, seed) => {
        const bytes = new Uint8Array([...around, ...key, ...around]);
        assert.equal(hashBytes(bytes, around.length, key.length, seed), hashBytes(key, 0, key.length, seed));
      },
    ),
  );
});

test('the lower-case hash is the hash of the bytes in lower case, and leaves every other byte alone', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer(), (key, seed) => {
      const lower = key.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte));
      assert.equal(hashBytesLower(key, 0, key.length, seed), hashBytes(lower, 0, lower.length, seed));
    }),
  );
  for (let byte = 0; byte < 256; byte++) {
    const key = new Uint8Array([byte, byte, byte, byte]);
    const lower = key.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte));
    assert.equal(hashBytesLower(key, 0, 4, 0), hashBytes(lower, 0, 4, 0));
  }
});

test('similar keys spread evenly over the buckets, by the low and by the high bits', () => {
  const buckets = 256;
  const keys = 256 * 400;
  const low = new Int32Array(buckets);
  const high = new Int32Array(buckets);
  for (let i = 0; i < keys; i++) {
    const hash = hashText(`user-${i}`, 0);
    low[hash & 255]++;
    high[hash >>> 24]++;
  }
  // chi-squared with 255 degrees of freedom: mean 255, standard deviation 22.6; five of them above is no accident
  for (const counts of [low, high]) {
    let chiSquared = 0;
    for (const count of counts) chiSquared += (count - keys / buckets) ** 2 / (keys / buckets);
    assert.ok(chiSquared < 255 + 5 * 22.6, `chi-squared ${chiSquared}`);
  }
});

test('a changed bit changes about half of the bits', () => {
  let flipped = 0;
  let trials = 0;
  for (let i = 0; i < 500; i++) {
    for (let bit = 0; bit < 32; bit++) {
      let difference = mixHash(i) ^ mixHash(i ^ (1 << bit));
      for (; difference !== 0; difference &= difference - 1) flipped++;
      trials++;
    }
  }
  const mean = flipped / trials;
  assert.ok(mean > 15.5 && mean < 16.5, `${mean} of 32 bits`);
});
