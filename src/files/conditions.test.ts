import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partFor, type Version } from './conditions.ts';

const version: Version = { etag: '"6553f100-17"', modified: 1_700_000_000, size: 23 };
const SAME = 'Tue, 14 Nov 2023 22:13:20 GMT';
const LATER = 'Tue, 14 Nov 2023 22:13:21 GMT';

test('without anything asked the whole file is the answer', () => {
  assert.deepEqual(partFor({}, version), { status: 200 });
  assert.deepEqual(partFor({ range: 'bytes=0-4', 'if-none-match': '"x"' }, version), {
    status: 206,
    first: 0,
    last: 4,
  });
});

test('a version that the client has is not sent again', () => {
  for (const fields of [
    { 'if-none-match': '*' },
    { 'if-none-match': 'W/"6553f100-17"' },
    { 'if-none-match': '"a", "6553f100-17"' },
    { 'if-modified-since': SAME },
  ])
    assert.deepEqual(partFor(fields, version), { status: 304 }, JSON.stringify(fields));
  for (const fields of [
    { 'if-modified-since': LATER },
    { 'if-modified-since': 'nonsense' },
    { 'if-none-match': '"a"', 'if-modified-since': SAME },
  ])
    assert.deepEqual(partFor(fields, version), { status: 200 }, JSON.stringify(fields));
});

test('another version than the one that is asked for is refused', () => {
  assert.deepEqual(partFor({ 'if-match': '"a"' }, version), { status: 412 });
  assert.deepEqual(partFor({ 'if-match': 'W/"6553f100-17"' }, version), { status: 412 });
  assert.deepEqual(partFor({ 'if-match': '"6553f100-17"' }, version), { status: 200 });
  assert.deepEqual(partFor({ 'if-unmodified-since': 'Tue, 14 Nov 2023 22:13:19 GMT' }, version), { status: 412 });
});

test('a part is of the version that was meant, and inside of the file', () => {
  assert.deepEqual(part('bytes=5-'), { status: 206, first: 5, last: 22 });
  assert.deepEqual(part('bytes=-5'), { status: 206, first: 18, last: 22 });
  assert.deepEqual(part('bytes=-500'), { status: 206, first: 0, last: 22 });
  assert.deepEqual(part('bytes=0-500'), { status: 206, first: 0, last: 22 });
  for (const range of ['bytes=23-', 'bytes=a-b', 'bytes=-', 'bytes=2-1'])
    assert.deepEqual(part(range), { status: 416 });
  for (const range of ['items=0-1', 'bytes=0-1,3-4']) assert.deepEqual(part(range), { status: 200 });
  assert.deepEqual(part('bytes=0-1', '"6553f100-17"'), { status: 206, first: 0, last: 1 });
  assert.deepEqual(part('bytes=0-1', SAME), { status: 206, first: 0, last: 1 });
  for (const other of ['"a"', LATER]) assert.deepEqual(part('bytes=0-1', other), { status: 200 });
});

function part(range: string, ifRange?: string): unknown {
  return partFor({ range, ...(ifRange === undefined ? {} : { 'if-range': ifRange }) }, version);
}
