import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { encodeUtf8 } from '../../base/text.ts';
import { request } from '../value/fixtures.test.ts';
import { Span } from '../value/span.ts';
import { Claim } from './claim.ts';
import { IdTable } from './id-table.ts';
import { serverId } from './server-id.ts';

function said(by: readonly string[], behind: string, cookie: string, target = '/'): string | null {
  const span = new Span();
  const view = request(target, 'a', 'GET', [`Cookie: ${cookie}`]);
  if (!new Claim({ by, behind }).find(view, span)) return null;
  return Buffer.from(span.bytes.subarray(span.at, span.end)).toString();
}

test('a server is called by its address: as nginx does, or with a secret', () => {
  assert.equal(serverId('127.0.0.1:80', null), createHash('md5').update('127.0.0.1:80').digest('hex'));
  const keyed = createHmac('sha256', 'secret').update('[::1]:80').digest('hex').slice(0, 32);
  assert.equal(serverId('[::1]:80', encodeUtf8('secret')), keyed);
});

test('the first text that is not empty counts, and of it what is behind the last mark', () => {
  const by = ['{cookie:A}', '{query:s}', 'x{cookie:B}'];
  assert.equal(said(by, '', 'A=one'), 'one');
  assert.equal(said(by, '', 'A=; B=two', '/?s=three'), 'three');
  assert.equal(said(by, '', 'B=two'), 'xtwo');
  assert.equal(said(['{cookie:A}'], '', 'B=two'), null);
  assert.equal(said(['{cookie:A}'], '.', 'A=session.node1'), 'node1');
  assert.equal(said(['{cookie:A}'], '.', 'A=0.1.node1'), 'node1');
  for (const cookie of ['A=node1', 'A=node1.', 'A=.', 'B=x.node1'])
    assert.equal(said(['{cookie:A}'], '.', cookie), null);
  assert.equal(said(['{cookie:A}', '{cookie:B}'], '.', 'A=node1; B=x.node2'), null, 'the first one counts alone');
});

test('identifiers are found among many, whole and in their case', () => {
  const ids = Array.from({ length: 1000 }, (_, i) => `node${i}`);
  const table = new IdTable(new Map(ids.map((id, i) => [id, i])));
  const find = (text: string): number | null => table.find(encodeUtf8(`<${text}>`), 1, text.length);
  ids.forEach((id, i) => assert.equal(find(id), i));
  for (const other of ['', 'node', 'node1000', 'Node1', 'node01']) assert.equal(find(other), null);
  assert.equal(new IdTable(new Map()).find(encodeUtf8('a'), 0, 1), null);
});
