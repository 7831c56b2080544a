import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Prng } from '../src/base/prng.ts';
import { ENCODE_END, ENCODE_MORE, type Encoder } from '../src/port/compression.ts';
import { SimCompression } from './compression.ts';
import { Violation, World } from './world.ts';

const OUTPUT = 100_000;
const memory = new Uint8Array(OUTPUT + 1000).map((_, i) => i % 251);

function begin(seed: number): Encoder {
  const encoder = new SimCompression(new World(1, false), memory, new Prng(seed), false).begin('gzip');
  assert.ok(encoder !== null);
  return encoder;
}

/** What 100 bytes at a time are encoded as, with so much room for what comes out. */
function encoded(encoder: Encoder, bytes: number, room: number): Buffer {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes || encoder.hasMore; at += encoder.consumed) {
    const count = Math.min(100, bytes - at);
    const step = at + count === bytes ? ENCODE_END : ENCODE_MORE;
    encoder.encode(step, at, count, OUTPUT, room);
    assert.ok(encoder.produced <= room);
    parts.push(memory.slice(OUTPUT, OUTPUT + encoder.produced));
  }
  return Buffer.concat(parts);
}

test('what it says is gzip, however little room there is', () => {
  for (let seed = 1; seed < 20; seed++) {
    for (const room of [7, 90, 1000])
      assert.deepEqual(gunzipSync(encoded(begin(seed), 5000, room)), Buffer.from(memory.subarray(0, 5000)));
  }
});

test('who uses it in another way is told', () => {
  const encoder = begin(1);
  encoded(encoder, 1000, 1000);
  assert.throws(() => encoder.encode(ENCODE_MORE, 0, 1, OUTPUT, 1000), Violation);
  encoder.release();
  assert.throws(() => encoder.release(), Violation);
  assert.throws(() => begin(1).encode(ENCODE_MORE, 0, 90_000, OUTPUT, 1000), Violation);
});
