import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { latin1 } from '../../base/text.ts';
import * as H from '../http1/head.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { RequestReader } from './request.ts';
import { LIMITS, literals, readRequest, readResponse, readTrailers } from './testing/heads.ts';
import type { NameValue } from './testing/heads.ts';

const GET: NameValue[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'a.test:443'],
  [':path', '/x?y'],
];
/** The request with this value for a pseudo-field, or without it. */
const replaced = (name: string, value: string | null) =>
  GET.flatMap((field): NameValue[] => (field[0] === name ? (value === null ? [] : [[name, value]]) : [field]));
const request = (fields: readonly NameValue[], endsStream = true) => readRequest(literals(fields), { endsStream });
const verdict = (fields: readonly NameValue[], endsStream = true) => request(fields, endsStream).verdict;
/** The verdict on a request with this field besides. */
const withField = (name: string, value: string) => verdict([...GET, [name, value]]);
const response = (...fields: NameValue[]) => readResponse(literals(fields));

const verdictOn = (name: string, value: string) => response([':status', '200'], [name, value]).verdict;

describe('requests', () => {
  it('are written as heads of HTTP/1, with the authority as Host', () => {
    const { bytes, fields, head, text } = request([...GET, ['user-agent', 'b'], ['accept', '*/*']]);
    assert.equal(text, 'GET /x?y HTTP/2.0\r\nhost: a.test:443\r\nuser-agent: b\r\naccept: */*\r\n\r\n');
    const part = (at: number, length: number) => latin1(bytes, at, length);
    assert.equal(head.method, H.METHOD_GET);
    assert.equal(part(head.target, head.targetLength), '/x?y');
    assert.equal(part(head.path, head.pathLength), '/x?y');
    assert.equal(part(head.query, head.queryLength), '?y');
    assert.equal(part(head.host, head.hostLength), 'a.test');
    assert.equal(part(head.authority, head.authorityLength), 'a.test:443');
    assert.deepEqual([head.version, head.hostField, head.body, head.contentLength], [20, 0, H.BODY_NONE, -1]);
    assert.deepEqual(
      fields.map(({ id, name, value }) => [name, value, id]),
      [
        ['host', 'a.test:443', H.F_HOST],
        ['user-agent', 'b', H.F_OTHER],
        ['accept', '*/*', H.F_OTHER],
      ],
    );
  });

  it('have pseudo-fields in any order, and in front of the others (RFC 9113 section 8.3)', () => {
    assert.equal(verdict(GET.toReversed()), 'fine');
    assert.equal(verdict([...GET.slice(0, 3), ['a', 'b'], GET[3]]), 'stream-pseudo-missing');
    assert.equal(verdict([...GET, ['a', 'b'], GET[3]]), 'stream-pseudo-order');
    assert.equal(verdict([['a', 'b'], ...GET]), 'stream-pseudo-missing');
  });

  it('have method, scheme and path, each once (sections 8.3 and 8.3.1)', () => {
    for (const name of [':method', ':scheme', ':path']) {
      assert.equal(verdict(replaced(name, null)), 'stream-pseudo-missing', name);
      assert.equal(verdict([...GET, [name, '/']]), 'stream-pseudo-repeated', name);
    }
    assert.equal(verdict([...GET, [':authority', 'a.test:443']]), 'stream-pseudo-repeated');
    assert.equal(verdict([]), 'stream-pseudo-missing');
  });

  it('have no other pseudo-fields (section 8.3)', () => {
    for (const name of [':status', ':protocol', ':x', ':METHOD', ': method'])
      assert.match(withField(name, '200'), /^stream-(pseudo-field|field-name)$/, name);
    assert.equal(withField(':', 'x'), 'stream-field-name');
  });

  it('have names in lower case (section 8.2.1)', () => {
    for (const name of ['A', 'aB', '', 'a b', 'a:b', 'a\0', 'a\x7f', 'a\xe9', 'a\r\nb', ' a', 'a ', '(a)'])
      assert.equal(withField(name, 'b'), 'stream-field-name', JSON.stringify(name));
    assert.equal(withField("!#$%&'*+-.^_`|~09az", 'b'), 'fine');
  });

  it('have values without control bytes, and without whitespace around them (section 8.2.1)', () => {
    for (let byte = 0; byte < 256; byte++) {
      const isControl = (byte < 0x20 && byte !== 9) || byte === 0x7f;
      for (const length of [0, 1, 5, 9]) {
        const value = `${'x'.repeat(length + 1)}${String.fromCharCode(byte)}y`;
        assert.equal(withField('a', value), isControl ? 'stream-field-value' : 'fine', String(byte));
      }
    }
    for (const value of [' b', 'b ', '\tb', 'b\t', ' ', '\t'])
      assert.equal(withField('a', value), 'stream-field-space', JSON.stringify(value));
    assert.equal(withField('a', ''), 'fine');
    assert.equal(withField('a', 'b c'), 'fine');
  });

  it('have values of pseudo-fields without any of that (sections 8.2.1 and 8.3.1)', () => {
    for (const [name] of GET) {
      assert.equal(verdict(replaced(name, 'GET ')), 'stream-field-space', name);
      assert.equal(verdict(replaced(name, '/\r\nX: y')), 'stream-field-value', name);
    }
  });

  it('have no fields that concern a connection (section 8.2.2)', () => {
    for (const name of ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'])
      for (const value of ['', 'x', 'close', 'chunked'])
        assert.equal(withField(name, value), 'stream-connection-field', name);
    assert.equal(withField('te', 'trailers'), 'fine');
    for (const value of ['', 'gzip', 'Trailers', 'trailers, gzip', 'trailers;q=1'])
      assert.equal(withField('te', value), value === '' ? 'fine' : 'stream-connection-field', value);
  });

  it('have a method that is a token without small letters', () => {
    for (const method of ['', 'get', 'GE T', 'G\xe9', 'GET/'])
      assert.equal(verdict(replaced(':method', method)), 'stream-method', method);
    for (const method of ['POST', 'PROPFIND', 'M-SEARCH'])
      assert.equal(verdict(replaced(':method', method)), 'fine', method);
  });

  it('have a scheme of http or https', () => {
    for (const scheme of ['', 'ftp', 'https:', 'https://a/'])
      assert.equal(verdict(replaced(':scheme', scheme)), 'stream-scheme', scheme);
    for (const scheme of ['http', 'HTTPS']) assert.equal(verdict(replaced(':scheme', scheme)), 'fine', scheme);
  });

  it('have a path that begins with a slash, or is * for OPTIONS (section 8.3.1)', () => {
    for (const path of ['', 'x', '*', 'http://a.test/', '/#', '/a b', '/\xe9', '?x', '/?#'])
      assert.equal(verdict(replaced(':path', path)), 'stream-path', path);
    for (const path of ['/', '//', '/?', '/a/../b', '/|?/?'])
      assert.equal(verdict(replaced(':path', path)), 'fine', path);
    const options = replaced(':method', 'OPTIONS');
    assert.equal(verdict(options.map((field): NameValue => (field[0] === ':path' ? [':path', '*'] : field))), 'fine');
  });

  it('have an authority or Host, which are the same (section 8.3.1)', () => {
    assert.equal(verdict(replaced(':authority', null)), 'stream-authority');
    assert.equal(verdict(replaced(':authority', '')), 'stream-authority');
    for (const authority of ['u@a', 'a b', 'a:x', 'a/b']) {
      assert.equal(verdict(replaced(':authority', authority)), 'stream-authority', authority);
      assert.equal(verdict([...replaced(':authority', null), ['host', authority]]), 'stream-authority', authority);
    }
    assert.equal(withField('host', 'A.test:443'), 'fine');
    assert.equal(request([...GET, ['host', 'A.test:443']]).fields.length, 1);
    for (const host of ['a.test', 'a.test:', 'a.test:0443']) assert.equal(withField('host', host), 'fine', host);
    assert.equal(verdict([...replaced(':scheme', 'http'), ['host', 'a.test']]), 'stream-host');
    for (const host of ['', 'b', 'a.tes', 'a.test:80', 'a.test:x', 'a.test,'])
      assert.equal(withField('host', host), 'stream-host', host);
    assert.equal(verdict([...GET, ['host', 'a.test:443'], ['host', 'a.test:443']]), 'stream-host');
    const { fields, head } = request([...replaced(':authority', null), ['x', 'y'], ['host', 'b.test']]);
    assert.deepEqual([head.hostField, head.hostLength, fields.length], [1, 6, 2]);
    const twice: NameValue[] = [...replaced(':authority', null), ['host', 'b.test'], ['host', 'b.test']];
    assert.equal(verdict(twice), 'stream-host');
  });

  it('have a content-length that fits the frames (section 8.1.1)', () => {
    for (const value of ['', '-1', '1,1', '+1', '0x1', '9007199254740992'])
      assert.equal(withField('content-length', value), 'stream-content-length', value);
    assert.equal(verdict([...GET, ['content-length', '1'], ['content-length', '1']], false), 'stream-content-length');
    assert.equal(withField('content-length', '1'), 'stream-content-length');
    assert.equal(withField('content-length', '0'), 'fine');
    const { head } = request([...GET, ['content-length', '5']], false);
    assert.deepEqual([head.body, head.contentLength], [H.BODY_LENGTH, 5]);
    assert.equal(request(GET, false).head.body, H.BODY_CHUNKED);
    assert.equal(request([...GET, ['content-length', '05']], false).head.hasOddLength, true);
  });

  it('have cookies as one field (section 8.2.3)', () => {
    const cookies = (...fields: NameValue[]) =>
      request([...GET, ...fields])
        .fields.slice(1)
        .map(({ name, value }) => `${name}: ${value}`);
    assert.deepEqual(cookies(['cookie', 'a=1'], ['cookie', 'b=2'], ['cookie', 'c=3']), ['cookie: a=1; b=2; c=3']);
    assert.deepEqual(cookies(['cookie', ''], ['cookie', 'b=2'], ['cookie', '']), ['cookie: b=2']);
    assert.deepEqual(cookies(['cookie', 'a=1'], ['x', 'y'], ['cookie', 'b=2'], ['cookie', 'c'], ['z', '']), [
      'x: y',
      'z: ',
      'cookie: a=1; b=2; c',
    ]);
    const { head } = request([...GET, ['cookie', 'a'], ['x', 'y'], ['cookie', 'b']]);
    assert.equal(head.repeated, 0);
  });

  it('refuse CONNECT (section 8.5), and :protocol unless it is allowed (RFC 8441)', () => {
    assert.equal(
      verdict([
        [':method', 'CONNECT'],
        [':authority', 'a:443'],
      ]),
      'connect',
    );
    assert.equal(verdict([[':method', 'CONNECT']]), 'stream-pseudo-field');
    assert.equal(verdict(replaced(':method', 'CONNECT')), 'stream-pseudo-field');
    const fields: NameValue[] = [...replaced(':method', 'CONNECT'), [':protocol', 'websocket']];
    assert.equal(verdict(fields), 'stream-pseudo-field');
    const reader = new RequestReader(true);
    const asked = readRequest(literals([...fields, ['sec-websocket-key', 'own'], ['origin', 'x']]), { reader });
    assert.equal(asked.verdict, 'fine');
    assert.deepEqual(
      [asked.head.method, asked.head.hasUpgrade, asked.head.body, reader.hasProtocol],
      [H.METHOD_GET, true, H.BODY_NONE, true],
    );
    assert.deepEqual(asked.fields.map(({ name, value }) => `${name}: ${value}`).slice(1), [
      'upgrade: websocket',
      `sec-websocket-key: ${'='.repeat(24)}`,
      'origin: x',
    ]);
    const other: NameValue[] = [...replaced(':method', 'CONNECT'), [':protocol', 'connect-udp']];
    assert.equal(readRequest(literals(other), { reader }).verdict, 'connect');
    assert.equal(
      readRequest(literals([...fields, ['content-length', '1']]), { reader }).verdict,
      'stream-content-length',
    );
    assert.equal(
      readRequest(literals([...GET, [':protocol', 'websocket']]), { reader }).verdict,
      'stream-pseudo-field',
    );
    assert.equal(readRequest(literals(GET), { reader }).verdict, 'fine');
    assert.equal(reader.hasProtocol, false);
  });

  it('know Expect and forged fields as HTTP/1 does', () => {
    assert.equal(request([...GET, ['expect', '100-Continue']]).head.expectsContinue, true);
    assert.equal(request(GET).head.expectsContinue, false);
    assert.equal(withField('content_length', '5'), 'field-lookalike');
    assert.equal(request([...GET, ['x-forwarded-for', 'b']]).fields[1].id, H.F_X_FORWARDED_FOR);
  });

  it('are bounded as a list and in number, and the table stays right', () => {
    const decoder = new HpackDecoder();
    const long: NameValue[] = [...GET, ['a', 'b'.repeat(3900)], ['c', 'd']];
    assert.equal(readRequest(literals(long, true), { decoder }).verdict, 'head-too-large');
    assert.deepEqual(
      readRequest(Uint8Array.of(0xc3, 0xc2, 0xc1, 0xc0, 0xbf, 0xbe), { decoder }).verdict,
      'hpack-index',
    );
    const many: NameValue[] = [...GET, ...Array.from({ length: 32 }, (): NameValue => ['a', 'b'])];
    assert.equal(verdict(many), 'too-many-fields');
    assert.equal(verdict(many.slice(1)), 'stream-pseudo-missing');
    assert.equal(verdict(many.slice(0, -1)), 'fine');
    for (let room = 0; room < 300; room++) {
      const decoder = new HpackDecoder();
      const block = literals([...GET, ['cookie', 'a'], ['x', 'y'], ['cookie', 'b']], true);
      const { text, verdict } = readRequest(block, { decoder, room });
      const size = 'GET /x?y HTTP/2.0\r\nhost: a.test:443\r\nx: y\r\ncookie: a; b\r\n\r\n'.length;
      if (verdict === 'fine') assert.equal(text.length, size);
      else assert.equal(verdict, 'head-too-large');
      assert.equal(verdict === 'fine', room >= size + 22, String(room));
      // the block was decoded to its end
      assert.equal(readRequest(Uint8Array.of(0xc4, 0xc3, 0xc2, 0xc1, 0xbe), { decoder }).verdict, 'fine');
    }
  });

  it('end the connection if the block is none, whatever else is wrong', () => {
    for (const fields of [GET, [['A', 'b']] as NameValue[], Array.from({ length: 40 }, (): NameValue => ['a', 'b'])]) {
      const block = literals(fields);
      assert.equal(readRequest(Uint8Array.of(...block, 0x80)).verdict, 'hpack-index');
      assert.equal(readRequest(Uint8Array.of(...block, 0x00)).verdict, 'hpack-truncated');
    }
  });

  it('of static fields alone are read', () => {
    assert.equal(readRequest(Uint8Array.of(0x82, 0x86, 0x84, 0x41, 1, 0x61)).text, 'GET / HTTP/2.0\r\nhost: a\r\n\r\n');
    assert.equal(readRequest(Uint8Array.of(0x82, 0x86, 0x84, 0x41, 1, 0x61, 0xb9)).verdict, 'stream-connection-field');
  });
});

describe('responses', () => {
  it('are written as heads of HTTP/1 without reason', () => {
    const { fields, head, text, verdict } = response([':status', '404'], ['server', 'a']);
    assert.equal(verdict, 'fine');
    assert.equal(text, 'HTTP/2.0 404\r\nserver: a\r\n\r\n');
    assert.deepEqual([head.status, head.version, head.body, fields.length], [404, 20, H.BODY_NONE, 1]);
    const { head: sized } = response([':status', '200'], ['content-length', '7']);
    assert.deepEqual([sized.body, sized.contentLength], [H.BODY_LENGTH, 7]);
    assert.equal(readResponse(Uint8Array.of(0x88), { endsStream: false }).head.body, H.BODY_CHUNKED);
  });

  it('have a status, first and once (RFC 9113 section 8.3.2)', () => {
    for (const status of ['', '20', '2000', '2x0', '099', '600', '101', '200 '])
      assert.match(response([':status', status]).verdict, /^stream-(status|field-space)$/, status);
    assert.equal(response().verdict, 'stream-pseudo-missing');
    assert.equal(response(['a', 'b'], [':status', '200']).verdict, 'stream-pseudo-missing');
    assert.equal(response([':status', '200'], [':status', '200']).verdict, 'stream-pseudo-repeated');
    assert.equal(response([':path', '/']).verdict, 'stream-pseudo-field');
    assert.equal(response([':status', '200'], [':path', '/']).verdict, 'stream-pseudo-field');
  });

  it('are as strict as requests', () => {
    assert.equal(verdictOn('connection', 'close'), 'stream-connection-field');
    assert.equal(verdictOn('A', 'b'), 'stream-field-name');
    assert.equal(verdictOn('a', 'b\n'), 'stream-field-value');
    assert.equal(verdictOn('content-length', 'x'), 'stream-content-length');
    assert.equal(verdictOn('a', 'b'.repeat(5000)), 'head-too-large');
    assert.equal(readResponse(literals([[':status', '200']]), { room: 13 }).verdict, 'head-too-large');
    assert.equal(readResponse(literals([[':status', '200']]), { room: 15 }).verdict, 'head-too-large');
    assert.equal(readResponse(literals([[':status', '200']]), { room: 16 }).verdict, 'fine');
    assert.equal(readResponse(Uint8Array.of(0x88, 0x80)).verdict, 'hpack-index');
    assert.equal(readResponse(Uint8Array.of(0x80)).verdict, 'hpack-index');
  });
});

describe('trailers', () => {
  it('are lines with an empty one behind them', () => {
    const { fields, text } = readTrailers(
      literals([
        ['grpc-status', '0'],
        ['grpc-message', ''],
      ]),
    );
    assert.equal(text, 'grpc-status: 0\r\ngrpc-message: \r\n\r\n');
    assert.equal(fields.length, 2);
    assert.equal(readTrailers(literals([])).text, '\r\n');
  });

  it('have no pseudo-fields (RFC 9113 section 8.1), and what else HTTP/1 refuses', () => {
    assert.equal(readTrailers(literals([[':status', '200']])).verdict, 'stream-pseudo-field');
    assert.equal(
      readTrailers(
        literals([
          ['a', 'b'],
          [':path', '/'],
        ]),
      ).verdict,
      'stream-pseudo-field',
    );
    for (const name of ['content-length', 'host', 'set-cookie', 'x-forwarded-for', 'content-type'])
      assert.equal(readTrailers(literals([[name, '1']])).verdict, 'stream-trailer-field', name);
    assert.equal(readTrailers(literals([['connection', 'x']])).verdict, 'stream-connection-field');
    assert.equal(readTrailers(literals([['a', 'b'.repeat(4070)]])).verdict, 'head-too-large');
    assert.equal(LIMITS.headBytes, 4096);
  });
});
