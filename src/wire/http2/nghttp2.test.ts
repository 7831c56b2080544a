/**
 * What Node's own HTTP/2 makes of our bytes, and we of its: a server of nghttp2 is sent requests that are almost right, frame by frame,
 * and what it answers is read by our reader and decoder.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http2';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { latin1 } from '../../base/text.ts';
import { Prng } from '../../base/prng.ts';
import { ResponseHead } from '../http1/head.ts';
import { fieldsOf } from '../http1/testing/three-ways.ts';
import * as F from './frame.ts';
import * as R from './frame-reader.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { generateRequest } from './heads.fuzz.ts';
import { ResponseReader } from './response.ts';
import { SETTINGS, frame } from './testing/events.ts';
import { LIMITS, literals, readRequest } from './testing/heads.ts';

const ROUNDS = 400;
const SEED = 9113;

interface Outcome {
  /** The fields of the request that the server has seen. */
  readonly seen: IncomingHttpHeaders | null;
  /** Of its response, if it gave one. */
  readonly status: number;
  readonly fields: readonly (readonly [string, string])[];
}

const responseReader = new ResponseReader();

/** Sends one request, and reads up to the response, the end of the stream, or that of the connection. */
function send(block: Uint8Array): Promise<Outcome> {
  const [mine, theirs] = duplexPair();
  const server = createServer();
  let seen: IncomingHttpHeaders | null = null;
  server.on('sessionError', () => {});
  server.on('stream', (stream, headers) => {
    seen = headers;
    stream.on('error', () => {});
    stream.respond({ ':status': 404, 'x-a': 'b'.repeat(100), 'x-c': 'd' }, { endStream: true });
  });
  server.emit('connection', theirs);
  const reader = new R.FrameReader(false);
  const decoder = new HpackDecoder();
  const out = new Uint8Array(8192);
  const head = new ResponseHead(40);
  return new Promise((resolve) => {
    const end = (status: number) => {
      const fields = status > 0 ? fieldsOf(out, head).map(({ name, value }) => [name, value] as const) : [];
      resolve({ seen, status, fields });
      mine.destroy();
    };
    mine.on('close', () => end(0));
    mine.on('data', (bytes: Uint8Array) => {
      for (let at = 0; ;) {
        at = reader.next(bytes, at, bytes.length);
        const { event } = reader;
        assert.notEqual(event, R.EVENT_FAULT, 'a frame of nghttp2 is refused');
        if (event === R.EVENT_MORE) return;
        if (event === R.EVENT_RESET || event === R.EVENT_GOAWAY) return end(0);
        if (event !== R.EVENT_HEADERS) continue;
        decoder.begin(bytes, reader.from, reader.to);
        assert.notEqual(responseReader.read(decoder, reader.endsStream, LIMITS, out, 0, out.length, head), 0);
        return end(head.status);
      }
    });
    for (const part of [F.PREFACE, SETTINGS, frame(F.FRAME_HEADERS, F.FLAG_END_HEADERS | F.FLAG_END_STREAM, 1, block)])
      mine.write(part);
  });
}

test('HTTP/2: what is taken for a request here is one for nghttp2 too, with the same fields; and its responses are read', async () => {
  let taken = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const fields = generateRequest(new Prng(SEED + round));
    const block = literals(fields, round % 2 === 0);
    const { bytes, fields: ours, head, verdict } = readRequest(block);
    const { fields: answered, seen, status } = await send(block);
    if (verdict !== 'fine') continue;
    taken++;
    assert.notEqual(seen, null, `nghttp2 refuses ${JSON.stringify(fields)}`);
    assert.equal(seen?.[':method'], latin1(bytes, head.start, head.methodLength));
    assert.equal(seen?.[':path'], latin1(bytes, head.path, head.pathLength));
    for (const { name, value } of ours) {
      const theirs = name === 'host' ? (seen?.[':authority'] ?? seen?.host) : seen?.[name];
      assert.ok(String(theirs).includes(value), `${name}: ${value}, not ${String(theirs)}`);
    }
    assert.equal(status, 404);
    assert.deepEqual(
      answered.filter(([name]) => name !== 'date'),
      [
        ['x-a', 'b'.repeat(100)],
        ['x-c', 'd'],
      ],
    );
  }
  assert.ok(taken > ROUNDS / 20 && taken < ROUNDS, `${taken} requests were taken`);
});
