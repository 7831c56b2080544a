import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointSlices } from './endpoint-slices.ts';
import { EtcdKeys } from './etcd-keys.ts';
import { NoList } from './watched-list.ts';

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function put(key: string, value: string, revision: number): object {
  return { kv: { key: base64(key), value: base64(value), mod_revision: String(revision) } };
}

function etcdLine(...events: readonly object[]): string {
  return JSON.stringify({ result: { header: { revision: '999' }, events } });
}

function startOf({ body }: { readonly body: string | null }): string {
  return (JSON.parse(body ?? '') as { create_request: { start_revision: string } }).create_request.start_revision;
}

test('keys of etcd are servers, by address or as maps, in the order of the keys', () => {
  const keys = new EtcdKeys('/web/');
  const kvs = [put('/web/b', '{"address":"192.0.2.2:80","weight":2}', 4), put('/web/a', ' 192.0.2.1:80\n', 7)];
  const text = JSON.stringify({ header: { revision: '7' }, kvs: kvs.map((each) => (each as { kv: object }).kv) });
  assert.equal(keys.handleAll(text), true);
  assert.equal(keys.list(), '["192.0.2.1:80",{"address":"192.0.2.2:80","weight":2}]');
  assert.equal(keys.nameOf(1), 'key /web/b');
  assert.equal(startOf(keys.changes()), '8');
});

test('a watch goes on behind the last change that was told, and not behind what the store has reached', () => {
  const keys = new EtcdKeys('/web/');
  keys.handleAll('{"header":{"revision":"7"}}');
  assert.equal(keys.handleLine('{"result":{"header":{"revision":"20"},"created":true}}'), 'same');
  assert.equal(startOf(keys.changes()), '8');
  assert.equal(keys.handleLine(etcdLine(put('/web/a', '192.0.2.1:80', 11))), 'changed');
  assert.equal(startOf(keys.changes()), '12');
  const deleted = { type: 'DELETE', kv: { key: base64('/web/a'), mod_revision: '12' } };
  assert.equal(keys.handleLine(etcdLine(deleted, put('/web/b', '192.0.2.2:80', 13))), 'changed');
  assert.equal(keys.list(), '["192.0.2.2:80"]');
  assert.equal(startOf(keys.changes()), '14');
});

test('a revision that etcd has no more, an error and nonsense are told apart', () => {
  const keys = new EtcdKeys('/web/');
  const compacted = '{"result":{"header":{"revision":"9"},"canceled":true,"compact_revision":"8"}}';
  assert.equal(keys.handleLine(compacted), 'outdated');
  const says = (line: string): string => {
    try {
      return keys.handleLine(line);
    } catch (error) {
      assert.ok(error instanceof NoList);
      return error.message;
    }
  };
  assert.equal(says('{"error":{"grpc_code":14,"message":"no leader"}}'), 'etcd says: no leader');
  assert.equal(
    says('{"result":{"header":{"revision":"9"},"canceled":true,"cancel_reason":"permission denied"}}'),
    'etcd has ended the watch: permission denied',
  );
  for (const line of ['', 'null', '[]', '{"result":{"header":{"revision":"9"},"events":[null]}}', '{"result":7}'])
    assert.equal(says(line), 'its answer is not that of etcd');
  keys.handleLine(etcdLine(put('/web/a', '{not', 3)));
  assert.throws(() => keys.list(), /the value of \/web\/a is no JSON/);
});

test('no key says more than a server needs, be it in an answer or a change', () => {
  const keys = new EtcdKeys('/web/');
  const long = put('/web/a', 'x'.repeat(8192), 4) as { readonly kv: object };
  assert.throws(() => keys.handleLine(etcdLine(long)), /what \/web\/a says is too long/);
  assert.throws(
    () => keys.handleAll(JSON.stringify({ header: { revision: '7' }, kvs: [long.kv] })),
    /what \/web\/a says is too long/,
  );
});

interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
}

function ready(address: string): Endpoint {
  return { addresses: [address], conditions: { ready: true } };
}

function leaving(address: string): Endpoint {
  return { addresses: [address], conditions: { ready: false, serving: true, terminating: true } };
}

const HTTP = { name: 'http', port: 8080, protocol: 'TCP' };

function slice(name: string, version: string, endpoints: readonly Endpoint[], other: object = {}): object {
  return { metadata: { name, resourceVersion: version }, addressType: 'IPv4', endpoints, ports: [HTTP], ...other };
}

function listOf(version: string, items: readonly object[], next = ''): string {
  return JSON.stringify({ kind: 'EndpointSliceList', metadata: { resourceVersion: version, continue: next }, items });
}

function event(type: string, object: object): string {
  return JSON.stringify({ type, object });
}

function slices(port: string | number | null = null): EndpointSlices {
  return new EndpointSlices({ service: 'web', namespace: () => 'shop', port });
}

test('endpoints that are ready are servers, and those that end and still serve get no new clients', () => {
  const of = slices();
  of.handleAll(
    listOf('5', [
      slice('web-b', '4', [ready('10.0.0.2'), leaving('10.0.0.3')]),
      slice('web-a', '3', [ready('10.0.0.1')]),
    ]),
  );
  assert.deepEqual(JSON.parse(of.list()), [
    '10.0.0.1:8080',
    '10.0.0.2:8080',
    { address: '10.0.0.3:8080', state: 'drain' },
  ]);
  of.handleLine(event('DELETED', slice('web-a', '6', [])));
  of.handleLine(event('MODIFIED', slice('web-b', '7', [leaving('10.0.0.2'), leaving('10.0.0.3')])));
  assert.deepEqual(JSON.parse(of.list()), ['10.0.0.2:8080', '10.0.0.3:8080']);
  const gone = { addresses: ['10.0.0.2'], conditions: { ready: false } };
  of.handleLine(event('MODIFIED', slice('web-b', '8', [gone])));
  assert.throws(() => of.list(), /no endpoint of web is ready/);
});

test('what the API leaves out counts as it says: an endpoint without conditions is ready, and there may be no endpoints', () => {
  const of = slices();
  const bare = { metadata: { name: 'web-a', resourceVersion: '2' }, addressType: 'IPv4', ports: [{ port: 80 }] };
  of.handleAll(
    listOf('3', [
      { ...bare, endpoints: [{ addresses: ['10.0.0.1'] }] },
      { ...bare, metadata: { name: 'web-b' }, endpoints: null },
    ]),
  );
  assert.equal(of.list(), '["10.0.0.1:80"]');
});

test('of a service with both families it is IPv4, and IPv6 where there is nothing else', () => {
  const six = slice('web-6', '1', [ready('fd00::1')], { addressType: 'IPv6' });
  const of = slices();
  of.handleAll(listOf('2', [six, slice('web-4', '1', [ready('10.0.0.1')])]));
  assert.equal(of.list(), '["10.0.0.1:8080"]');
  of.handleLine(event('DELETED', slice('web-4', '3', [])));
  assert.equal(of.list(), '["[fd00::1]:8080"]');
});

test('the port is the one that is named, or the only one', () => {
  const ports = [HTTP, { name: 'metrics', port: 9100 }, { name: 'dns', port: 53, protocol: 'UDP' }];
  const list = listOf('2', [slice('web', '1', [ready('10.0.0.1')], { ports })]);
  const answer = (port: string | number | null): string => {
    const of = slices(port);
    of.handleAll(list);
    return of.list();
  };
  assert.equal(answer('metrics'), '["10.0.0.1:9100"]');
  assert.equal(answer(8080), '["10.0.0.1:8080"]');
  assert.throws(() => answer(null), /web has several ports, http \(8080\), metrics \(9100\): `port` says which/);
  assert.throws(() => answer('dns'), /web has no port dns: http \(8080\), metrics \(9100\)/);
});

test('a list comes in parts, and one that was not asked for to its end begins anew', () => {
  const of = slices();
  assert.equal(of.handleAll(listOf('5', [slice('web-a', '1', [ready('10.0.0.1')])], 'more')), false);
  assert.match(of.all().path, /&limit=500&continue=more$/);
  of.forget();
  assert.match(
    of.all().path,
    /^\/apis\/discovery\.k8s\.io\/v1\/namespaces\/shop\/endpointslices\?labelSelector=[^&]+&limit=500$/,
  );
  assert.equal(of.handleAll(listOf('6', [slice('web-b', '2', [ready('10.0.0.2')])], 'more')), false);
  assert.equal(of.handleAll(listOf('6', [slice('web-c', '3', [ready('10.0.0.3')])])), true);
  assert.equal(of.list(), '["10.0.0.2:8080","10.0.0.3:8080"]');
  assert.match(of.changes().path, /[&?]watch=true&.*resourceVersion=6&/);
});

test('a bookmark moves where a watch goes on, and a version that is gone begins anew', () => {
  const of = slices();
  of.handleAll(listOf('5', []));
  const bookmark = { kind: 'EndpointSlice', metadata: { resourceVersion: '40' }, endpoints: null };
  assert.equal(of.handleLine(event('BOOKMARK', bookmark)), 'same');
  assert.match(of.changes().path, /resourceVersion=40&/);
  assert.equal(of.handleLine(event('ERROR', { kind: 'Status', code: 410, message: 'too old' })), 'outdated');
  assert.throws(
    () => of.handleLine(event('ERROR', { code: 500, message: 'etcd is away' })),
    /Kubernetes says: etcd is away/,
  );
  for (const line of ['null', '{}', '{"type":"ADDED"}', '{"type":"ADDED","object":[]}'])
    assert.throws(() => of.handleLine(line), /its answer is not that of Kubernetes/);
});

test('slices without endpoints count, and parts of a list have an end', () => {
  const many = Array.from({ length: 1_001 }, (_, i) => slice(`web-${i}`, '1', []));
  assert.throws(() => slices().handleAll(listOf('2', many)), /it has more than 1000 slices/);
  const of = slices();
  for (let i = 0; i < 16; i++) assert.equal(of.handleAll(listOf('2', [], 'more')), false);
  assert.throws(() => of.handleAll(listOf('2', [], 'more')), /its list has more than 16 parts/);
  of.forget();
  assert.equal(of.handleAll(listOf('2', [slice('web-a', '1', [ready('10.0.0.1')])])), true);
});
