import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ascii } from '../../wire/http1/emit.ts';
import { RequestHead } from '../../wire/http1/head.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';
import { takeForward } from './max-forwards.ts';

function forward(method: string, value: string): string | null {
  const bytes = ascii(`${method} / HTTP/1.1\r\nHost: a\r\nmax-forwards: ${value}\r\nX: y\r\n\r\n`);
  const head = new RequestHead(10);
  assert.equal(parseRequestHead(bytes, 0, bytes.length, { headBytes: 4096, headers: 10 }, head), bytes.length);
  if (!takeForward(bytes, head)) return null;
  return /max-forwards: (.*)\r\nX: y/.exec(Buffer.from(bytes).toString('latin1'))![1];
}

test('one is taken off, with as many digits; at zero the request goes no further', () => {
  for (const method of ['OPTIONS', 'TRACE']) {
    assert.equal(forward(method, '10'), '09');
    assert.equal(forward(method, '1'), '0');
    assert.equal(forward(method, '1000'), '0999');
    assert.equal(forward(method, '255'), '254');
    assert.equal(forward(method, '0'), null);
    assert.equal(forward(method, '000'), null);
  }
});

test('what is no number says nothing, and other methods are not concerned', () => {
  for (const value of ['', '-1', 'x', '1 2', '0x0']) assert.equal(forward('TRACE', value), value);
  assert.equal(forward('GET', '0'), '0');
});
