import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expiryOf } from './expiry.ts';

/** Sun, 06 Nov 1994 08:49:37 GMT */
const NOW = 784_111_777_000;
const WEEK = 7 * 86_400_000;

function said(term: string, modifiedMs: number | null = null): string {
  const expiry = expiryOf(term, modifiedMs !== null, NOW, modifiedMs ?? Number.NaN);
  return expiry === null ? 'nothing' : `${expiry.expires}, ${expiry.cacheControl}`;
}

test('terms from now on', () => {
  assert.equal(said('1h 30m'), 'Sun, 06 Nov 1994 10:19:37 GMT, max-age=5400');
  assert.equal(said('90'), 'Sun, 06 Nov 1994 08:51:07 GMT, max-age=90');
  assert.equal(said('0'), 'Sun, 06 Nov 1994 08:49:37 GMT, max-age=0');
  assert.equal(said('-1d'), 'Sat, 05 Nov 1994 08:49:37 GMT, no-cache');
  assert.equal(said('-9000y'), 'nothing');
  assert.equal(said('-50y').slice(0, 16), 'Thu, 01 Jan 1970');
  assert.equal(said('epoch'), 'Thu, 01 Jan 1970 00:00:01 GMT, no-cache');
  assert.equal(said('max'), 'Thu, 31 Dec 2037 23:55:55 GMT, max-age=315360000');
});

test('times of the day: the next one', () => {
  assert.equal(said('@15h30m33s'), 'Sun, 06 Nov 1994 15:30:33 GMT, max-age=24056');
  assert.equal(said('@8h49m37s'), 'Mon, 07 Nov 1994 08:49:37 GMT, max-age=86400');
  assert.equal(said('@0'), 'Mon, 07 Nov 1994 00:00:00 GMT, max-age=54623');
});

test('terms from the last change on', () => {
  assert.equal(said('2w', NOW - WEEK), 'Sun, 13 Nov 1994 08:49:37 GMT, max-age=604800');
  assert.equal(said('1h', NOW - WEEK), 'Sun, 30 Oct 1994 09:49:37 GMT, no-cache');
  assert.equal(said('1h', Number.NaN), 'Sun, 06 Nov 1994 09:49:37 GMT, max-age=3600');
  assert.equal(said('0', NOW - WEEK), 'Sun, 06 Nov 1994 08:49:37 GMT, max-age=0');
});

test('what is no term says nothing', () => {
  for (const term of ['', 'off', 'bad', '30x', '1h1d', '--1', '@24h', '1ms']) assert.equal(said(term), 'nothing', term);
  for (const term of ['epoch', 'max', '@1h', 'off']) assert.equal(said(term, NOW), 'nothing', term);
});
