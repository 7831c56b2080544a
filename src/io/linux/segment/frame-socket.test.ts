/** An advert leaves nothing behind that only a full collection of memory would free: such a collection takes milliseconds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { advertFrame } from './frame-socket.ts';

const WARM_UP = 50_000;
const ROUNDS = 100;
const FRAMES_PER_ROUND = 100;
/** Per frame, of what is left of the noise: code that is compiled meanwhile. */
const BYTES_KEPT_MAX = 100;

test('frames with adverts are freed by collections of the youngest memory', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options?: object) => void;
  const collectYoung = (): void => collect({ type: 'minor', execution: 'sync' });
  const mac = Uint8Array.of(0, 0, 0x5e, 0, 1, 50);
  const payload = new Uint8Array(12);
  const pairs = [
    [Uint8Array.of(192, 168, 15, 5), Uint8Array.of(224, 0, 0, 18)],
    [new Uint8Array(16).fill(0xfe, 0, 1), new Uint8Array(16).fill(0xff, 0, 1)],
  ];
  for (const [source, group] of pairs) {
    for (let i = 0; i < WARM_UP; i++) advertFrame(mac, source, group, payload, i & 0xffff);
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < FRAMES_PER_ROUND; i++) advertFrame(mac, source, group, payload, i);
      collectYoung();
    }
    const kept = (process.memoryUsage().heapUsed - before) / (ROUNDS * FRAMES_PER_ROUND);
    assert.ok(kept < BYTES_KEPT_MAX, `each frame left ${Math.round(kept)} bytes`);
  }
});
