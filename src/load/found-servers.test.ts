import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiscoveryPlan } from '../config/plan/upstream.ts';
import { readList } from './found-servers.ts';

const HTTP: DiscoveryPlan = { from: { kind: 'file', path: '/web.json' }, holdMs: 0, port: 80 };

function problemOf(text: string, plan = HTTP): string {
  const read = readList(text, plan);
  assert.ok('problem' in read, `it was taken: ${text}`);
  return read.problem;
}

test('a list is JSON or YAML, with what a file says of servers', () => {
  for (const text of [
    '["192.0.2.1:8080", {"address": "name.example", "weight": 3, "backup": true, "state": "drain", "max-connections": 7}]',
    '- 192.0.2.1:8080\n- { address: name.example, weight: 3, backup: true, state: drain, max-connections: 7 }\n',
  ]) {
    const read = readList(text, HTTP);
    assert.ok('servers' in read, JSON.stringify(read));
    const [first, second] = read.servers;
    assert.deepEqual(first.target, { family: 4, host: '192.0.2.1', port: 8080 });
    assert.deepEqual(second.target, { hostname: 'name.example', port: 80 });
    const { backup, maxConnections, state, weight } = second;
    assert.deepEqual(
      { backup, maxConnections, state, weight },
      { backup: true, maxConnections: 7, state: 'drain', weight: 3 },
    );
  }
});

test('a server may have the name by which clients are bound to it', () => {
  const read = readList('[{"address": "192.0.2.1", "id": "node1"}, "192.0.2.2"]', HTTP);
  assert.ok('servers' in read, JSON.stringify(read));
  assert.deepEqual(
    read.servers.map(({ id }) => id),
    ['node1', undefined],
  );
  assert.match(problemOf('[{"address": "192.0.2.1:80", "id": "node1"}]', { ...HTTP, port: null }), /no `sticky`/);
});

test('the port of one without it is that of how servers are spoken to', () => {
  const read = readList('["192.0.2.1"]', { ...HTTP, port: 443 });
  assert.ok('servers' in read);
  assert.deepEqual(read.servers[0].target, { family: 4, host: '192.0.2.1', port: 443 });
  assert.match(problemOf('["192.0.2.1"]', { ...HTTP, port: null }), /port/);
});

function keyOf(index: number): string {
  return `key /web/${index}`;
}

test('what is wrong with one of them names it, as its source calls it', () => {
  for (const [list, whose] of [
    [['192.0.2.1:80', 'what ever'], /^key \/web\/1: `what ever` is not the address/],
    [['192.0.2.1:80', { address: '192.0.2.2:80', wieght: 3 }], /^key \/web\/1: a list does not say `wieght`/],
    [['$&:99999', '192.0.2.1:80'], /^key \/web\/0: /],
    [['192.0.2.1:80', '192.0.2.2:80', { address: '192.0.2.3:80', weight: 1000 }], /^key \/web\/2: /],
  ] as const) {
    const read = readList(JSON.stringify(list), HTTP, keyOf);
    assert.ok('problem' in read);
    assert.match(read.problem, whose);
  }
});

for (const [text, problem] of [
  ['[]', /^it has no server$/],
  ['', /^it is not a list of servers/],
  ['{"servers": ["192.0.2.1:80"]}', /^it is not a list of servers/],
  ['["192.0.2.1:80"', /^it is no JSON or YAML: .*[^:]$/],
  ['- &a [*a]', /^/],
  ['["192.0.2.1:80", "192.0.2.1:80"]', /192\.0\.2\.1:80/],
  ['["192.0.2.1:99999"]', /99999/],
  ['[{"address": "192.0.2.1:80", "weight": 1000}]', /1000/],
  // each of these ends the process, or holds it up for seconds, where it is read as any text is
  ['['.repeat(32_000) + ']'.repeat(32_000), /^it has lists and maps inside each other/],
  ['[a,'.repeat(20_000), /^it has lists and maps inside each other/],
  ['- '.repeat(32_000), /^it has lists and maps inside each other/],
  ['%YAML 1.1\n---\n- &a x\n- *a', /^it is no list of servers/],
  ['[17]', /^server 1: it is neither an address nor a map/],
  ['[{"weight": 3}]', /address/],
  ['["192.0.2.1:80", "unix:/run/x.sock"]', /^server 2: a list has no Unix sockets$/],
  ['[{"address": "unix:/run/x.sock"}]', /^server 1: a list has no Unix sockets$/],
  ['[{"address": "192.0.2.1:80", "notify": {"up": ["/bin/true"]}}]', /^server 1: a list does not say `notify`/],
  ['[{"address": "192.0.2.1:80", "health": {"run": ["/bin/true"]}}]', /^server 1: a list does not say `health`/],
  [JSON.stringify(Array.from({ length: 501 }, (_, i) => `192.0.2.1:${i + 1}`)), /^it has 501 servers, and at most 500/],
] as const) {
  test(`it is refused: ${text.slice(0, 60)}`, () => assert.match(problemOf(text), problem));
}
