import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeUtf8 } from '../../base/text.ts';
import type { CompressPlan } from '../../config/plan/response.ts';
import { RequestHead, ResponseHead } from '../../wire/http1/head.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';
import { parseResponseHead } from '../../wire/http1/response.ts';
import { weightOf } from './accept-encoding.ts';
import { CompressionRule, type Wish } from './rule.ts';

const LIMITS = { headBytes: 8192, headers: 100 };
const PLAN: CompressPlan = {
  codings: ['br', 'gzip'],
  level: 4,
  minBytes: 20,
  types: ['text/html', 'application/json'],
  proxied: ['any'],
  saysVary: true,
};

function request(...fields: string[]): { bytes: Uint8Array; head: RequestHead } {
  return requestOf('HTTP/1.1', fields);
}

function requestOf(version: string, fields: readonly string[]): { bytes: Uint8Array; head: RequestHead } {
  const lines = [`GET / ${version}`, 'Host: a', ...fields, '', ''];
  const bytes = encodeUtf8(lines.join('\r\n'));
  const head = new RequestHead(100);
  assert.ok(parseRequestHead(bytes, 0, bytes.length, LIMITS, head) > 0);
  return { bytes, head };
}

function response(status: number, ...fields: string[]): { bytes: Uint8Array; head: ResponseHead } {
  const bytes = encodeUtf8([`HTTP/1.1 ${status} Fine`, ...fields, '', ''].join('\r\n'));
  const head = new ResponseHead(100);
  assert.ok(parseResponseHead(bytes, 0, bytes.length, LIMITS, head) > 0);
  return { bytes, head };
}

function ask(plan: Partial<CompressPlan>, ...fields: string[]): Wish {
  const wish: Wish = { coding: 7, isProxied: true, hasCredentials: false };
  const { bytes, head } = request(...fields);
  new CompressionRule({ ...PLAN, ...plan }).ask(bytes, head, wish);
  return wish;
}

function isFor(status: number, ...fields: string[]): boolean {
  const { bytes, head } = response(status, ...fields);
  return new CompressionRule(PLAN).isFor(bytes, head);
}

describe('Accept-Encoding', () => {
  const cases: readonly (readonly [field: string, weight: number])[] = [
    ['gzip', 1000],
    ['GZip', 1000],
    ['deflate, gzip', 1000],
    ['deflate,gzip;q=0.5', 500],
    ['gzip ; q=0.123', 123],
    ['gzip;q=1.0', 1000],
    ['gzip;q=1', 1000],
    ['gzip;q=0', 0],
    ['gzip;q=0.000', 0],
    ['gzip;q=0.001', 1],
    ['gzip;q=1.001', 0],
    ['gzip;q=2', 0],
    ['gzip;q=', 0],
    ['gzip;q=0.5x', 0],
    ['gzip;level=1', 0],
    ['gzip x', 0],
    ['x-gzip', 0],
    ['gzipped', 0],
    ['*', 0],
    [',, gzip ,', 1000],
    ['identity', 0],
    ['', 0],
  ];
  for (const [field, weight] of cases)
    it(`"${field}" gives gzip ${weight}`, () => {
      const { bytes, head } = request(`Accept-Encoding: ${field}`);
      assert.equal(weightOf(bytes, head, encodeUtf8('gzip')), weight);
    });

  it('may be several fields, of which the first that names a coding counts', () => {
    const { bytes, head } = request('Accept-Encoding: br', 'Accept-Encoding: gzip;q=0.3', 'Accept-Encoding: gzip');
    assert.equal(weightOf(bytes, head, encodeUtf8('gzip')), 300);
  });
});

describe('what a request asks for', () => {
  it('is the coding that it likes best, and of those that it likes as well the first of the rule', () => {
    assert.equal(ask({}, 'Accept-Encoding: gzip, br').coding, 0);
    assert.equal(ask({}, 'Accept-Encoding: br;q=0.8, gzip').coding, 1);
    assert.equal(ask({}, 'Accept-Encoding: zstd').coding, -1);
    assert.equal(ask({}).coding, -1);
  });

  it('is nothing in HTTP/1.0', () => {
    const wish: Wish = { coding: 7, isProxied: true, hasCredentials: false };
    const { bytes, head } = requestOf('HTTP/1.0', ['Accept-Encoding: gzip']);
    new CompressionRule(PLAN).ask(bytes, head, wish);
    assert.equal(wish.coding, -1);
  });

  it('is nothing through a proxy that nothing is compressed for', () => {
    const fields = ['Accept-Encoding: gzip', 'Via: 1.1 x', 'Authorization: Basic eDp5'];
    assert.equal(ask({ proxied: [] }, ...fields).coding, -1);
    assert.deepEqual(ask({ proxied: ['any'] }, ...fields), { coding: 1, isProxied: false, hasCredentials: false });
    assert.deepEqual(ask({ proxied: ['auth'] }, ...fields), { coding: 1, isProxied: true, hasCredentials: true });
  });
});

describe('a response', () => {
  const TYPE = 'Content-Type: text/html; charset=utf-8';
  it('is compressed with one of the types', () => {
    assert.equal(isFor(200, TYPE), true);
    assert.equal(isFor(404, 'Content-Type: Application/JSON'), true);
    assert.equal(isFor(200, 'Content-Type: image/png'), false);
    assert.equal(isFor(200, 'Content-Type: text/htmlx'), false);
    assert.equal(isFor(200), false);
  });

  it('is left as it is where it is short or a part', () => {
    assert.equal(isFor(200, TYPE, 'Content-Length: 20'), true);
    assert.equal(isFor(200, TYPE, 'Content-Length: 19'), false);
    assert.equal(isFor(206, TYPE, 'Content-Range: bytes 0-99/200'), false);
    assert.equal(isFor(200, TYPE, 'Content-Range: bytes 0-99/200'), false);
    assert.equal(isFor(500, TYPE), false);
  });

  it('is left as it is where its server has compressed it, forbids it, or has trailers to come', () => {
    assert.equal(isFor(200, TYPE, 'Content-Encoding: br'), false);
    assert.equal(isFor(200, TYPE, 'Cache-Control: max-age=1, No-Transform'), false);
    assert.equal(isFor(200, TYPE, 'Trailer: X-Sum'), false);
  });

  it('is never gRPC', () => {
    const { bytes, head } = response(200, 'Content-Type: application/grpc+proto');
    assert.equal(new CompressionRule({ ...PLAN, types: ['*'] }).isFor(bytes, head), false);
  });

  const proxied: readonly (readonly [reasons: CompressPlan['proxied'], fields: readonly string[], isFor: boolean])[] = [
    [['expired'], ['Expires: Thu, 01 Jan 1970 00:00:00 GMT', 'Date: Thu, 01 Jan 1970 00:00:01 GMT'], true],
    [['expired'], ['Expires: Thu, 01 Jan 1970 00:00:01 GMT', 'Date: Thu, 01 Jan 1970 00:00:01 GMT'], false],
    [['expired'], ['Expires: never', 'Date: Thu, 01 Jan 1970 00:00:01 GMT'], false],
    [['expired'], ['Expires: Thu, 01 Jan 1970 00:00:04 GMT'], true],
    [['expired'], ['Expires: Thu, 01 Jan 1970 00:00:05 GMT'], false],
    [['no-cache'], ['Expires: Thu, 01 Jan 1970 00:00:00 GMT', 'Date: Thu, 01 Jan 1970 00:00:01 GMT'], false],
    [['no-cache'], ['Cache-Control: public, no-cache'], true],
    [['no-store', 'private'], ['Cache-Control: private="X"'], true],
    [['no-store'], ['Cache-Control: private'], false],
    [['no-last-modified'], ['Last-Modified: Thu, 01 Jan 1970 00:00:01 GMT'], false],
    [['no-etag'], ['ETag: "1"'], false],
    [['no-etag', 'no-last-modified'], [], true],
    [['auth'], [], true],
  ];
  for (const [reasons, fields, expected] of proxied)
    it(`through a proxy by ${reasons.join()} with ${fields.join()}: ${expected}`, () => {
      const { bytes, head } = response(200, TYPE, ...fields);
      const wish = { coding: 0, isProxied: true, hasCredentials: false };
      assert.equal(new CompressionRule({ ...PLAN, proxied: reasons }).isForProxy(bytes, head, wish, 5000), expected);
    });
});
