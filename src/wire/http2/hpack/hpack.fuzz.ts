/**
 * One round each of the HPACK fuzzers. What nghttp2 encodes is decoded, and the reverse, over several blocks of one connection whose table
 * changes its size; and any bytes at all mean the same to both, or are refused by both.
 */
import assert from 'node:assert/strict';
import type { Prng } from '../../../base/prng.ts';
import { ascii } from '../../http1/classes.ts';
import { decode } from '../testing/blocks.ts';
import { Deflater, Inflater, hasNghttp2 } from '../testing/nghttp2.fuzz.ts';
import type { Field } from '../testing/nghttp2.fuzz.ts';
import { HpackDecoder } from './decoder.ts';
import { BLOCK_GROWTH, FIELD_GROWTH, HpackEncoder } from './encoder.ts';
import { LineCache } from './line-cache.ts';

const TABLE_BYTES = 4096;
const BLOCKS_MAX = 6;
const ROOM = 1 << 16;
const NAMES = [
  ':authority',
  ':path',
  ':status',
  'accept',
  'authorization',
  'content-length',
  'cookie',
  'date',
  'server',
  'set-cookie',
  'te',
  'via',
  'x',
  'x-forwarded-for',
  'x-request-id',
];
const VALUES = ['', '/', '200', 'GET', 'gzip, deflate', 'a', 'no-cache', 'Mon, 21 Oct 2013 20:13:21 GMT', 'trailers'];
const SIZES = [0, 1, 32, 40, 64, 100, 256, 1000, 4095, 4096];

/** Mostly text, sometimes any bytes but CR and LF. */
function generateText(prng: Prng, lengthMax: number): string {
  const isText = !prng.oneIn(4);
  return String.fromCharCode(
    ...Array.from({ length: prng.below(lengthMax) }, () => {
      const byte = isText ? 0x61 + prng.below(26) : prng.below(256);
      return byte === 10 || byte === 13 ? 0x20 : byte;
    }),
  );
}

function pick<T>(prng: Prng, list: readonly T[]): T {
  return list[prng.below(list.length)];
}

function generateFields(prng: Prng): Field[] {
  return Array.from({ length: prng.below(12) }, () => [
    prng.oneIn(4) ? `x-${generateText(prng, 20)}` : pick(prng, NAMES),
    prng.oneIn(2) ? pick(prng, VALUES) : generateText(prng, prng.oneIn(20) ? 5000 : 60),
  ]);
}

/** What nghttp2 sends is what we decode. */
export function fuzzHpackDecode(prng: Prng): void {
  if (!hasNghttp2) return;
  const deflater = new Deflater(TABLE_BYTES);
  const decoder = new HpackDecoder(TABLE_BYTES);
  for (let i = prng.below(BLOCKS_MAX); i >= 0; i--) {
    while (prng.oneIn(3)) deflater.resize(pick(prng, SIZES));
    const fields = generateFields(prng);
    const block = deflater.deflate(fields);
    const room = prng.oneIn(4) ? prng.below(200) : ROOM;
    const { cut, fault, fields: decoded } = decode(decoder, block, room);
    assert.equal(fault, '');
    if (room === ROOM) assert.deepEqual(decoded, fields);
    assert.equal(decoded.length + cut, fields.length);
  }
  deflater.free();
}

const cache = new LineCache();

/** What we send is what nghttp2 decodes, and what we do. */
export function fuzzHpackEncode(prng: Prng): void {
  const inflater = hasNghttp2 ? new Inflater() : null;
  const decoder = new HpackDecoder(TABLE_BYTES);
  const encoder = new HpackEncoder(cache);
  for (let i = prng.below(BLOCKS_MAX); i >= 0; i--) {
    while (prng.oneIn(3)) encoder.resize(prng.oneIn(5) ? prng.nextU32() : pick(prng, SIZES));
    const fields = generateFields(prng)
      .filter(([name]) => /^[-0-9A-Za-z]+$/.test(name))
      .map(([name, value]): Field => [prng.oneIn(2) ? name.toUpperCase() : name, value]);
    // a value that begins with spaces is none of HTTP/1
    const lines = ascii(fields.map(([name, value]) => `${name}: ${value}\r\n`).join(''));
    const status = 100 + prng.below(500);
    const out = new Uint8Array(BLOCK_GROWTH + lines.length + fields.length * FIELD_GROWTH);
    let at = encoder.emitStatus(out, encoder.begin(out, 0), status);
    at = encoder.emitLines(out, at, lines, 0, lines.length);
    assert.ok(at <= out.length, 'the block is longer than its bound');
    const wanted = [[':status', String(status)], ...fields.map(([name, value]) => [name.toLowerCase(), value])];
    const block = out.subarray(0, at);
    const { fault, fields: decoded } = decode(decoder, block, ROOM);
    assert.equal(fault, '');
    assert.deepEqual(decoded, wanted);
    if (inflater !== null) assert.deepEqual(inflater.inflate(block, 1 + prng.below(block.length)), wanted);
  }
  inflater?.free();
}

/** Bytes that are almost a block, or nothing of the kind. */
function generateBlock(prng: Prng): Uint8Array {
  if (prng.oneIn(3)) return Uint8Array.from({ length: prng.below(60) }, () => prng.below(256));
  const deflater = new Deflater(TABLE_BYTES);
  const block = deflater.deflate(generateFields(prng));
  deflater.free();
  if (block.length === 0) return block;
  const copy = prng.oneIn(4) ? block.slice(0, prng.below(block.length)) : block.slice();
  for (let i = prng.below(4); i > 0 && copy.length > 0; i--) {
    copy[prng.below(copy.length)] = prng.oneIn(2)
      ? prng.below(256)
      : pick(prng, [0x80, 0xbe, 0xff, 0x20, 0x3f, 0x40, 0x7f]);
  }
  return copy;
}

/** Any bytes mean the same to nghttp2, whole and byte by byte, or are refused by both. */
export function fuzzHpackAny(prng: Prng): void {
  if (!hasNghttp2) return;
  const whole = new Inflater();
  const pieces = new Inflater();
  const decoder = new HpackDecoder(TABLE_BYTES);
  for (let i = prng.below(BLOCKS_MAX); i >= 0; i--) {
    const block = generateBlock(prng);
    const { fault, fields } = decode(decoder, block, ROOM);
    const theirs = whole.inflate(block, Math.max(1, block.length));
    assert.deepEqual(pieces.inflate(block, 1), theirs);
    assert.deepEqual(fault === '' ? fields : null, theirs, fault);
    if (fault !== '') break;
  }
  whole.free();
  pieces.free();
}
