import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { HTTP_DATE_BYTES, ISO_TIME_BYTES, parseHttpDate, writeHttpDate, writeIsoTime } from './date-text.ts';

function httpDate(timeMs: number): string {
  const bytes = new Uint8Array(HTTP_DATE_BYTES);
  writeHttpDate(bytes, timeMs);
  return Buffer.from(bytes).toString('latin1');
}

test('RFC 9110 section 5.6.7: the example date', () => {
  assert.equal(httpDate(Date.UTC(1994, 10, 6, 8, 49, 37)), 'Sun, 06 Nov 1994 08:49:37 GMT');
});

test('every moment until the year 9999 reads as Date.toUTCString says', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59) }), (timeMs) => {
      assert.equal(httpDate(timeMs), new Date(timeMs).toUTCString());
    }),
  );
});

test('a date that was written is read as the same second; anything else is none', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Math.floor(Date.UTC(9999, 11, 31, 23, 59, 59) / 1000) }), (second) => {
      assert.equal(parseHttpDate(httpDate(second * 1000)), second * 1000);
    }),
  );
  for (const text of ['', 'tomorrow', 'Sun, 06 Nox 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT']) {
    assert.ok(Number.isNaN(parseHttpDate(text)), text);
  }
});

test('ISO 8601 is what Date.toISOString says, without milliseconds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59) }), (timeMs) => {
      const bytes = new Uint8Array(ISO_TIME_BYTES);
      writeIsoTime(bytes, timeMs);
      assert.equal(
        Buffer.from(bytes).toString('latin1'),
        new Date(timeMs).toISOString().replace(/\.[0-9]*Z/, '+00:00'),
      );
    }),
  );
});
