import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Arena } from '../../base/arena.ts';
import { BODY_COPY_BYTES_MAX } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { BodyCopy } from './body-copy.ts';
import type { BodySink } from './sides.ts';

/** What is sent in these parts, of which each is a slot. */
function copied(parts: readonly string[], isChunked: boolean, takesChunks = true): { copy: string; sent: string } {
  const memory = new Uint8Array(64 * 1024);
  let sent = '';
  const sink: BodySink = {
    isFull: false,
    takesChunks,
    send: (_slot, offset, length) => {
      sent += String.fromCharCode(...memory.subarray(offset, offset + length));
      // the next part is received in the same slot
      memory.fill(0);
      return true;
    },
    sendLast: () => assert.fail('bodies of requests end by `finish`'),
    flush: () => true,
    sendTrailers: () => true,
    finish: () => true,
  };
  const copy = new BodyCopy({ memory } as unknown as Arena, isChunked);
  for (const part of parts) {
    memory.set(encodeUtf8(part), 100);
    copy.before(sink).send(0, 100, part.length);
  }
  return { copy: String.fromCharCode(...copy.bytes), sent };
}

test('what goes to a server stays as it is, and its content is copied', () => {
  assert.deepEqual(copied(['a', 'bc'], false), { copy: 'abc', sent: 'abc' });
  const chunks = '1\r\na\r\n2;ext=1\r\nbc\r\n0\r\nX: 1\r\n\r\n';
  assert.deepEqual(copied(chunks.split(''), true), { copy: 'abc', sent: chunks });
  assert.deepEqual(copied([chunks], true), { copy: 'abc', sent: chunks });
  assert.deepEqual(copied(['abc', 'd'], true, false), { copy: 'abcd', sent: 'abcd' });
});

test('a body that is too long leaves nothing, and chunks of single bytes may be longer than it', () => {
  const most = 'x'.repeat(BODY_COPY_BYTES_MAX);
  assert.equal(copied([most], false).copy, most);
  assert.equal(copied([most, 'y'], false).copy, '');
  const single = '1\r\nx\r\n'.repeat(BODY_COPY_BYTES_MAX);
  assert.equal(copied([`${single}0\r\n\r\n`], true).copy, most);
  assert.equal(copied([`${single}1\r\ny\r\n0\r\n\r\n`], true).copy, '');
});
