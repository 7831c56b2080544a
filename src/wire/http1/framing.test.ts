import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as H from './head.ts';
import { request, withFields } from './testing/three-ways.ts';

describe('message length of a request', () => {
  it('is none without Content-Length and Transfer-Encoding (RFC 9112 section 6.3, rule 7)', () => {
    assert.equal(withFields().head.body, H.BODY_NONE);
  });

  it('is the Content-Length: one decimal number below 2^53 (RFC 9110 section 8.6)', () => {
    for (const [value, length] of [
      ['0', 0],
      ['42', 42],
      ['0042', 42],
      ['9007199254740991', 2 ** 53 - 1],
      ['000000000000000000000000005', 5],
    ] as const) {
      const r = withFields(`Content-Length: ${value}`);
      assert.equal(r.head.body, H.BODY_LENGTH);
      assert.equal(r.head.contentLength, length);
    }
    for (const value of [
      '',
      '+5',
      '-5',
      '5, 5',
      '5,5',
      '5 5',
      '0x5',
      '5.0',
      '5e1',
      '9007199254740992',
      '99999999999999999999',
      '\xb2',
      'five',
      '5;',
      '"5"',
      '5\xa0',
    ]) {
      assert.equal(withFields(`Content-Length: ${value}`).verdict, 'content-length', JSON.stringify(value));
    }
    assert.equal(withFields('Content-Length: 5', 'content-length: 5').verdict, 'content-length-repeated');
    assert.equal(withFields('Content-Length: 5', 'Content-Length: 6').verdict, 'content-length-repeated');
  });

  it('is told by the chunks when Transfer-Encoding is chunked (RFC 9112 section 6.1)', () => {
    for (const value of ['chunked', 'Chunked', 'CHUNKED']) {
      const r = withFields(`Transfer-Encoding: ${value}`);
      assert.equal(r.head.body, H.BODY_CHUNKED);
      assert.equal(r.head.contentLength, -1);
    }
  });

  it('is refused with 501 when another coding is applied before chunked', () => {
    for (const value of ['gzip, chunked', 'x-foo,chunked', 'a , b ,\tCHUNKED']) {
      assert.equal(withFields(`Transfer-Encoding: ${value}`).verdict, 'transfer-encoding-unknown', value);
    }
  });

  it('is refused with 400 when Transfer-Encoding is anything else (RFC 9112 section 6.3, rule 4)', () => {
    for (const value of [
      '',
      'identity',
      'gzip',
      'chunked, gzip',
      'chunked, chunked',
      'chunked,',
      ', chunked',
      'gzip,, chunked',
      'xchunked',
      'chunkedx',
      'chunked;a=b',
      '"chunked"',
      'chunked chunked',
      'gzip chunked',
      '\x80chunked',
      'chunked\xa0',
    ]) {
      assert.equal(withFields(`Transfer-Encoding: ${value}`).verdict, 'transfer-encoding', JSON.stringify(value));
    }
    for (const value of ['\x0bchunked', 'chunked\0', '\x0cchunked']) {
      assert.equal(withFields(`Transfer-Encoding: ${value}`).verdict, 'field-value', JSON.stringify(value));
    }
    assert.equal(
      withFields('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked').verdict,
      'transfer-encoding-repeated',
    );
  });

  it('is refused when both are there, in either order (RFC 9112 section 6.1)', () => {
    assert.equal(withFields('Content-Length: 5', 'Transfer-Encoding: chunked').verdict, 'length-conflict');
    assert.equal(withFields('Transfer-Encoding: chunked', 'Content-Length: 5').verdict, 'length-conflict');
  });

  it('is refused with Transfer-Encoding in HTTP/1.0 (RFC 9112 section 6.1)', () => {
    const old = request('POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    assert.equal(old.verdict, 'transfer-encoding-version');
  });

  it('is refused when a field for framing or forwarding is spelt without its hyphens', () => {
    for (const name of [
      'Content_Length',
      'TRANSFER_ENCODING',
      'X_Forwarded_For',
      'X-Forwarded_Proto',
      'x_forwarded-host',
      'X.Forwarded.For',
      'Content~Length',
    ]) {
      assert.equal(withFields(`${name}: 1`).verdict, 'field-lookalike', name);
    }
    assert.equal(typeof withFields('My_Header: 1', 'Content_Type: 1', 'Content0Length: 1').verdict, 'number');
  });
});

describe('Connection', () => {
  it('says close and keep-alive in any case, list or field (RFC 9110 section 7.6.1)', () => {
    for (const [lines, close, keep] of [
      [['Connection: close'], true, false],
      [['connection: CLOSE'], true, false],
      [['Connection: keep-alive'], false, true],
      [['Connection: foo, Keep-Alive ,close'], true, true],
      [['Connection: foo', 'Connection: close'], true, false],
      [['Connection:'], false, false],
      [['Connection: , ,\t,'], false, false],
      [['Connection: closed, xclose, keepalive'], false, false],
    ] as const) {
      const r = withFields(...lines);
      assert.equal(r.head.hasClose, close, lines.join());
      assert.equal(r.head.hasKeepAlive, keep, lines.join());
    }
  });

  it('is a list of tokens', () => {
    for (const value of ['close keep-alive', '"close"', 'close;a', 'close, a b', 'a\x80', '(close)', 'a=b']) {
      assert.equal(withFields(`Connection: ${value}`).verdict, 'connection', JSON.stringify(value));
    }
  });

  it('marks the fields it names, wherever they stand', () => {
    const r = withFields(
      'X-A: 1',
      'Connection: x-a, X-B',
      'X-C: 2',
      'x-b: 3',
      'X-A: 4',
      'X-Forwarded-For: 5',
      'Connection: x-forwarded-for',
    );
    assert.deepEqual(
      r.fields.filter((field) => field.id === H.F_NOMINATED).map((field) => field.value),
      ['1', '3', '4', '5'],
    );
    assert.equal(r.head.seen & (1 << H.F_X_FORWARDED_FOR), 0);
    assert.notEqual(r.head.seen & (1 << H.F_NOMINATED), 0);
  });

  it('leaves their own ids to fields that are for the connection anyway', () => {
    const r = withFields('Connection: te, http2-settings, upgrade', 'TE: trailers', 'HTTP2-Settings: x', 'Upgrade: y');
    assert.deepEqual(
      r.fields.slice(1).map((field) => field.id),
      [H.F_CONNECTION, H.F_TE, H.F_HTTP2_SETTINGS, H.F_UPGRADE],
    );
  });

  it('does not take away fields that say where a message ends or goes (deviation)', () => {
    for (const name of ['Host', 'content-length', 'Transfer-Encoding', 'EXPECT']) {
      assert.equal(withFields(`Connection: close, ${name}`).verdict, 'connection-nominates', name);
    }
  });

  it('looks for 32 named fields at most, in one Connection field or in several', () => {
    assert.equal(withFields(`Connection: ${fieldNames(32)}`).head.nominations, 32);
    assert.equal(withFields(`Connection: ${fieldNames(33)}`).verdict, 'connection-too-long');
    assert.equal(
      withFields(`Connection: ${fieldNames(20)}`, `Connection: ${fieldNames(20)}`).verdict,
      'connection-too-long',
    );
    assert.equal(withFields(`Connection: ${'close,keep-alive,'.repeat(100)}`).head.nominations, 0);
  });

  it('asks for an upgrade together with one Upgrade field (RFC 9110 section 7.8)', () => {
    const r = withFields('Connection: Upgrade', 'Upgrade: websocket');
    assert.equal(r.head.hasUpgrade, true);
    assert.equal(r.head.upgradeField, 2);
    assert.equal(withFields('Upgrade: websocket', 'Connection: keep-alive, upgrade').head.hasUpgrade, true);
    assert.equal(withFields('Upgrade: foo/2, websocket', 'Connection: upgrade').head.hasUpgrade, true);
    for (const lines of [
      ['Connection: upgrade'],
      ['Upgrade: websocket'],
      ['Upgrade:', 'Connection: upgrade'],
      ['Upgrade: websocket', 'Upgrade: websocket', 'Connection: upgrade'],
      ['Upgrade: h2c', 'Connection: upgrade, http2-settings'],
      ['Upgrade: websocket, H2C', 'Connection: upgrade'],
      ['Upgrade: websocket,h2c/1', 'Connection: upgrade'],
    ]) {
      const r = withFields(...lines);
      assert.equal(typeof r.verdict, 'number');
      assert.equal(r.head.hasUpgrade, false, lines.join());
    }
    const old = request('GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
    assert.equal(old.head.hasUpgrade, false);
  });
});

describe('Expect', () => {
  it('is understood as 100-continue only, and not in HTTP/1.0 (RFC 9110 section 10.1.1)', () => {
    assert.equal(withFields('Expect: 100-continue').head.expectsContinue, true);
    assert.equal(withFields('expect: 100-Continue').head.expectsContinue, true);
    assert.equal(withFields('Expect: 100-continued').head.expectsContinue, false);
    assert.equal(withFields('Expect: x').head.expectsContinue, false);
    assert.equal(request('GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n').head.expectsContinue, false);
  });
});

function fieldNames(count: number): string {
  return Array.from({ length: count }, (_, i) => `x${i}`).join(',');
}
