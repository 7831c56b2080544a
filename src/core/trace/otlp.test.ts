import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpanLine } from '../../config/plan/span-line.ts';
import { mayTryAgain, TRIES_MAX, waitOf } from './otlp-retry.ts';
import { exportOf, type OtlpSpan, refusedIn, spanOf } from './otlp-span.ts';

const LINE: SpanLine = {
  trace: '4bf92f3577b34da6a3ce929d0e0e4736',
  span: '1111111111111111',
  parent: '',
  state: '',
  end: 1_796_000_000.25,
  took: 0.125,
  queued: 0,
  method: 'GET',
  target: '/api/1?secret=2',
  scheme: 'https',
  host: 'a.example:8443',
  protocol: 'HTTP/2.0',
  agent: '',
  client: '192.0.2.7',
  peer: '192.0.2.7',
  peerPort: '4711',
  status: 200,
  reason: 'served',
  endedBy: 'nobody',
  route: 'a.example/api',
  listener: 'web',
  upstream: 'app',
  tries: 1,
  server: '192.0.2.11:80',
  serverStatus: '200',
};

function span(changes: Partial<SpanLine> = {}): OtlpSpan {
  return spanOf(JSON.stringify({ ...LINE, ...changes }))!;
}

function attributes(changes: Partial<SpanLine> = {}): Record<string, unknown> {
  return Object.fromEntries(
    span(changes).attributes.map(({ key, value }) => [key, Object.values(value)[0] as unknown]),
  );
}

test('a span of a server, with its times in nanoseconds', () => {
  const { attributes: _, ...rest } = span();
  assert.deepEqual(rest, {
    traceId: LINE.trace,
    spanId: LINE.span,
    flags: 0x101,
    name: 'GET /api',
    kind: 2,
    startTimeUnixNano: '1796000000125000000',
    endTimeUnixNano: '1796000000250000000',
    status: {},
  });
  const child = span({ parent: '2222222222222222', state: 'a=1' });
  assert.deepEqual([child.parentSpanId, child.traceState, child.flags], ['2222222222222222', 'a=1', 0x301]);
});

test('attributes: the semantic conventions for HTTP servers', () => {
  assert.deepEqual(attributes(), {
    'http.request.method': 'GET',
    'url.scheme': 'https',
    'url.path': '/api/1',
    'http.route': '/api',
    'server.address': 'a.example',
    'server.port': '8443',
    'http.response.status_code': '200',
    'client.address': '192.0.2.7',
    'network.peer.address': '192.0.2.7',
    'network.peer.port': '4711',
    'network.protocol.version': '2',
    'evenkeel.listener': 'web',
    'evenkeel.upstream': 'app',
    'evenkeel.reason': 'served',
    'evenkeel.tries': '1',
    'evenkeel.server': '192.0.2.11:80',
    'evenkeel.server.status': '200',
  });
  const odd = attributes({ method: 'BREW', host: '[2001:db8::1]', protocol: 'HTTP/1.1' });
  assert.equal(odd['http.request.method'], '_OTHER');
  assert.equal(odd['http.request.method_original'], 'BREW');
  assert.equal(odd['server.address'], '[2001:db8::1]');
  assert.equal(odd['network.protocol.version'], '1.1');
  assert.equal(span({ method: 'BREW', route: '' }).name, 'HTTP');
});

test('errors are those of servers, and what did not get to its end', () => {
  const told = (changes: Partial<SpanLine>): unknown => [span(changes).status.code, attributes(changes)['error.type']];
  assert.deepEqual(told({ status: 404 }), [undefined, undefined]);
  assert.deepEqual(told({ status: 400, reason: 'bad-path', endedBy: 'evenkeel' }), [undefined, undefined]);
  assert.deepEqual(told({ status: 500 }), [2, '500']);
  assert.deepEqual(told({ status: 504, reason: 'server-timeout', endedBy: 'evenkeel' }), [2, 'server-timeout']);
  assert.deepEqual(told({ status: 200, reason: 'server-left', endedBy: 'server' }), [2, 'server-left']);
  assert.deepEqual(told({ status: 0, reason: 'client-left', endedBy: 'client' }), [2, 'client-left']);
  assert.equal(attributes({ status: 0 })['http.response.status_code'], undefined);
});

test('http.route is the path of a route that has one', () => {
  for (const [route, path] of [
    ['/', '/'],
    ['=/exact', '/exact'],
    ['GET,POST a.example/api', '/api'],
    ['a.example+2/api', '/api'],
    ['*', undefined],
    ['a.example', undefined],
    ['~^/x/', undefined],
    ['a.example~^/x/', undefined],
    ['@name', undefined],
    ['', undefined],
  ] as const) {
    assert.equal(attributes({ route })['http.route'], path, route);
  }
});

test('what is no line is no span', () => {
  assert.equal(spanOf('{"trace":"4b'), null);
});

test('a batch has its service', () => {
  const batch = JSON.parse(exportOf([span()], 'edge', 'node-a')) as {
    resourceSpans: { resource: { attributes: unknown[] }; scopeSpans: { spans: unknown[] }[] }[];
  };
  assert.deepEqual(batch.resourceSpans[0].resource.attributes, [
    { key: 'service.name', value: { stringValue: 'edge' } },
    { key: 'host.name', value: { stringValue: 'node-a' } },
  ]);
  assert.equal(batch.resourceSpans[0].scopeSpans[0].spans.length, 1);
});

test('a collector says how many it has refused', () => {
  assert.equal(refusedIn('{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}'), 3);
  for (const text of ['', '{}', 'null', '<html>', '{"partialSuccess":{}}', '{"partialSuccess":{"rejectedSpans":-1}}'])
    assert.equal(refusedIn(text), 0, text);
});

test('sent again is what OTLP says, a bounded number of times', () => {
  for (const status of [0, 429, 502, 503, 504]) {
    assert.ok(mayTryAgain(status, 1));
    assert.ok(!mayTryAgain(status, TRIES_MAX));
  }
  for (const status of [301, 400, 401, 404, 500, 501]) assert.ok(!mayTryAgain(status, 1));
});

test('Retry-After has the say, else it takes longer each time', () => {
  const now = Date.parse('Sun, 06 Nov 1994 08:49:37 GMT');
  assert.equal(waitOf(1, '7', now, 0), 7000);
  assert.equal(waitOf(1, '0', now, 0), 0);
  assert.equal(waitOf(1, 'Sun, 06 Nov 1994 08:49:40 GMT', now, 0), 3000);
  assert.equal(waitOf(1, 'Sun, 06 Nov 1994 08:49:00 GMT', now, 0), 0);
  assert.equal(waitOf(1, '99999999', now, 0), 60_000);
  assert.equal(waitOf(1, 'soon', now, 1), 1000);
  assert.deepEqual(
    [1, 2, 3, 9].map((tries) => waitOf(tries, undefined, now, 1)),
    [1000, 2000, 4000, 30_000],
  );
  assert.equal(waitOf(2, undefined, now, 0), 1000);
});
