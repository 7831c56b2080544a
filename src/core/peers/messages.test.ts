import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { frameOf, MESSAGE_BYTES_MAX, MessageReader, parseMessage } from './messages.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Why it is none; empty: it is one. */
function faultOf(json: string): string {
  const message = parseMessage(json);
  return typeof message === 'string' ? message : '';
}

test('messages come together whatever pieces they come in', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 40 })), (said, sizes) => {
      const bytes = Buffer.concat(said.map((one) => frameOf(Buffer.from(one))));
      const reader = new MessageReader();
      const heard: string[] = [];
      let at = 0;
      for (const size of [...sizes, bytes.length]) {
        for (const message of reader.push(bytes.subarray(at, at + size))!) heard.push(text(message));
        at += size;
      }
      assert.deepEqual(heard, said);
    }),
  );
});

test('one that is too long is refused by its length alone', () => {
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, MESSAGE_BYTES_MAX);
  assert.deepEqual(new MessageReader().push(head), []);
  new DataView(head.buffer).setUint32(0, MESSAGE_BYTES_MAX + 1);
  assert.equal(new MessageReader().push(head), null);
});

test('what is no message is said, and one of a later version is passed over', () => {
  const proof = { challenge: 'http-01', name: 'a.example', token: 'abc', authorization: 'abc.def' };
  assert.deepEqual(parseMessage('{"type":"beat"}'), { type: 'beat' });
  assert.equal(typeof parseMessage(JSON.stringify({ type: 'proofs', number: 1, proofs: [proof] })), 'object');
  assert.equal(parseMessage('{"type":"later","x":1}'), null);
  assert.equal(parseMessage('{"type":"constructor"}'), null);
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [7, /else than messages/],
    [{}, /else than messages/],
    [{ type: 'hello', format: '1', node: 'a', version: '1' }, /`hello` that is none/],
    [{ type: 'certificate', file: '../shadow.pem', pem: '' }, /`certificate` that is none/],
    [{ type: 'certificate', file: '.x.pem', pem: '' }, /`certificate` that is none/],
    [{ type: 'proofs', number: 1, proofs: [{ ...proof, token: '../x' }] }, /`proofs` that is none/],
    [{ type: 'proofs', number: 1, proofs: [{ ...proof, challenge: 'dns-01' }] }, /`proofs` that is none/],
    [{ type: 'proofs', number: 1, proofs: Array.from({ length: 1_001 }, () => proof) }, /`proofs` that is none/],
    [{ type: 'confirmed', number: 1.5 }, /`confirmed` that is none/],
    [{ type: 'ticket-secret', secret: 'short' }, /`ticket-secret` that is none/],
    [{ type: 'configuration', digest: 'x', parts: {}, ageMs: 0 }, /`configuration` that is none/],
    [{ type: 'configuration', digest: '0123456789ab', parts: { '\n': '0123456789ab' }, ageMs: 0 }, /that is none/],
    [{ type: 'configuration', digest: '0123456789ab', parts: {}, ageMs: -1 }, /`configuration` that is none/],
    [{ type: 'node' }, /`node` that is none/],
    [{ type: 'node', summary: { uptimeMs: 1 } }, /`node` that is none/],
  ];
  for (const [message, reason] of wrong) assert.match(faultOf(JSON.stringify(message)), reason);
  assert.match(faultOf('{'), /else than JSON/);
});

test('nothing that comes is too odd', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (json) => void parseMessage(json)));
});
