import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as H from './head.ts';
import { parseRequestHead } from './request.ts';
import { LIMITS, request, withLine } from './testing/three-ways.ts';

const SMALL = 'GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: wrk\r\nAccept: */*\r\n\r\n';

/** A request line of `length` bytes, CR LF included. */
const lineOf = (length: number) => `GET /${'a'.repeat(length - 16)} HTTP/1.1\r\n`;
const withHost = (host: string) => request(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);

describe('request head', () => {
  it('is read in place: start line, fields and their values (RFC 9112 section 2.1)', () => {
    const r = request(SMALL);
    assert.equal(r.verdict, SMALL.length);
    assert.equal(r.method, 'GET');
    assert.equal(r.head.method, H.METHOD_GET);
    assert.equal(r.target, '/');
    assert.equal(r.head.version, 11);
    assert.deepEqual(r.fields, [
      { name: 'Host', value: '127.0.0.1:8080', id: H.F_HOST },
      { name: 'User-Agent', value: 'wrk', id: H.F_OTHER },
      { name: 'Accept', value: '*/*', id: H.F_OTHER },
    ]);
    assert.equal(r.head.start, 0);
    assert.equal(r.head.fieldsStart, 16);
    assert.equal(r.head.fieldsEnd, SMALL.length - 2);
    assert.equal(r.head.body, H.BODY_NONE);
    assert.equal(r.head.contentLength, -1);
    assert.equal(r.head.hostField, 0);
    assert.equal(r.host, '127.0.0.1');
    assert.equal(r.authority, '127.0.0.1:8080');
    assert.equal(r.head.seen, (1 << H.F_HOST) | (1 << H.F_OTHER));
  });

  it('forgets the head parsed before', () => {
    const text =
      'POST http://b/c?d HTTP/1.1\r\nHost: b\r\nConnection: close, keep-alive, upgrade\r\nUpgrade: x\r\n' +
      'Expect: 100-continue\r\nContent-Length: 5\r\n\r\n';
    const head = request(text).head;
    const bytes = request(SMALL).bytes;
    const fresh = request(SMALL).head;
    assert.equal(parseRequestHead(bytes, 0, bytes.length, LIMITS, head), bytes.length);
    const words = fresh.fieldCount * H.FIELD_WORDS;
    assert.deepEqual(head.fields.subarray(0, words), fresh.fields.subarray(0, words));
    head.fields = fresh.fields;
    assert.deepEqual(head, fresh);
  });

  it('may follow a few empty lines (RFC 9112 section 2.2)', () => {
    for (const lines of [1, 4]) {
      const r = request('\r\n'.repeat(lines) + SMALL);
      assert.equal(r.verdict, SMALL.length + 2 * lines);
      assert.equal(r.head.start, 2 * lines);
      assert.equal(r.method, 'GET');
    }
    assert.equal(request('\r\n'.repeat(5) + SMALL).verdict, 'method');
    assert.equal(request('\n' + SMALL).verdict, 'line-end');
    assert.equal(request('\r' + SMALL).verdict, 'line-end');
    assert.equal(request('\r\n').verdict, 'more');
  });

  it('ends lines with CR LF only (RFC 9112 section 2.2)', () => {
    for (const text of [
      'GET / HTTP/1.1\nHost: a\r\n\r\n',
      'GET / HTTP/1.1\rHost: a\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\rB: c\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\n\n',
      'GET / HTTP/1.1\r\nHost: a\r\n\r\r\n',
      'GET / HTTP/1.1\r\n\rHost: a\r\n\r\n',
      'GET\n',
      'GET /\n',
    ]) {
      assert.equal(request(text).verdict, 'line-end', JSON.stringify(text));
    }
  });
});

describe('request line', () => {
  it('knows the methods by exact spelling and passes any other token (RFC 9110 section 9.1)', () => {
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', '', 'PATCH'];
    for (const [i, method] of methods.entries()) {
      if (method !== '') assert.equal(withLine(`${method} / HTTP/1.1`).head.method, i + 1, method);
    }
    for (const method of ['G', 'GETT', 'M-SEARCH', "!#$%&'*+-.^_`|~09AZ", 'PATCHES']) {
      const r = withLine(`${method} / HTTP/1.1`);
      assert.equal(typeof r.verdict, 'number');
      assert.equal(r.head.method, H.METHOD_OTHER);
      assert.equal(r.method, method);
    }
    for (const line of [
      ' GET / HTTP/1.1',
      '"GET" / HTTP/1.1',
      'G\0T / HTTP/1.1',
      '\x16\x03\x01',
      'GE\xc3 / HTTP/1.1',
      'get / HTTP/1.1',
      'pOST / HTTP/1.1',
      '{',
    ]) {
      assert.equal(withLine(line).verdict, 'method', JSON.stringify(line));
    }
  });

  it('does not pass on CONNECT (RFC 9110 section 9.3.6)', () => {
    assert.equal(request('CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n').verdict, 'connect');
    assert.equal(withLine('connect / HTTP/1.1').verdict, 'method');
  });

  it('has exactly one space between its parts (RFC 9112 section 3)', () => {
    for (const line of [
      'GET  / HTTP/1.1',
      'GET /  HTTP/1.1',
      'GET / HTTP/1.1 ',
      'GET /a b HTTP/1.1',
      'GET\t/ HTTP/1.1',
    ]) {
      assert.equal(typeof withLine(line).verdict, 'string', line);
    }
    assert.equal(withLine('GET  / HTTP/1.1').verdict, 'request-line');
    assert.equal(withLine('GET / HTTP/1.1 ').verdict, 'request-line');
    assert.equal(withLine('GET / HTTP/1.1 x').verdict, 'request-line');
    assert.equal(withLine('GET /a b HTTP/1.1').verdict, 'version');
    assert.equal(withLine('GET\t/ HTTP/1.1').verdict, 'method');
    assert.equal(withLine('GET /\tHTTP/1.1').verdict, 'target');
  });

  it('has a version; without one it would be HTTP/0.9 (RFC 9112 section 2.3)', () => {
    assert.equal(withLine('GET /').verdict, 'request-line');
    assert.equal(withLine('GET').verdict, 'method');
    assert.equal(withLine('GET ').verdict, 'request-line');
    assert.equal(withLine('GET / ').verdict, 'version');
    assert.equal(withLine('GET / HTTP/1.0').head.version, 10);
    assert.equal(withLine('GET / HTTP/1.1').head.version, 11);
    assert.equal(withLine('GET / HTTP/1.9').head.version, 11);
    for (const version of [
      'http/1.1',
      'HTTP/1',
      'HTTP/1.',
      'HTTP/1.10',
      'HTTP/11.1',
      'HTTP/01.1',
      'HTTP 1.1',
      'HTTP/1,1',
      'ICY/1.1',
      'HTTP/a.1',
      'HTTP/1.x',
      'XHTTP/1.1',
    ]) {
      assert.equal(withLine(`GET / ${version}`).verdict, 'version', version);
    }
    for (const version of ['HTTP/0.9', 'HTTP/2.0', 'HTTP/3.0', 'HTTP/9.9']) {
      assert.equal(withLine(`GET / ${version}`).verdict, 'version-unsupported', version);
    }
    assert.equal(request('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').verdict, 'version-unsupported');
  });

  it('splits an origin-form target into path and query (RFC 9112 section 3.2.1)', () => {
    for (const [target, path, query] of [
      ['/', '/', ''],
      ['/a/b', '/a/b', ''],
      ['/a?b=c', '/a?b=c', '?b=c'],
      ['/?', '/?', '?'],
      ['/a?b?c/d', '/a?b?c/d', '?b?c/d'],
      ['//a', '//a', ''],
      ['/%00%zz"<>\\^`{|}', '/%00%zz"<>\\^`{|}', ''],
    ]) {
      const r = withLine(`GET ${target} HTTP/1.1`);
      assert.equal(r.path, path);
      assert.equal(r.query, query);
      assert.equal(r.head.isAbsoluteForm, false);
      assert.equal(r.head.query + r.head.queryLength, r.head.path + r.head.pathLength);
    }
  });

  it('refuses target bytes that are not visible ASCII, and fragments (RFC 9112 section 3.2, RFC 3986 section 2)', () => {
    for (const byte of ['\0', '\x01', '\t', '\x0b', '\x1f', '\x7f', '\x80', '\xc3\xa9', '\xff', '#']) {
      assert.equal(withLine(`GET /a${byte} HTTP/1.1`).verdict, 'target', JSON.stringify(byte));
      assert.equal(withLine(`GET /a?${byte} HTTP/1.1`).verdict, 'target', JSON.stringify(byte));
    }
    assert.equal(withLine('GET /a#b HTTP/1.1').verdict, 'target');
  });

  it('takes the host from an absolute-form target and the path behind it (RFC 9112 section 3.2.2)', () => {
    const r = request('GET http://Example.com:8080/a?b HTTP/1.1\r\nHost: example.COM:8080\r\n\r\n');
    assert.equal(typeof r.verdict, 'number');
    assert.equal(r.head.isAbsoluteForm, true);
    assert.equal(r.path, '/a?b');
    assert.equal(r.query, '?b');
    assert.equal(r.host, 'Example.com');
    assert.equal(r.authority, 'Example.com:8080');
    const bare = request('OPTIONS HTTPS://[::1] HTTP/1.1\r\nHost: [::1]\r\n\r\n');
    assert.equal(typeof bare.verdict, 'number');
    assert.equal(bare.path, '');
    assert.equal(bare.host, '[::1]');
    const old = request('GET http://a/ HTTP/1.0\r\n\r\n');
    assert.equal(typeof old.verdict, 'number');
    assert.equal(old.host, 'a');
  });

  it('refuses an absolute-form target whose authority is not the Host (RFC 9112 section 3.2.2, deviation)', () => {
    for (const [target, host] of [
      ['http://a/', 'b'],
      ['http://a/', 'a:80'],
      ['http://a:80/', 'a'],
      ['http://a/', 'aa'],
      ['http://a/', ''],
    ]) {
      assert.equal(
        request(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`).verdict,
        'host-mismatch',
        `${target} ${host}`,
      );
    }
    assert.equal(request('GET http://a/ HTTP/1.1\r\n\r\n').verdict, 'host-missing');
  });

  it('ignores another Host where it is told to (RFC 9112 section 3.2.2)', () => {
    const limits = { ...LIMITS, ignoresOtherHost: true };
    const told = (text: string): ReturnType<typeof request> => request(text, limits);
    const other = told('GET http://a:80/ HTTP/1.1\r\nHost: b\r\n\r\n');
    assert.deepEqual([typeof other.verdict, other.host], ['number', 'a']);
    assert.equal(told('GET http://a/ HTTP/1.1\r\nHost: b/\r\n\r\n').verdict, 'host-invalid');
    assert.equal(told('GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n').verdict, 'host-repeated');
    assert.equal(told('GET http://a/ HTTP/1.1\r\n\r\n').verdict, 'host-missing');
    assert.equal(told('GET / HTTP/1.1\r\nHost: b\r\n\r\n').host, 'b');
  });

  it('refuses absolute-form targets without a plain http or https authority (RFC 9110 section 4.2)', () => {
    for (const target of [
      'http://u@a/',
      'http://u:p@a/',
      'http:///x',
      'http://:80/',
      'http://a:b/',
      'http://[::1/',
      'http://a:65536/',
    ]) {
      assert.equal(withLine(`GET ${target} HTTP/1.1`).verdict, 'host-invalid', target);
    }
    for (const target of [
      'http://',
      'ftp://a/',
      'http:/a',
      'http:a',
      'httpx://a/',
      'http',
      'h',
      'https:',
      'http://a?b',
      'http:a//b',
      'httpss://a/',
    ]) {
      assert.equal(withLine(`GET ${target} HTTP/1.1`).verdict, 'target-form', target);
    }
  });

  it('takes authority-form and any relative reference for nothing (RFC 9112 section 3.2.3)', () => {
    for (const target of ['a:443', 'a', 'example.com/', '?a', '.', 'index.html', '127.0.0.1:80', '@/', '\\']) {
      assert.equal(withLine(`GET ${target} HTTP/1.1`).verdict, 'target-form', target);
    }
  });

  it('takes asterisk-form with OPTIONS only (RFC 9112 section 3.2.4)', () => {
    const r = withLine('OPTIONS * HTTP/1.1');
    assert.equal(typeof r.verdict, 'number');
    assert.equal(r.path, '*');
    assert.equal(withLine('GET * HTTP/1.1').verdict, 'target-form');
    assert.equal(withLine('OPTIONS ** HTTP/1.1').verdict, 'target-form');
    assert.equal(withLine('OPTIONS *?a HTTP/1.1').verdict, 'target-form');
  });

  it('is refused with 414 when it does not end within the limit, and a head with 431', () => {
    const limits = { headBytes: 64, headers: 8 };
    assert.equal(request(lineOf(64), limits).verdict, 'head-too-large');
    assert.equal(request(lineOf(65), limits).verdict, 'request-line-too-long');
    assert.equal(request(lineOf(640), limits).verdict, 'request-line-too-long');
    assert.equal(request(lineOf(48) + 'Host: a\r\n', limits).verdict, 'more');
    assert.equal(request(lineOf(53) + 'Host: a\r\n\r\n', limits).verdict, 64);
    assert.equal(request(lineOf(54) + 'Host: a\r\n\r\n', limits).verdict, 'head-too-large');
    assert.equal(request('A'.repeat(64), limits).verdict, 'request-line-too-long');
  });
});

describe('Host', () => {
  it('is sent exactly once in HTTP/1.1 and at most once in HTTP/1.0 (RFC 9112 section 3.2)', () => {
    assert.equal(request('GET / HTTP/1.1\r\n\r\n').verdict, 'host-missing');
    assert.equal(request('GET / HTTP/1.1\r\nA: b\r\n\r\n').verdict, 'host-missing');
    assert.equal(request('GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n').verdict, 'host-repeated');
    assert.equal(request('GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n').verdict, 'host-repeated');
    const old = request('GET / HTTP/1.0\r\n\r\n');
    assert.equal(typeof old.verdict, 'number');
    assert.equal(old.head.hostField, -1);
    assert.equal(old.authority, '');
  });

  it('is a name, an IPv4 or a bracketed IPv6 address, with an optional port (RFC 3986 section 3.2.2)', () => {
    for (const [authority, host] of [
      ['a', 'a'],
      ['Example.COM.', 'Example.COM.'],
      ['a_b-c.example', 'a_b-c.example'],
      ['.example', '.example'],
      ['example.:80', 'example.'],
      ['a:80', 'a'],
      ['a:', 'a'],
      ['a:00080', 'a'],
      ['a:65535', 'a'],
      ['a%2e%2Eb', 'a%2e%2Eb'],
      ["a!$&'()*+,;=~b", "a!$&'()*+,;=~b"],
      ['127.0.0.1', '127.0.0.1'],
      ['[::]', '[::]'],
      ['[::1]:8080', '[::1]'],
      ['[1:2:3:4:5:6:7:8]', '[1:2:3:4:5:6:7:8]'],
      ['[1:2:3:4:5:6:7::]', '[1:2:3:4:5:6:7::]'],
      ['[2001:DB8::192.0.2.1]', '[2001:DB8::192.0.2.1]'],
      ['[::ffff:1.2.3.255]', '[::ffff:1.2.3.255]'],
    ]) {
      const r = withHost(authority);
      assert.equal(typeof r.verdict, 'number', authority);
      assert.equal(r.host, host);
      assert.equal(r.authority, authority);
    }
  });

  it('is refused when it is anything else, or empty', () => {
    for (const host of [
      '',
      ':80',
      '.',
      '.:80',
      '..',
      'a..',
      'a..:80',
      'a..b',
      '..a',
      'a:b',
      'a:80:80',
      'a:-1',
      'a:+80',
      'a:65536',
      'a:99999999999999999999',
      'a b',
      'a\tb',
      'a/b',
      'a/',
      'http://a',
      'u@a',
      'a?b',
      'a#b',
      'a\\b',
      'a"b',
      'a<b',
      'a[b',
      'a%2',
      'a%',
      'a%zz',
      '\xe9',
      'a\x80',
      '[',
      ']',
      '[]',
      '[::1',
      '::1',
      '[::1]a',
      '[::1]80',
      '[:::]',
      '[:1]',
      '[1:]',
      '[1::2::3]',
      '[1:2:3:4:5:6:7]',
      '[1:2:3:4:5:6:7:8:9]',
      '[1:2:3:4:5:6:7:8::]',
      '[12345::]',
      '[g::]',
      '[::1%25eth0]',
      '[v1.]',
      '[v.a]',
      '[vg.a]',
      '[v1.a/]',
      '[v1a]',
      '[::1.2.3]',
      '[::1.2.3.256]',
      '[::1.2.3.04]',
      '[::1.2.3.4.5]',
      '[::1.2.3.4:1]',
      '[1.2.3.4]',
    ]) {
      assert.equal(withHost(host).verdict, 'host-invalid', JSON.stringify(host));
      assert.equal(request(`GET / HTTP/1.0\r\nHost: ${host}\r\n\r\n`).verdict, 'host-invalid', JSON.stringify(host));
    }
  });
});
