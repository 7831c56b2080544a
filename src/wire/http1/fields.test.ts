import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as H from './head.ts';
import { LIMITS, request, withFields } from './testing/three-ways.ts';

/** A request with `count` fields. */
const linesOf = (count: number) => `GET / HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(count - 1)}\r\n`;

describe('field lines', () => {
  it('have a token name directly before the colon (RFC 9112 section 5.1)', () => {
    for (const line of ['A: b', "!#$%&'*+-.^_`|~09az: b", 'a:b', 'A:', 'A: ', 'A:\t b \t']) {
      assert.equal(typeof withFields(line).verdict, 'number', line);
    }
    assert.equal(withFields('A : b').verdict, 'field-space');
    assert.equal(withFields('A\t: b').verdict, 'field-space');
    for (const line of [
      ':',
      ': b',
      'A',
      'A;: b',
      'A\0: b',
      'A\x0b: b',
      'A\x7f: b',
      'A\xe9: b',
      '(A): b',
      'A"b: c',
      'A\n: b',
      '@: b',
      '[a]: b',
    ]) {
      assert.equal(withFields(line).verdict, 'field-name', JSON.stringify(line));
    }
    assert.equal(withFields('A b: c').verdict, 'field-space');
  });

  it('have values trimmed of spaces and tabs only (RFC 9112 section 5.1, RFC 9110 section 5.5)', () => {
    for (const [line, value] of [
      ['A:b', 'b'],
      ['A: \t b c\t d \t ', 'b c\t d'],
      ['A:', ''],
      ['A: \t ', ''],
      ['A: \x80\xff\xa0', '\x80\xff\xa0'],
      ['A: \xa0b', '\xa0b'],
      ['A: b: c', 'b: c'],
      [`A: ${'x'.repeat(333)} y`, `${'x'.repeat(333)} y`],
    ]) {
      assert.equal(withFields(line).fields[1].value, value, JSON.stringify(line));
    }
  });

  it('refuse every control byte but HTAB, wherever it stands in the value (RFC 9110 section 5.5)', () => {
    for (let byte = 0; byte < 256; byte++) {
      if (byte === 0x0a || byte === 0x0d) continue;
      const isControl = (byte < 0x20 && byte !== 0x09) || byte === 0x7f;
      for (let before = 0; before < 6; before++) {
        const { verdict } = withFields(`A: ${'x'.repeat(before)}${String.fromCharCode(byte)}${'y'.repeat(5 - before)}`);
        assert.equal(verdict === 'field-value', isControl, String(byte));
      }
    }
  });

  it('are never folded (RFC 9112 section 5.2)', () => {
    assert.equal(withFields('A: b', ' c').verdict, 'field-folded');
    assert.equal(withFields('A: b', '\tc: d').verdict, 'field-folded');
    assert.equal(withFields('A: b', ' ').verdict, 'field-folded');
  });

  it('do not begin with whitespace (RFC 9112 section 2.2)', () => {
    assert.equal(request('GET / HTTP/1.1\r\n Host: a\r\n\r\n').verdict, 'field-space');
    assert.equal(request('GET / HTTP/1.1\r\n\tHost: a\r\n\r\n').verdict, 'field-space');
  });

  it('are at most as many as the limit and the table allow', () => {
    assert.equal(typeof request(linesOf(32)).verdict, 'number');
    assert.equal(request(linesOf(33)).verdict, 'too-many-fields');
    const limits = { ...LIMITS, headers: 3 };
    assert.equal(typeof request(linesOf(3), limits).verdict, 'number');
    assert.equal(request(linesOf(4), limits).verdict, 'too-many-fields');
  });

  it('are known by name in any case, and by nothing else', () => {
    const known = {
      connection: H.F_CONNECTION,
      'keep-alive': H.F_KEEP_ALIVE,
      'proxy-connection': H.F_PROXY_CONNECTION,
      te: H.F_TE,
      upgrade: H.F_UPGRADE,
      expect: H.F_EXPECT,
      'x-forwarded-for': H.F_X_FORWARDED_FOR,
      'x-forwarded-proto': H.F_X_FORWARDED_PROTO,
      'x-forwarded-host': H.F_X_FORWARDED_HOST,
      'x-request-id': H.F_X_REQUEST_ID,
      via: H.F_VIA,
      date: H.F_DATE,
      cookie: H.F_COOKIE,
      'http2-settings': H.F_HTTP2_SETTINGS,
      'content-length': H.F_CONTENT_LENGTH,
    };
    for (const [name, id] of Object.entries(known)) {
      for (const spelling of [name, name.toUpperCase(), name.replace(/^./, (c) => c.toUpperCase())]) {
        assert.equal(withFields(`${spelling}: 1`).fields[1].id, id, spelling);
      }
      for (let i = 0; i < name.length; i++) {
        const other = `${name.slice(0, i)}0${name.slice(i + 1)}`;
        const isForwarded = other.startsWith('x-forwarded-');
        assert.equal(withFields(`${other}: 1`).fields[1].id, isForwarded ? H.F_PROXY_CLAIM : H.F_OTHER, other);
      }
      const isForwarded = name.startsWith('x-forwarded-');
      assert.equal(withFields(`${name}x: 1`).fields[1].id, isForwarded ? H.F_PROXY_CLAIM : H.F_OTHER);
      assert.equal(withFields(`${name.slice(1)}: 1`).fields[1].id, H.F_OTHER);
    }
  });

  it('that say who the client is, or what a proxy was asked, are known in any spelling that a CGI server takes for them', () => {
    const clients = [
      'Forwarded',
      'X-Real-IP',
      'x-client-ip',
      'True-Client-IP',
      'CF-Connecting-IP',
      'X-Cluster-Client-Ip',
    ];
    const proxies = ['X-Forwarded-Port', 'X-Forwarded-Proto2', 'X-Forwarded-Ssl', 'X-Original-URL', 'X-Rewrite-Url'];
    for (const [names, id] of [
      [clients, H.F_CLIENT_CLAIM],
      [proxies, H.F_PROXY_CLAIM],
    ] as const) {
      for (const name of names) {
        assert.equal(withFields(`${name}: 1`).fields[1].id, id, name);
        assert.equal(withFields(`${name.replaceAll('-', '_')}: 1`).fields[1].id, id, name);
      }
    }
    for (const name of [
      'Forwarde',
      'X-Real-Ip2',
      'X-Forwarded-',
      'X-Forwarding-For',
      'X-Originals-URL',
      'Client-Ipx',
    ]) {
      assert.equal(withFields(`${name}: 1`).fields[1].id, H.F_OTHER, name);
    }
  });
});
