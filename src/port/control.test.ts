import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  CONTROL_LINE_BYTES_MAX,
  ControlLines,
  encodeControl,
  parseKeeperMessage,
  parseProxyMessage,
  type ProxyMessage,
  TALLY_MAX,
} from './control.ts';

const MESSAGES: ProxyMessage[] = [
  { type: 'applied', generation: 3 },
  { type: 'refused', generation: 4, reason: 'out of descriptors', fault: 'process' },
  { type: 'refused', generation: 5, reason: 'OpenSSL refuses it', fault: 'plan' },
  { type: 'log', level: 'warn', message: 'Grüße,\n"quoted" \u{1f642}' },
  { type: 'event', event: { kind: 'server-failed', slot: 3, epoch: 2, reason: 'timeout', count: 17 } },
  { type: 'event', event: { kind: 'cut', sessions: 3 } },
  { type: 'event', event: { kind: 'idle-closed', listener: 'web', reason: 'connection limit reached' } },
  { type: 'event', event: { kind: 'log-stuck', log: 'main', error: 28 } },
  { type: 'event', event: { kind: 'log-written', log: 'main' } },
  { type: 'event', event: { kind: 'accept-paused', listener: 'web', reason: 'no file descriptor left' } },
  { type: 'event', event: { kind: 'accept-resumed', listener: 'web' } },
  { type: 'event', event: { kind: 'drained' } },
];

function linesOf(chunks: Uint8Array[]): (string | null)[] {
  const lines: (string | null)[] = [];
  const decoder = new ControlLines();
  for (const chunk of chunks) decoder.push(chunk, 0, chunk.length, (line) => lines.push(line));
  return lines;
}

test('every message survives the way, and is one line of ASCII', () => {
  for (const message of MESSAGES) {
    const bytes = encodeControl(message);
    assert.ok(bytes.every((byte) => byte < 128));
    const [line, ...rest] = linesOf([bytes]);
    assert.deepEqual(rest, []);
    assert.deepEqual(parseProxyMessage(line!), message);
  }
  const abandon = { type: 'abandon', addresses: ['192.0.2.3', '2001:db8::3'] } as const;
  assert.deepEqual(parseKeeperMessage(linesOf([encodeControl(abandon)])[0]!), abandon);
  const drain = { type: 'drain', withinMs: 20, keepsIdle: true } as const;
  const freePort = { type: 'free-port', slot: 3 } as const;
  for (const message of [drain, freePort]) {
    assert.deepEqual(parseKeeperMessage(linesOf([encodeControl(message)])[0]!), message);
  }
});

test('lines come out the same however the stream is cut', () => {
  const stream = Buffer.concat(MESSAGES.map(encodeControl));
  const whole = linesOf([stream]);
  assert.equal(whole.length, MESSAGES.length);
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
      const chunks = at.slice(1).map((end, i) => stream.subarray(at[i], end));
      assert.deepEqual(linesOf(chunks), whole);
    }),
  );
});

test('a line that is too long or not ASCII is one null, and the next line is read', () => {
  const long = new Uint8Array(CONTROL_LINE_BYTES_MAX + 1).fill(97);
  const end = Uint8Array.of(10);
  const applied = encodeControl({ type: 'applied', generation: 1 });
  const text = '{"type":"applied","generation":1}';
  assert.deepEqual(linesOf([long, long, end, applied]), [null, text]);
  assert.deepEqual(linesOf([Uint8Array.of(97, 200, 97, 10), applied]), [null, text]);
  assert.equal(linesOf([long.subarray(1), end])[0]?.length, CONTROL_LINE_BYTES_MAX);
});

test('what is not a message is null and never throws', () => {
  const wrong = [
    '',
    'null',
    '[]',
    '7',
    '{',
    '{"type":"reboot"}',
    '{"type":"log","level":"loud","message":"x"}',
    '{"type":"event"}',
    '{"type":"event","event":{"kind":"server-failed","slot":-1,"epoch":0,"reason":"x","count":1}}',
    '{"type":"event","event":{"kind":"server-failed","slot":1,"epoch":0,"reason":7,"count":1}}',
    '{"type":"event","event":{"kind":"server-failed","slot":1,"reason":"x","count":1}}',
    '{"type":"event","event":{"kind":"accept-paused","listener":"web"}}',
    '{"type":"event","event":{"kind":"log-stuck","log":"main","error":0}}',
    '{"type":"event","event":{"kind":"log-stuck","log":"main","error":5000}}',
    '{"type":"event","event":{"kind":"log-written"}}',
    '{"type":"event","event":{"kind":"failed-requests","requests":{},"leftOut":0}}',
    '{"type":"event","event":{"kind":"failed-requests","requests":[],"leftOut":-1}}',
    ...[0, -1, 1.5, TALLY_MAX + 1, Number.MAX_SAFE_INTEGER].flatMap((count) =>
      [
        { kind: 'server-failed', slot: 1, epoch: 0, reason: 'x', count },
        { kind: 'shortage', slot: 1, epoch: 0, shortage: 'port', count },
        { kind: 'answered', owner: 'web', answer: 1, sample: '', count },
      ].map((event) => JSON.stringify({ type: 'event', event })),
    ),
  ];
  for (const line of wrong) {
    assert.equal(parseProxyMessage(line), null, line);
    assert.equal(parseKeeperMessage(line), null, line);
  }
  fc.assert(
    fc.property(fc.string(), (line) => {
      parseProxyMessage(line);
      parseKeeperMessage(line);
    }),
  );
});
