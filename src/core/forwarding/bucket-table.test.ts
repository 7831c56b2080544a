import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { assignBuckets, type BucketServer, bucketCount, NO_SERVER } from './bucket-table.ts';

const COUNTS = [2, 3, 4, 7, 16, 17, 60, 163, 300, 599];

function serversOf(count: number, net: number, weightOf: (index: number) => number = () => 256): BucketServer[] {
  return Array.from({ length: count }, (_, i) => {
    return { identity: `10.${net}.${i >> 8}.${i & 255}:22`, weight: weightOf(i) };
  });
}

function identities(servers: readonly BucketServer[], table: Uint16Array): string[] {
  return Array.from(table, (index) => servers[index].identity);
}

function shareOf(table: Uint16Array, index: number): number {
  return table.reduce((sum, owner) => sum + (owner === index ? 1 : 0), 0) / table.length;
}

test('every server visits every bucket, in tables of both sizes', () => {
  for (const size of [bucketCount(1), bucketCount(600)]) {
    const table = assignBuckets(serversOf(1, 1), size);
    assert.ok(table.every((owner) => owner === 0));
    assert.ok(assignBuckets([], size).every((owner) => owner === NO_SERVER));
    assert.ok(
      assignBuckets(
        serversOf(3, 1, () => 0),
        size,
      ).every((owner) => owner === NO_SERVER),
    );
  }
});

test('up to 655 servers have a hundred buckets each', () => {
  for (let count = 1; count <= 655; count++) assert.ok(bucketCount(count) >= 100 * count);
  assert.ok(bucketCount(10_000) <= 65_537);
});

test('servers in another order have the same buckets', () => {
  const prng = new Prng(7);
  for (const count of [2, 5, 40]) {
    const servers = serversOf(count, 2, (i) => 1 + (i % 3) * 128);
    const shuffled = servers
      .map((server) => ({ server, at: prng.nextU32() }))
      .sort((a, b) => a.at - b.at)
      .map(({ server }) => server);
    const size = bucketCount(count);
    assert.deepEqual(
      identities(shuffled, assignBuckets(shuffled, size)),
      identities(servers, assignBuckets(servers, size)),
    );
  }
});

test('one server more takes its share, and nothing moves among the others', () => {
  for (const count of COUNTS) {
    const size = bucketCount(count + 1);
    const servers = serversOf(count + 1, 3);
    const before = assignBuckets(servers.slice(0, count), size);
    const after = assignBuckets(servers, size);
    let moved = 0;
    for (let bucket = 0; bucket < size; bucket++) {
      if (after[bucket] === before[bucket]) continue;
      moved++;
      assert.equal(after[bucket], count, `bucket ${bucket} of ${count} servers`);
    }
    assert.ok(moved - size / (count + 1) <= size / 100, `${count} servers: ${moved} of ${size} moved`);
    assert.ok(moved > 0);
  }
});

test('a server of other weight wins or loses buckets, and nothing moves among the others', () => {
  for (const count of COUNTS) {
    const size = bucketCount(count);
    const light = serversOf(count, 4);
    const heavy = serversOf(count, 4, (i) => (i === 1 ? 512 : 256));
    const before = assignBuckets(light, size);
    const after = assignBuckets(heavy, size);
    let moved = 0;
    for (let bucket = 0; bucket < size; bucket++) {
      if (after[bucket] === before[bucket]) continue;
      moved++;
      assert.equal(after[bucket], 1, `bucket ${bucket} of ${count} servers`);
    }
    const must = 2 / (count + 1) - 1 / count;
    assert.ok(moved / size - must <= 0.01, `${count} servers: ${moved} of ${size} moved`);
  }
});

test('shares are as the weights', () => {
  const cases = [
    { weights: [1, 2], sizeOf: 2 },
    { weights: [1, 10, 100], sizeOf: 600 },
    { weights: [256, ...new Array<number>(255).fill(1)], sizeOf: 600 },
  ];
  for (const { weights, sizeOf } of cases) {
    const total = weights.reduce((a, b) => a + b);
    const table = assignBuckets(
      serversOf(weights.length, 5, (i) => weights[i]),
      bucketCount(sizeOf),
    );
    assert.ok(Math.abs(shareOf(table, 0) - weights[0] / total) < 0.015, `${weights.length}: ${shareOf(table, 0)}`);
  }
});

test('chance leaves no server of many with half of its share', () => {
  for (const count of [10, 100, 600]) {
    const size = bucketCount(count);
    const buckets = new Uint32Array(count);
    for (const owner of assignBuckets(serversOf(count, 6), size)) buckets[owner]++;
    const least = Math.min(...buckets);
    assert.ok(least > (0.6 * size) / count, `${count} servers: one has ${least} of ${size}`);
  }
});
