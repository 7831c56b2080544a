/**
 * What a head costs to decode and to encode once its fields are in the tables, and when they are not:
 * `node dist/src/wire/http2/heads.bench.js`. Rounds are interleaved and the median printed; the memory is one large array, as an
 * arena's is, and the heads lie at changing offsets.
 */
import { ascii } from '../http1/classes.ts';
import { droppedIds } from '../http1/emit.ts';
import { F_CONNECTION, RequestHead, ResponseHead } from '../http1/head.ts';
import { parseResponseHead } from '../http1/response.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { HpackEncoder } from './hpack/encoder.ts';
import { LineCache } from './hpack/line-cache.ts';
import { RequestReader } from './request.ts';
import { literals } from './testing/heads.ts';
import type { NameValue } from './testing/heads.ts';

const SLOT_BYTES = 32_768;
const SLOTS = 64;
const ROUNDS = 15;
const CALLS = 50_000;
const LIMITS = { headBytes: 16_384, headers: 100 };

const memory = new Uint8Array(SLOT_BYTES * (SLOTS + 1));
const slotOf = (call: number) => (call & (SLOTS - 1)) * SLOT_BYTES + (call & (SLOTS - 1)) * 3;
const request = new RequestHead(128);
const response = new ResponseHead(128);
const reader = new RequestReader(false);

const SMALL: NameValue[] = [
  [':path', '/'],
  [':scheme', 'https'],
  [':authority', '127.0.0.1:8443'],
  [':method', 'GET'],
  ['user-agent', 'h2load nghttp2/1.52.0'],
];
const BROWSER: NameValue[] = [
  [':method', 'GET'],
  [':authority', 'www.example.com'],
  [':scheme', 'https'],
  [':path', '/static/app.8f3b2c.js?v=12'],
  ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36'],
  ['accept', 'text/html,application/xhtml+xml,*/*;q=0.8'],
  ['referer', 'https://www.example.com/'],
  ['accept-encoding', 'gzip, deflate, br'],
  ['accept-language', 'en-GB,en;q=0.9'],
  ['cookie', 'session=0123456789abcdef0123456789abcdef'],
];
const ANSWER = ascii(
  'HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n' +
    'Content-Length: 39\r\nConnection: keep-alive\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: "64e5a5d2-27"\r\n\r\n',
);

/** A block that has all of them by reference to what `decoder` has read before. */
function references(decoder: HpackDecoder, fields: readonly NameValue[]): Uint8Array {
  const block = literals(fields, true);
  decoder.begin(block, 0, block.length);
  reader.read(decoder, true, LIMITS, memory, 0, SLOT_BYTES, request);
  return Uint8Array.from(fields, (_, i) => 0x80 | (61 + fields.length - i));
}

interface Case {
  readonly name: string;
  readonly run: (call: number) => number;
}

function reading(name: string, decoder: HpackDecoder, block: Uint8Array): Case {
  return {
    name: `${name}, ${block.length} bytes`,
    run: (call) => {
      const at = slotOf(call);
      decoder.begin(block, 0, block.length);
      return reader.read(decoder, true, LIMITS, memory, at, at + SLOT_BYTES, request);
    },
  };
}

memory.set(ANSWER, SLOTS * SLOT_BYTES);
if (parseResponseHead(memory, SLOTS * SLOT_BYTES, memory.length, LIMITS, response) <= 0) throw new Error('no head');
const dropped = droppedIds(F_CONNECTION);

function writing(name: string, encoder: HpackEncoder): Case {
  return {
    name,
    run: (call) => {
      const at = slotOf(call);
      return encoder.emitKeptFields(
        memory,
        encoder.emitStatus(memory, encoder.begin(memory, at), 200),
        memory,
        response,
        dropped,
      );
    },
  };
}

const smallDecoder = new HpackDecoder();
const browserDecoder = new HpackDecoder();
const withoutTable = new HpackEncoder(new LineCache());
withoutTable.resize(0);

const CASES: readonly Case[] = [
  reading('request, 5 fields, by reference', smallDecoder, references(smallDecoder, SMALL)),
  reading('request, 10 fields, by reference', browserDecoder, references(browserDecoder, BROWSER)),
  reading('request, 10 fields, literal', new HpackDecoder(), literals(BROWSER)),
  writing('response, 7 fields, by reference', new HpackEncoder(new LineCache())),
  writing('response, 7 fields, literal', withoutTable),
];

const times: number[][] = CASES.map(() => []);
for (let round = 0; round < ROUNDS; round++) {
  for (const [c, { name, run }] of CASES.entries()) {
    const started = process.hrtime.bigint();
    for (let call = 0; call < CALLS; call++) if (run(call) <= 0) throw new Error(`${name} was not accepted`);
    times[c].push(Number(process.hrtime.bigint() - started) / CALLS);
  }
}
for (const [c, { name }] of CASES.entries()) {
  const sorted = times[c].toSorted((a, b) => a - b);
  process.stdout.write(`${sorted[ROUNDS >> 1].toFixed(0).padStart(6)} ns  ${name}\n`);
}
