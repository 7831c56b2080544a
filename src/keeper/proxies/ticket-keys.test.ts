import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mock, test } from 'node:test';
import {
  createTicketSecret,
  deriveTicketKey,
  TICKET_PERIOD_MS,
  TicketClock,
  ticketKeysOf,
  ticketPeriod,
} from './ticket-keys.ts';

const SECRET = new Uint8Array(32).fill(7);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function hmac(key: Uint8Array, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const made = createHmac('sha256', key);
  for (const part of parts) made.update(part);
  return made.digest();
}

test('a key is HKDF (RFC 5869) of the secret and the number of the period', () => {
  const pseudorandom = hmac(new Uint8Array(32), SECRET);
  const blocks: Buffer[] = [];
  for (let i = 1; i <= 3; i++) {
    const [before = new Uint8Array(0)] = blocks.slice(-1);
    blocks.push(hmac(pseudorandom, before, 'evenkeel ticket key 41', Uint8Array.of(i)));
  }
  assert.equal(hex(deriveTicketKey(SECRET, 41)), hex(Buffer.concat(blocks).subarray(0, 80)));
});

test('the key of this period encrypts, and those before and behind it decrypt: no session is lost', () => {
  const at = (period: number): readonly string[] =>
    ticketKeysOf({ id: 'x', kind: 'secrets', bytes: [SECRET] }, period).keys.map(hex);
  const [now, before, next] = at(10);
  assert.equal(new Set([now, before, next]).size, 3);
  assert.deepEqual([at(11)[0], at(11)[1], at(9)[0], at(9)[2]], [next, now, before, now]);
  assert.ok(!at(12).includes(now), 'retired');
  const other = createTicketSecret();
  const several = ticketKeysOf({ id: 'x', kind: 'secrets', bytes: [other, SECRET] }, 10).keys.map(hex);
  assert.deepEqual(several.slice(3), [now, before, next], 'of several secrets each decrypts');
});

test('keys of files are what they are', () => {
  const bytes = [new Uint8Array(48), new Uint8Array(80)];
  assert.deepEqual(ticketKeysOf({ id: 'x', kind: 'keys', bytes }, 10), { id: 'x', keys: bytes });
});

test('a period that begins is told once, also when the clock is set back', () => {
  mock.timers.enable({ apis: ['setInterval'] });
  let now = TICKET_PERIOD_MS - 20_000;
  let told = 0;
  const clock = new TicketClock(
    () => told++,
    () => now,
  );
  const pass = (ms: number): number => {
    now += ms;
    mock.timers.tick(30_000);
    return told;
  };
  assert.deepEqual([pass(10_000), pass(30_000), pass(30_000)], [0, 1, 1]);
  assert.equal(ticketPeriod(now), 1);
  assert.equal(pass(-TICKET_PERIOD_MS), 2);
  clock.stop();
  mock.timers.reset();
});
