import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brotliDecompressSync, createGunzip, gunzipSync } from 'node:zlib';
import { ENCODE_END, ENCODE_FLUSH, ENCODE_MORE, type Encoder } from '../../port/compression.ts';
import { NativeCompression } from './compression.ts';

const OUTPUT = 600_000;
const memory = new Uint8Array(1_000_000);
const compression = new NativeCompression(memory);
const TEXT = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `line ${i * 7919}\n`).join(''));

/** Encodes the text in slices, into pieces of at most `room` bytes. */
function encodeAll(encoder: Encoder, text: Buffer, room: number): Buffer {
  memory.set(text, 0);
  const pieces: Buffer[] = [];
  for (let at = 0; ;) {
    const count = Math.min(encoder.sliceBytes, text.length - at);
    const step = at + count === text.length ? ENCODE_END : ENCODE_MORE;
    encoder.encode(step, at, count, OUTPUT, room);
    at += encoder.consumed;
    pieces.push(Buffer.from(memory.subarray(OUTPUT, OUTPUT + encoder.produced)));
    if (step === ENCODE_END && at === text.length && !encoder.hasMore) return Buffer.concat(pieces);
  }
}

for (const [coding, decode] of [
  ['gzip', gunzipSync],
  ['br', brotliDecompressSync],
] as const)
  describe(coding, () => {
    for (const level of [1, 4, 9])
      it(`gives back at level ${level} what went in, whatever room there is`, () => {
        const text = TEXT.subarray(0, 100_000);
        for (const room of [10, 333, 32_000]) {
          const encoder = compression.begin(coding, level)!;
          const encoded = encodeAll(encoder, text, room);
          encoder.release();
          assert.ok(decode(encoded).equals(text));
          assert.ok(encoded.length < text.length / 2);
        }
      });

    it('encodes nothing', () => {
      const encoder = compression.begin(coding, 4)!;
      assert.equal(decode(encodeAll(encoder, Buffer.alloc(0), 1000)).length, 0);
      encoder.release();
    });

    it('is not disturbed by a body that was given up', () => {
      const broken = compression.begin(coding, 4)!;
      memory.set(TEXT.subarray(0, 1000), 0);
      broken.encode(ENCODE_MORE, 0, 1000, OUTPUT, 1000);
      broken.release();
      const encoder = compression.begin(coding, 4)!;
      assert.ok(decode(encodeAll(encoder, TEXT.subarray(0, 5000), 32_000)).equals(TEXT.subarray(0, 5000)));
      encoder.release();
    });
  });

it('what was flushed can be read before the end', async () => {
  const encoder = compression.begin('gzip', 4)!;
  memory.set(TEXT.subarray(0, 100), 0);
  encoder.encode(ENCODE_FLUSH, 0, 100, OUTPUT, 32_000);
  assert.equal(encoder.hasMore, false);
  const gunzip = createGunzip();
  const read = new Promise<Buffer>((resolve) => gunzip.once('data', resolve));
  gunzip.write(Buffer.from(memory.subarray(OUTPUT, OUTPUT + encoder.produced)));
  assert.ok((await read).equals(TEXT.subarray(0, 100)));
  encoder.release();
  gunzip.destroy();
});
