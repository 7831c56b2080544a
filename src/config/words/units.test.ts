import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  DURATION_PATTERN,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
  suggestDuration,
  suggestSize,
} from './units.ts';

test('a duration is a whole number and one unit', () => {
  const good: [string, number][] = [
    ['0s', 0],
    ['500ms', 500],
    ['10s', 10_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['010s', 10_000],
  ];
  for (const [text, ms] of good) assert.equal(parseDuration(text), ms, text);
  for (const text of ['', '10', 's', '1.5s', '10 s', '1m30s', '-1s', '10S', '2d', '1e3s', ' 10s', '1234567890123s']) {
    assert.equal(parseDuration(text), null, text);
  }
});

test('a size is a number of bytes, or a whole number and a power of 1024', () => {
  const good: [string, number][] = [
    ['0', 0],
    ['512', 512],
    ['16KiB', 16_384],
    ['1MiB', 1_048_576],
    ['1GiB', 1_073_741_824],
    ['2TiB', 2_199_023_255_552],
  ];
  for (const [text, bytes] of good) assert.equal(parseSize(text), bytes, text);
  for (const text of ['', 'KiB', '16KB', '16k', '1.5MiB', '16 KiB', '-1', '9007199254740993', '9000TiB']) {
    assert.equal(parseSize(text), null, text);
  }
});

test('what is formatted is parsed as the same, and matches the pattern of the JSON Schema', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 31 }), (value) => {
      assert.equal(parseDuration(formatDuration(value)), value);
      assert.match(formatDuration(value), new RegExp(DURATION_PATTERN));
      assert.equal(parseSize(formatSize(value)), value);
      assert.match(formatSize(value), new RegExp(SIZE_PATTERN));
    }),
  );
});

test('a suggestion is what was meant, in the form that is accepted', () => {
  const durations: [string, string | null][] = [
    ['30', '30s'],
    ['1m30s', '90s'],
    ['1h 30m', '90m'],
    ['1.5s', '1500ms'],
    ['0.5 h', '30m'],
    ['10 sec', '10s'],
    ['5 Minutes', '5m'],
    ['2d', '48h'],
    ['1week', '168h'],
    ['0.1ms', null],
    ['soon', null],
    ['', null],
    ['10 parsecs', null],
  ];
  for (const [text, suggestion] of durations) assert.equal(suggestDuration(text), suggestion, text);
  const sizes: [string, string | null][] = [
    ['16k', '16KiB'],
    ['16KB', '16KiB'],
    ['16 kib', '16KiB'],
    ['1.5MiB', '1536KiB'],
    ['10m', '10MiB'],
    ['512 bytes', '512'],
    ['1g', '1GiB'],
    ['0.3k', null],
    ['much', null],
  ];
  for (const [text, suggestion] of sizes) assert.equal(suggestSize(text), suggestion, text);
});

test('whatever is suggested is accepted', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const duration = suggestDuration(text);
      const size = suggestSize(text);
      assert.ok(duration === null || parseDuration(duration) !== null);
      assert.ok(size === null || parseSize(size) !== null);
    }),
  );
});
