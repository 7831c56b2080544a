import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIPv4, parseIPv6 } from './address.ts';
import { bucketOfClient } from './packet-bucket.ts';

test('buckets are those that Linux 6.18 has hashed the same packets to', () => {
  const [four, six] = [parseIPv4('192.0.2.77')!, parseIPv6('2001:db8::77')!];
  assert.equal(bucketOfClient(four, 1024, 16_361), 3583);
  assert.equal(bucketOfClient(four, 54_321, 16_361), 12_864);
  assert.equal(bucketOfClient(four, null, 65_537), 34_356);
  assert.equal(bucketOfClient(six, 1024, 16_361), 8097);
  assert.equal(bucketOfClient(six, 54_321, 16_361), 6919);
  assert.equal(bucketOfClient(six, null, 65_537), 16_247);
});
