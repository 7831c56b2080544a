import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LearnedTable, UNKNOWN } from './learned-table.ts';

const HOUR_S = 3600;

function table(): LearnedTable {
  return new LearnedTable(new ArrayBuffer(LearnedTable.bytes));
}

test('what one proxy has learned, all know', () => {
  const buffer = new SharedArrayBuffer(LearnedTable.bytes);
  new LearnedTable(buffer).put(1, 2, 77, 100);
  assert.equal(new LearnedTable(buffer).find(1, 2, 100, HOUR_S), 77);
  assert.equal(new LearnedTable(buffer).find(3, 2, 100, HOUR_S), UNKNOWN);
  new LearnedTable(buffer).put(1, 2, -78, 101);
  assert.equal(new LearnedTable(buffer).find(1, 2, 101, HOUR_S), -78, 'it is with another one now');
});

test('a session is kept as long as it is in use', () => {
  const one = table();
  one.put(0, 0, 7, 0);
  assert.equal(one.find(0, 0, HOUR_S, HOUR_S), 7);
  assert.equal(one.find(0, 0, 2 * HOUR_S, HOUR_S), 7, 'it was used in between');
  assert.equal(one.find(0, 0, 3 * HOUR_S + 1, HOUR_S), UNKNOWN);
});

test('where there is no room, the session goes that was used longest ago', () => {
  const one = table();
  for (let i = 1; i <= 8; i++) one.put(i, 5, 100 + i, i);
  assert.equal(one.find(1, 5, 20, HOUR_S), 101, 'which is in use again');
  one.put(9, 5, 109, 21);
  assert.equal(one.find(2, 5, 21, HOUR_S), UNKNOWN);
  for (const i of [1, 3, 4, 5, 6, 7, 8, 9]) assert.equal(one.find(i, 5, 21, HOUR_S), 100 + i);
});

test('a session that is used outlives a flood of others', () => {
  const one = table();
  one.put(12_345, 678, 7, 1);
  let random = 1;
  for (let i = 1; i <= 1_000_000; i++) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) | 0;
    one.put(random, random >>> 9, 8, 2 + Math.floor(i / 1000));
    if (i % 1000 === 0) assert.equal(one.find(12_345, 678, 2 + Math.floor(i / 1000), HOUR_S), 7);
  }
});
