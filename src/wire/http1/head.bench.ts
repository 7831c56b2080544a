/**
 * What a head costs to parse: `node dist/src/wire/http1/head.bench.js`. Rounds are interleaved and the median printed;
 * the memory is one large array, as an arena's is, and the heads lie at changing offsets.
 */
import { ascii } from './classes.ts';
import { ChunkScanner } from './chunked.ts';
import { droppedIds, emitKeptFields } from './emit.ts';
import { F_CONNECTION, F_HOST, F_KEEP_ALIVE, F_TE, F_UPGRADE, RequestHead, ResponseHead } from './head.ts';
import { parseRequestHead } from './request.ts';
import { parseResponseHead } from './response.ts';

const SLOT_BYTES = 32768;
const SLOTS = 64;
const ROUNDS = 15;
const CALLS = 50_000;
const LIMITS = { headBytes: 16384, headers: 100 };

const memory = new Uint8Array(SLOT_BYTES * (SLOTS + 1));
const OUT = SLOT_BYTES * SLOTS + 7;
const request = new RequestHead(128);
const response = new ResponseHead(128);
const dropped = droppedIds(F_CONNECTION, F_HOST, F_KEEP_ALIVE, F_TE, F_UPGRADE);

const SMALL = ascii('GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: wrk\r\nAccept: */*\r\n\r\n');
const BROWSER = ascii(
  'GET /static/app.8f3b2c.js?v=12 HTTP/1.1\r\n' +
    'Host: www.example.com\r\n' +
    'Connection: keep-alive\r\n' +
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36\r\n' +
    'Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n' +
    'Referer: https://www.example.com/\r\n' +
    'Accept-Encoding: gzip, deflate, br\r\n' +
    'Accept-Language: en-GB,en;q=0.9\r\n' +
    'Cookie: session=0123456789abcdef0123456789abcdef\r\n\r\n',
);
const ANSWER = ascii(
  'HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n' +
    'Content-Length: 39\r\nConnection: keep-alive\r\n\r\n',
);
const CHUNKS = ascii(`1000\r\n${'x'.repeat(4096)}\r\n`.repeat(4) + '0\r\n');

function fill(bytes: Uint8Array): (call: number) => number {
  for (let slot = 0; slot < SLOTS; slot++) memory.set(bytes, slot * SLOT_BYTES + 512 + slot * 3);
  return (call) => (call & (SLOTS - 1)) * SLOT_BYTES + 512 + (call & (SLOTS - 1)) * 3;
}

interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly run: (at: number, length: number) => number;
}

const scanner = new ChunkScanner();

const CASES: readonly Case[] = [
  {
    name: `request, 3 fields, ${SMALL.length} bytes`,
    bytes: SMALL,
    run: (at, length) => parseRequestHead(memory, at, at + length, LIMITS, request),
  },
  {
    name: `request, 8 fields, ${BROWSER.length} bytes`,
    bytes: BROWSER,
    run: (at, length) => parseRequestHead(memory, at, at + length, LIMITS, request),
  },
  {
    name: `response, 5 fields, ${ANSWER.length} bytes`,
    bytes: ANSWER,
    run: (at, length) => parseResponseHead(memory, at, at + length, LIMITS, response),
  },
  {
    name: `request, 8 fields, and its kept fields copied`,
    bytes: BROWSER,
    run: (at, length) => {
      const taken = parseRequestHead(memory, at, at + length, LIMITS, request);
      return emitKeptFields(memory, OUT, memory, request, dropped) > OUT ? taken : 0;
    },
  },
  {
    name: `4 chunks of 4 KiB, scanned`,
    bytes: CHUNKS,
    run: (at, length) => {
      scanner.reset();
      return scanner.scan(memory, at, at + length) - at;
    },
  },
];

const times: number[][] = CASES.map(() => []);
for (let round = 0; round < ROUNDS; round++) {
  for (const [c, { name, bytes, run }] of CASES.entries()) {
    const offsetOf = fill(bytes);
    const started = process.hrtime.bigint();
    for (let call = 0; call < CALLS; call++) {
      if (run(offsetOf(call), bytes.length) !== bytes.length) throw new Error(`${name} was not accepted`);
    }
    times[c].push(Number(process.hrtime.bigint() - started) / CALLS);
  }
}
for (const [c, { name }] of CASES.entries()) {
  const sorted = times[c].toSorted((a, b) => a - b);
  process.stdout.write(`${sorted[ROUNDS >> 1].toFixed(0).padStart(6)} ns  ${name}\n`);
}
