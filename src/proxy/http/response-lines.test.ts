import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latin1 } from '../../base/text.ts';
import { ascii } from '../../wire/http1/emit.ts';
import { ResponseHead } from '../../wire/http1/head.ts';
import { parseResponseHead } from '../../wire/http1/response.ts';
import { joined, linesOf, withoutOwn } from './response-lines.ts';

const text = (bytes: Uint8Array): string => latin1(bytes, 0, bytes.length);

test('the lines of all fields of a name, and none where they are too long', () => {
  const memory = ascii('HTTP/1.1 401 No\r\nWWW-Authenticate:Basic\r\nX: 1\r\nwww-authenticate:  Digest \r\n\r\n');
  const head = new ResponseHead(8);
  parseResponseHead(memory, 0, memory.length, { headBytes: 1024, headers: 8 }, head);
  const wanted = 'WWW-Authenticate: Basic\r\nwww-authenticate: Digest\r\n';
  const find = (max: number): string => text(linesOf(memory, head, ascii('www-authenticate'), max));
  assert.equal(find(wanted.length), wanted);
  assert.equal(find(wanted.length - 1), '');
  assert.equal(text(linesOf(memory, head, ascii('x-none'), 64)), '');
});

test('lines without those that an error of the proxy has itself, and with others behind them', () => {
  const lines = ascii('Content-Type: a\r\nX: 1\r\ndate: now\r\nX-Request-Id-Of: y\r\nX-REQUEST-ID: z\r\n');
  assert.equal(text(withoutOwn(lines)), 'X: 1\r\nX-Request-Id-Of: y\r\n');
  assert.equal(text(withoutOwn(ascii('date: now\r\n'))), '');
  assert.equal(text(joined(ascii('A: 1\r\n'), ascii('B: 2\r\n'))), 'A: 1\r\nB: 2\r\n');
});
