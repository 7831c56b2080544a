import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TRAILER_BYTES_MAX } from '../../base/limits.ts';
import { FieldTable } from './head.ts';
import { fieldsOf, threeWays } from './testing/three-ways.ts';
import { parseTrailers } from './trailers.ts';

const trailers = (text: string, fieldsMax = 8) =>
  threeWays(
    text,
    (bytes, offset, end, table) => parseTrailers(bytes, offset, end, table, fieldsMax),
    () => new FieldTable(8),
  );

describe('trailer section', () => {
  it('may be only the empty line (RFC 9112 section 7.1.2)', () => {
    const { verdict, head } = trailers('\r\n');
    assert.equal(verdict, 2);
    assert.equal(head.fieldCount, 0);
    assert.equal(head.fieldsEnd, 0);
  });

  it('is read like the fields of a head', () => {
    const text = 'Digest: abc\r\ngrpc-status: 0\r\n\r\n';
    const { verdict, head, bytes } = trailers(text);
    assert.equal(verdict, text.length);
    assert.deepEqual(
      fieldsOf(bytes, head).map(({ name, value }) => `${name}=${value}`),
      ['Digest=abc', 'grpc-status=0'],
    );
    assert.equal(head.fieldsStart, 0);
    assert.equal(head.fieldsEnd, text.length - 2);
    assert.equal(trailers('A: b\r\n\n').verdict, 'line-end');
    assert.equal(trailers('A: b\r\n c\r\n\r\n').verdict, 'field-folded');
    assert.equal(trailers('A : b\r\n\r\n').verdict, 'field-space');
    assert.equal(trailers('A: b\0\r\n\r\n').verdict, 'field-value');
    assert.equal(trailers('A: b\nC: d\r\n\r\n').verdict, 'line-end');
    assert.equal(trailers('A: b\r\n').verdict, 'more');
  });

  it('has no field for framing, routing, authentication or the connection (RFC 9110 section 6.5.1)', () => {
    for (const name of [
      'Transfer-Encoding',
      'Content-Length',
      'Host',
      'Connection',
      'Keep-Alive',
      'Proxy-Connection',
      'TE',
      'Upgrade',
      'Expect',
      'X-Forwarded-For',
      'X-Forwarded-Proto',
      'X-Forwarded-Host',
      'Cookie',
      'Set-Cookie',
      'HTTP2-Settings',
      'Authorization',
      'Proxy-Authorization',
      'Content-Type',
      'Content-Encoding',
      'Content-Range',
      'Max-Forwards',
      'Trailer',
    ]) {
      assert.equal(trailers(`A: b\r\n${name.toLowerCase()}: 1\r\n\r\n`).verdict, 'trailer-field', name);
      assert.equal(trailers(`${name.toUpperCase()}: 1\r\n\r\n`).verdict, 'trailer-field', name);
    }
    assert.equal(
      typeof trailers('Date: x\r\nVia: 1.1 x\r\nX-Request-Id: 1\r\nServer-Timing: a\r\n\r\n').verdict,
      'number',
    );
  });

  it('is bounded in bytes and fields', () => {
    const fit = `A: ${'x'.repeat(TRAILER_BYTES_MAX - 7)}\r\n\r\n`;
    assert.equal(trailers(fit).verdict, TRAILER_BYTES_MAX);
    assert.equal(trailers(fit.replace('A', 'AA')).verdict, 'trailer-too-large');
    assert.equal(trailers('a: b\r\n'.repeat(2) + '\r\n', 2).verdict, 14);
    assert.equal(trailers('a: b\r\n'.repeat(3) + '\r\n', 2).verdict, 'too-many-fields');
    assert.equal(trailers('a: b\r\n'.repeat(9) + '\r\n', 20).verdict, 'too-many-fields');
  });
});
