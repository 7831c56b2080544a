import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeProblem, parseFailure, parseRetryAfter, printable } from './failure.ts';

const NOW = Date.parse('2026-11-29T18:55:00Z');

test('RFC 8555 section 6.7: what the server says is told, with what it says of each name', () => {
  const failure = parseFailure(
    403,
    {
      type: 'urn:ietf:params:acme:error:malformed',
      detail: 'Some of the identifiers requested were rejected',
      subproblems: [
        {
          type: 'urn:ietf:params:acme:error:caa',
          detail: 'CAA forbids',
          identifier: { type: 'dns', value: 'a.example' },
        },
        7,
      ],
    },
    null,
    NOW,
  );
  assert.deepEqual(failure, {
    kind: 'refused',
    text: 'Some of the identifiers requested were rejected (malformed); a.example: CAA forbids (caa)',
    type: 'malformed',
    retryAfterMs: null,
  });
});

test('too often, trouble, and refusals are told apart', () => {
  const limited = { type: 'urn:ietf:params:acme:error:rateLimited', detail: 'too many' };
  assert.deepEqual(
    [limited, {}].map((body) => parseFailure(429, body, '3600', NOW).kind),
    ['limited', 'limited'],
  );
  assert.equal(parseFailure(403, limited, '3600', NOW).retryAfterMs, 3_600_000);
  assert.equal(parseFailure(503, null, null, NOW).kind, 'trouble');
  assert.equal(parseFailure(502, '<html>', null, NOW).text, 'it answers 502');
  assert.equal(parseFailure(500, { type: 'urn:ietf:params:acme:error:serverInternal' }, null, NOW).kind, 'trouble');
});

test('RFC 9110 section 10.2.3: Retry-After is a number of seconds or a date, and is bounded', () => {
  assert.equal(parseRetryAfter('120', NOW), 120_000);
  assert.equal(parseRetryAfter('Sun, 29 Nov 2026 18:56:00 GMT', NOW), 60_000);
  assert.equal(parseRetryAfter('Thu, 29 Feb 2024 00:00:00 GMT', NOW), 0);
  assert.equal(parseRetryAfter('Tue, 01 Dec 2026 18:55:00 GMT', NOW), 2 * 86_400_000);
  assert.equal(parseRetryAfter('999999999', NOW), 7 * 86_400_000);
  for (const nonsense of ['soon', '-1', 'Sun, 29 Xyz 2026 18:56:00 GMT', ''])
    assert.equal(parseRetryAfter(nonsense, NOW), null);
});

test('what a server says stays one line of a bounded length', () => {
  assert.equal(printable('a\r\nb\u001b[2J c'), 'a b [2J c');
  assert.ok(printable('x'.repeat(10_000)).length < 500);
  assert.equal(describeProblem('text'), '');
});
