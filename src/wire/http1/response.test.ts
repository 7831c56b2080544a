import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as H from './head.ts';
import { responseBody } from './response.ts';
import { response } from './testing/three-ways.ts';

const withStatusLine = (line: string) => response(`${line}\r\nContent-Length: 0\r\n\r\n`);
const withFields = (...lines: string[]) =>
  response(`HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`);

describe('status line', () => {
  it('is a version, a status and a reason (RFC 9112 section 4)', () => {
    for (const [line, version, status] of [
      ['HTTP/1.1 200 OK', 11, 200],
      ['HTTP/1.0 404 Not Found', 10, 404],
      ['HTTP/1.1 100 Continue', 11, 100],
      ['HTTP/1.1 599 ', 11, 599],
      ['HTTP/1.1 200 \tr\xe9ason  with spaces ', 11, 200],
      ['HTTP/1.2 200 OK', 11, 200],
    ] as const) {
      const r = withStatusLine(line);
      assert.equal(typeof r.verdict, 'number', line);
      assert.equal(r.head.version, version);
      assert.equal(r.head.status, status);
      assert.equal(r.head.start, 0);
      assert.equal(r.head.fieldsStart, line.length + 2);
    }
  });

  it('may lack the reason and the space before it (deviation)', () => {
    assert.equal(withStatusLine('HTTP/1.1 200').head.status, 200);
    assert.equal(withStatusLine('HTTP/1.1 200 ').head.status, 200);
  });

  it('is refused in every other spelling', () => {
    for (const line of [
      'HTTP/1.1  200 OK',
      'HTTP/1.1 20 OK',
      'HTTP/1.1 2000 OK',
      'HTTP/1.1 099 X',
      'HTTP/1.1 600 X',
      'HTTP/1.1 000 X',
      'HTTP/1.1 2x0 OK',
      'HTTP/1.1 -20 OK',
      'HTTP/1.1\t200 OK',
      'HTTP/1.1 200\tOK',
      'HTTP/1.1 200OK',
      'HTTP/1.1 200 O\0K',
      'HTTP/1.1 200 O\x0bK',
      'HTTP/1.1',
      'HTTP/1.1 ',
    ]) {
      assert.equal(withStatusLine(line).verdict, 'status-line', JSON.stringify(line));
    }
    for (const line of [
      'http/1.1 200 OK',
      ' HTTP/1.1 200 OK',
      '\r\nHTTP/1.1 200 OK',
      'ICY 200 OK',
      'HTTP/1.10 200 OK'.replace('1.10', 'x.1'),
      '<html>',
    ]) {
      assert.equal(withStatusLine(line).verdict, 'version', JSON.stringify(line));
    }
    assert.equal(withStatusLine('HTTP/2.0 200 OK').verdict, 'version-unsupported');
    assert.equal(withStatusLine('HTTP/1.10 200 OK').verdict, 'status-line');
    assert.equal(response('HTTP/1.1 200 OK\nA: b\n\n').verdict, 'line-end');
    assert.equal(response('HTTP/1.1 200 OK\rA: b\r\n\r\n').verdict, 'line-end');
  });

  it('counts as part of a head that is too large', () => {
    const limits = { headBytes: 64, headers: 8 };
    assert.equal(response(`HTTP/1.1 200 ${'x'.repeat(100)}`, limits).verdict, 'head-too-large');
    assert.equal(response(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(100)}`, limits).verdict, 'head-too-large');
    assert.equal(response(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(40)}\r\n\r\n`, limits).verdict, 64);
    assert.equal(response(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(41)}\r\n\r\n`, limits).verdict, 'head-too-large');
  });
});

describe('response fields', () => {
  it('are held to the same syntax as those of a request (RFC 9112 section 5)', () => {
    assert.equal(withFields('A : b').verdict, 'field-space');
    assert.equal(withFields('A: b', ' c').verdict, 'field-folded');
    assert.equal(withFields('A: b\0').verdict, 'field-value');
    assert.equal(withFields('A b').verdict, 'field-space');
    assert.equal(withFields('').verdict, 19);
  });

  it('may hold many cookies', () => {
    const r = withFields('Set-Cookie: a=b', 'Set-Cookie: c=d', 'Connection: x-a', 'X-A: 1');
    assert.deepEqual(
      r.fields.map((field) => field.id),
      [H.F_OTHER, H.F_OTHER, H.F_CONNECTION, H.F_NOMINATED],
    );
  });
});

describe('message length of a response', () => {
  it('is until close, unless the head says otherwise (RFC 9112 section 6.3)', () => {
    assert.equal(withFields().head.body, H.BODY_UNTIL_CLOSE);
    const sized = withFields('Content-Length: 7');
    assert.equal(sized.head.body, H.BODY_LENGTH);
    assert.equal(sized.head.contentLength, 7);
    assert.equal(withFields('Transfer-Encoding: chunked').head.body, H.BODY_CHUNKED);
  });

  it('is refused when it is contradictory or unreadable', () => {
    assert.equal(withFields('Content-Length: 7', 'Transfer-Encoding: chunked').verdict, 'length-conflict');
    assert.equal(withFields('Content-Length: 7', 'Content-Length: 7').verdict, 'content-length-repeated');
    assert.equal(withFields('Content-Length: 7, 7').verdict, 'content-length');
    assert.equal(withFields('Content-Length: -1').verdict, 'content-length');
    assert.equal(withFields('Transfer-Encoding: identity').verdict, 'transfer-encoding');
    assert.equal(withFields('Transfer-Encoding: gzip, chunked').verdict, 'transfer-encoding-unknown');
    assert.equal(
      response('HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n').verdict,
      'transfer-encoding-version',
    );
  });

  it('is none for HEAD, 1xx, 204 and 304, whatever the head says (RFC 9112 section 6.3, rule 1)', () => {
    const { head } = withFields('Content-Length: 7');
    assert.equal(responseBody(head, H.METHOD_GET), H.BODY_LENGTH);
    assert.equal(responseBody(head, H.METHOD_HEAD), H.BODY_NONE);
    assert.equal(head.contentLength, 7);
    for (const status of [100, 101, 103, 199, 204, 304]) {
      head.status = status;
      assert.equal(responseBody(head, H.METHOD_GET), H.BODY_NONE, String(status));
    }
    for (const status of [200, 205, 206, 301, 404, 500]) {
      head.status = status;
      assert.equal(responseBody(head, H.METHOD_GET), H.BODY_LENGTH, String(status));
    }
  });
});
