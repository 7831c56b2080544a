import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourcePlan } from '../../config/words/template.ts';
import { request } from './fixtures.test.ts';
import { Source } from './source.ts';
import { Span } from './span.ts';

/** What the source finds in turn, as sent. */
function all(plan: SourcePlan, target: string, ...fields: string[]): string[] {
  const view = request(target, 'a.example', 'GET', fields);
  const source = Source.of(plan);
  const span = new Span();
  const found: string[] = [];
  for (let has = source.findFirst(view, span); has; has = source.findNext(view, span)) {
    found.push(Buffer.from(span.bytes.subarray(span.at, span.end)).toString('latin1'));
  }
  assert.equal(span.length, 0);
  return found;
}

/** What the field is as a value. */
function value(name: string, ...fields: string[]): string {
  const span = new Span();
  const view = request('/', 'a.example', 'GET', fields);
  assert.equal(Source.of({ kind: 'header', name }).find(view, span), fields.length > 0);
  return Buffer.from(span.bytes.subarray(span.at, span.end)).toString('latin1');
}

test('fields, cookies and parameters are found one after the other, empty ones too', () => {
  assert.deepEqual(all({ kind: 'header', name: 'X-A' }, '/', 'X-A: 1', 'X-AB: 2', 'x-a:', 'X-a: 3'), ['1', '', '3']);
  assert.deepEqual(all({ kind: 'cookie', name: 'c' }, '/', 'Cookie: c=1; cc=2;c= ; c', 'X: y', 'Cookie: b=c=4; c=5 '), [
    '1',
    '',
    '5',
  ]);
  assert.deepEqual(all({ kind: 'query', name: 'q' }, '/?q=1&qq=2&q&%71=a%26&q=?'), ['1', '', 'a%26', '?']);
  for (const kind of ['header', 'cookie', 'query'] as const) assert.deepEqual(all({ kind, name: 'none' }, '/?a'), []);
});

test('as a value several fields are the list that they mean, an empty one too', () => {
  assert.equal(value('X-A', 'X-A: 1', 'X-AB: 2', 'x-a:', 'X-a: 3'), '1, , 3');
  assert.equal(value('Cookie', 'Cookie: a=1', 'cookie: b=2; c=3'), 'a=1; b=2; c=3');
  assert.equal(value('Cookie', 'Cookie: a=1'), 'a=1');
  assert.equal(value('X-A'), '');
});

test('what a request has once is found once', () => {
  const counts = (['host', 'method', 'path', 'query', 'scheme', 'client'] as const).map((kind) => {
    const view = request('/p', 'a.example');
    const span = new Span();
    const source = Source.of({ kind, name: null });
    return [source.find(view, span), source.findNext(view, span)];
  });
  assert.deepEqual(counts, [
    [true, false],
    [true, false],
    [true, false],
    [false, false],
    [true, false],
    [false, false],
  ]);
});

test('a parameter says what it decodes to, the rest what was sent', () => {
  const bytes = Buffer.from('a+b%21c');
  const expected = Buffer.from('a b!c');
  const span = new Span();
  const said = new Span();
  span.setEncoded(bytes, 0, bytes.length);
  assert.ok(span.is(expected) && span.beginsWith(Buffer.from('a b!')) && !span.is(bytes));
  span.decode(said);
  assert.deepEqual(Buffer.from(said.bytes.subarray(said.at, said.end)), expected);
  span.set(bytes, 0, bytes.length);
  assert.ok(
    span.is(bytes) && span.beginsWith(Buffer.from('a+')) && !span.is(expected) && !span.is(Buffer.from('a+b%21cd')),
  );
});

test('the time, the connection and the client as bytes', () => {
  const view = request('/');
  view.wallClockMs = () => 1_764_430_283_007;
  view.connection = {
    number: 4,
    requests: 12,
    ageMs: 45,
    remoteAddress: () => 0,
    localAddress: () => 0,
    senderAddress: () => 0,
    told: null,
    tls: null,
  };
  const span = new Span();
  const text = (kind: 'time' | 'iso-time' | 'connection-requests' | 'connection-time' | 'client-bytes'): string => {
    Source.of({ kind, name: null }).find(view, span);
    return Buffer.from(span.bytes.subarray(span.at, span.end)).toString('latin1');
  };
  assert.equal(text('time'), '1764430283.007');
  assert.equal(text('iso-time'), '2025-11-29T15:31:23+00:00');
  const date = (name: string): string => {
    Source.of({ kind: 'date', name }).find(view, span);
    return Buffer.from(span.bytes.subarray(span.at, span.end)).toString('latin1');
  };
  assert.equal(date('0s'), 'Sat, 29 Nov 2025 15:31:23 GMT');
  assert.equal(date('720h'), 'Mon, 29 Dec 2025 15:31:23 GMT');
  assert.equal(date('-1h'), 'Sat, 29 Nov 2025 14:31:23 GMT');
  assert.equal(text('connection-requests'), '12');
  assert.equal(text('connection-time'), '0.045');
  assert.equal(text('client-bytes'), '');
  view.client.ip2 = 0xffff;
  view.client.ip3 = 0x7f000001;
  assert.equal(text('client-bytes'), '\x7f\0\0\x01');
  view.client.ip0 = 0x20010db8;
  assert.equal(text('client-bytes').length, 16);
});

test('a PROXY header has values behind its addresses, of its own and of the TLS that it tells of', () => {
  const view = request('/');
  const span = new Span();
  const found = (name: string): string | null => {
    if (!Source.of({ kind: 'proxy-tlv', name }).find(view, span)) return null;
    return Buffer.from(span.bytes.subarray(span.at, span.end)).toString('latin1');
  };
  const tell = (hex: string): void => {
    const tlvs = Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    view.connection = {
      number: 1,
      requests: 1,
      ageMs: 0,
      remoteAddress: () => 0,
      localAddress: () => 0,
      senderAddress: () => 0,
      told: { authority: '', uniqueId: '', tlvs, remoteAddress: () => 0, localAddress: () => 0 },
      tls: null,
    };
  };
  assert.equal(found('alpn'), null, 'no connection');
  tell('');
  for (const name of ['alpn', 'ssl-verify', 'ssl-cn']) assert.equal(found(name), null);
  // ALPN, an empty one, of AWS, TLS with a version and a name
  tell('01 0002 6832 30 0000 ea 0003 0161ff 20 0011 01 000000ff 21 0003 313233 22 0003 616263');
  assert.deepEqual(['alpn', 'netns', '0xEA', '0xeb'].map(found), ['h2', null, '\x01a\xff', null]);
  assert.deepEqual(['ssl-verify', 'ssl-version', 'ssl-0x22', 'ssl-cn'].map(found), ['255', '123', 'abc', 'abc']);
  assert.deepEqual([found('ssl-cipher'), found('0x21')], [null, null], 'what is within `ssl` is nowhere else');
  assert.equal(found('ssl')?.length, 17);
  // cut off within: nothing is read beyond it
  tell('20 0004 01 000000');
  assert.deepEqual([found('ssl-verify'), found('ssl-version')], [null, null]);
  tell('20 0008 01 00000000 21 00ff 01 0001 61');
  assert.deepEqual([found('ssl-verify'), found('ssl-version')], ['0', null]);
});

test('a connection with TLS is https, whatever the client says, and has a version, a cipher and a name', () => {
  const view = request('/', 'a.example', 'GET', ['X-Forwarded-Proto: ftp']);
  const span = new Span();
  const found = (kind: 'scheme' | Extract<SourcePlan['kind'], `tls${string}`>): string => {
    Source.of({ kind, name: null }).find(view, span);
    return Buffer.from(span.bytes.subarray(span.at, span.end)).toString();
  };
  const plain = {
    number: 1,
    requests: 1,
    ageMs: 0,
    remoteAddress: () => 0,
    localAddress: () => 0,
    senderAddress: () => 0,
    told: null,
    tls: null,
  };
  view.connection = plain;
  const facts = {
    version: 'TLSv1.3',
    cipher: 'X',
    group: 'X25519',
    offeredCiphers: 'X:Y',
    offeredGroups: 'X25519:0x0a0a',
    protocol: 'http/1.1',
    sessionId: '0a',
    serverName: 'one.test',
    isResumed: false,
  };
  assert.equal(found('scheme'), 'http');
  assert.equal(found('tls') + found('tls-version') + found('tls-cipher') + found('tls-server-name'), '');
  view.connection = {
    ...plain,
    tls: { ...facts, client: null },
  };
  assert.equal(found('scheme'), 'https');
  assert.deepEqual([found('tls'), found('tls-version')], ['on', 'TLSv1.3']);
  assert.deepEqual([found('tls-cipher'), found('tls-server-name')], ['X', 'one.test']);
  assert.deepEqual([found('tls-client-verified'), found('tls-client-subject')], ['NONE', '']);
  assert.deepEqual([found('tls-offered-ciphers'), found('tls-offered-groups')], ['X:Y', 'X25519:0x0a0a']);
  assert.deepEqual([found('tls-group'), found('tls-protocol'), found('tls-session')], ['X25519', 'http/1.1', '0a']);
  assert.equal(found('tls-resumed'), '.');
  const client = {
    verified: 'SUCCESS',
    subject: 'CN=door',
    issuer: 'CN=root',
    oldSubject: '/CN=door',
    oldIssuer: '/CN=root',
    serial: '0A',
    fingerprint: 'f2',
    oldFingerprint: 'f1',
    notBefore: 'from',
    notAfter: 'until',
    notAfterMs: 10 * 86_400_000 + 5,
    pemLine: '-----BEGIN MII',
    escapedPem: '-----BEGIN%20',
  };
  view.connection = {
    ...plain,
    tls: { ...facts, client },
  };
  view.wallClockMs = () => 86_400_000;
  const words =
    'verified subject issuer serial fingerprint old-fingerprint not-before not-after days-left certificate ' +
    'old-subject old-issuer pem';
  assert.deepEqual(
    words.split(' ').map((word) => found(`tls-client-${word}` as 'tls-client-subject')),
    [
      'SUCCESS',
      'CN=door',
      'CN=root',
      '0A',
      'f2',
      'f1',
      'from',
      'until',
      '9',
      '-----BEGIN%20',
      '/CN=door',
      '/CN=root',
      '-----BEGIN MII',
    ],
  );
});
