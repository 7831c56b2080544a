import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from '../../base/crc32.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { PICK_FULL, PICK_NONE, PICK_TRIED } from './balancer.ts';
import { changed, endpoint, FixedLoad, NOTHING_TRIED, weighted } from './fixtures.test.ts';
import { Ketama, RemainderHash } from './nginx-hash.ts';

const load = new FixedLoad();

function crcOf(text: string): number {
  const bytes = encodeUtf8(text);
  return crc32(bytes, 0, bytes.length);
}

test('CRC-32: the check value', () => {
  assert.equal(crcOf('123456789') >>> 0, 0xcbf43926);
});

for (const [name, create] of [
  ['ip_hash', () => new RemainderHash(true)],
  ['hash', () => new RemainderHash(false)],
  ['ketama', () => new Ketama()],
] as const) {
  test(`${name}: a key keeps its server, and has it again when that is back; shares go by weight`, () => {
    const method = create();
    const all = weighted(1, 2, 1);
    method.update(all, false);
    const keys = Array.from({ length: 4000 }, (_, i) => (name === 'ip_hash' ? i * 977 : crcOf(`key ${i}`)));
    const before = keys.map((key) => method.pick(load, key, NOTHING_TRIED, 0));
    const share = before.filter((server) => server === 1).length / keys.length;
    assert.ok(Math.abs(share - 0.5) < 0.08, String(share));

    method.update(changed(all, 1, { isUsable: false }), false);
    keys.forEach((key, i) => {
      const now = method.pick(load, key, NOTHING_TRIED, 0);
      if (before[i] === 1) assert.ok(now === 0 || now === 2);
      else assert.equal(now, before[i]);
    });
    method.update(all, false);
    assert.deepEqual(
      keys.map((key) => method.pick(load, key, NOTHING_TRIED, 0)),
      before,
    );
  });

  test(`${name}: why nobody is picked`, () => {
    const method = create();
    method.update([], false);
    assert.equal(method.pick(load, 1, NOTHING_TRIED, 0), PICK_NONE);
    method.update([endpoint(0, { isUsable: false })], false);
    assert.equal(method.pick(load, 1, NOTHING_TRIED, 0), PICK_NONE);
    method.update([endpoint(0)], false);
    assert.equal(method.pick(load, 1, Int32Array.of(0), 1), PICK_TRIED);
    method.update([endpoint(0, { maxConnections: 1 })], false);
    assert.equal(method.pick(new FixedLoad([1]), 1, NOTHING_TRIED, 0), PICK_FULL);
  });
}
