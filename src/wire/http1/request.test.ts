import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as H from './head.ts';
import { request, withFields, withLine } from './testing.ts';

const BENCH = 'GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: wrk\r\nAccept: */*\r\n\r\n';

describe('request head', () => {
  it('is read in place: start line, fields and their values (RFC 9112 section 2.1)', () => {
    const r = request(BENCH);
    assert.equal(r.verdict, BENCH.length);
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
    assert.equal(r.head.fieldsEnd, BENCH.length - 2);
    assert.equal(r.head.body, H.BODY_NONE);
    assert.equal(r.head.contentLength, -1);
    assert.equal(r.host, '127.0.0.1');
    assert.equal(r.authority, '127.0.0.1:8080');
  });

  it('knows the methods by exact spelling and passes any other token (RFC 9110 section 9.1)', () => {
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', '', 'PATCH'];
    for (const [i, method] of methods.entries()) {
      if (method !== '') assert.equal(withLine(`${method} / HTTP/1.1`).head.method, i + 1, method);
    }
    for (const method of ['get', 'GETT', 'M-SEARCH', "!#$%&'*+-.^_`|~09az"]) {
      const r = withLine(`${method} / HTTP/1.1`);
      assert.equal(typeof r.verdict, 'number');
      assert.equal(r.head.method, H.METHOD_OTHER);
      assert.equal(r.method, method);
    }
  });

  it('splits an origin-form target into path and query (RFC 9112 section 3.2.1)', () => {
    for (const [target, path, query] of [
      ['/', '/', ''],
      ['/a/b', '/a/b', ''],
      ['/a?b=c', '/a?b=c', '?b=c'],
      ['/?', '/?', '?'],
      ['/a?b?c/d', '/a?b?c/d', '?b?c/d'],
    ]) {
      const r = withLine(`GET ${target} HTTP/1.1`);
      assert.equal(r.path, path);
      assert.equal(r.query, query);
      assert.equal(r.head.query + r.head.queryLength, r.head.path + r.head.pathLength);
    }
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
    assert.equal(bare.path, '');
    assert.equal(bare.host, '[::1]');
  });

  it('reads framing fields (RFC 9112 section 6)', () => {
    const sized = withFields('Content-Length: 42');
    assert.equal(sized.head.body, H.BODY_LENGTH);
    assert.equal(sized.head.contentLength, 42);
    const chunked = withFields('transfer-encoding: CHUNKED');
    assert.equal(chunked.head.body, H.BODY_CHUNKED);
    assert.equal(chunked.head.contentLength, -1);
  });
});
