import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile } from '../compile/compile.ts';
import type { Plan } from './plan.ts';
import { planChanges } from './plan-changes.ts';
import { loadYaml } from '../yaml/load.ts';

const BASE = `
listeners:
  web: { bind: "*:80", protocol: http, routes: [{ match: { path: /a/ }, upstream: a }, { upstream: b }] }
  sql: { bind: "*:3306", protocol: tcp, upstream: db }
upstreams:
  a: { servers: ["10.0.0.1:80"] }
  b: { servers: ["10.0.0.2:80", "10.0.0.3:80"] }
  db: { servers: ["10.0.0.4:3306"] }
`;

function planOf(text: string, workers = 1): Plan {
  const { config, diagnostics } = loadYaml(text, { file: 'test' });
  assert.ok(config !== null, diagnostics.map(({ message }) => message).join('; '));
  return compile(config, { workers });
}

function changes(from: string, to: string): readonly string[] {
  const before = planOf(BASE);
  const text = BASE.replace(from, to);
  assert.notEqual(text, BASE);
  return planChanges(before, planOf(text));
}

test('the same text changes nothing, and neither does another order of what has a name', () => {
  assert.deepEqual(planChanges(planOf(BASE), planOf(BASE)), []);
  const a = '  a: { servers: ["10.0.0.1:80"] }\n';
  assert.deepEqual(planChanges(planOf(BASE), planOf(`${BASE.replace(a, '')}${a}`)), []);
});

test('what was added, removed and changed, by its name', () => {
  const web = '  sql: { bind: "*:3306", protocol: tcp, upstream: db }\n';
  assert.deepEqual(changes(web, ''), ['listener sql removed', 'upstream db: timeouts changed']);
  assert.deepEqual(changes('"*:80"', '"*:8080"'), ['listener web: bind changed']);
  assert.deepEqual(changes('{ upstream: b }', '{ upstream: a }'), ['listener web: routes changed']);
  assert.deepEqual(changes('"*:3306", protocol: tcp', '"192.0.2.1:3306", protocol: tcp, mode: kernel, forward: snat'), [
    'listener sql: bind changed',
    'listener sql: mode changed',
    'listener sql: forward changed',
  ]);
  assert.deepEqual(changes('"10.0.0.3:80"', '"10.0.0.9:80"'), [
    'upstream b: server 10.0.0.9:80 added',
    'upstream b: server 10.0.0.3:80 removed',
  ]);
  assert.deepEqual(changes('"10.0.0.3:80"', '{ address: "10.0.0.3:80", weight: 2 }'), [
    'upstream b: server 10.0.0.3:80: weight changed',
  ]);
  assert.deepEqual(changes('db: { servers', 'db: { balance: least-connections, servers'), [
    'upstream db: balance changed',
  ]);
  assert.deepEqual(changes('listeners:', 'grace: 5s\ndrain: 1m\nlisteners:'), ['grace changed', 'drain changed']);
});

test('access logs, and how much a connection is used', () => {
  const logged = BASE.replace('routes:', 'access-log: main, routes:');
  const withLog = (log: string): string => `access-logs: { main: ${log} }${logged}`;
  const file = withLog('{ file: /var/log/a.log }');
  assert.deepEqual(planChanges(planOf(BASE), planOf(file)), [
    'listener web: access-log changed',
    'access log main added',
  ]);
  assert.deepEqual(planChanges(planOf(file), planOf(withLog('{ file: /var/log/b.log }'))), [
    'access log main: changed',
  ]);
  const http = 'protocol: http';
  assert.deepEqual(changes(http, `${http}, limits: { requests: 9 }`), ['listener web: limits changed']);
  assert.deepEqual(changes(http, `${http}, timeouts: { age: 9s }`), ['listener web: timeouts changed']);
  assert.deepEqual(changes('b: { servers', 'b: { pool: { idle: 1, requests: 9 }, servers'), [
    'upstream b: pool changed',
  ]);
});

test('what checks have from their upstream is told of the upstream alone', () => {
  const checked = BASE.replace('db: { servers', 'db: { health: { tcp: true }, servers');
  const changed = (to: string): readonly string[] => {
    return planChanges(planOf(checked), planOf(checked.replace('db: { health: { tcp: true }', `db: { ${to}`)));
  };
  assert.deepEqual(changed('tls: {}, health: { tcp: true }'), ['upstream db: tls changed']);
  assert.deepEqual(changed('proxy-protocol: v2, health: { tcp: true }'), ['upstream db: proxy-protocol changed']);
  assert.deepEqual(changed('health: { tcp: true, tls: {} }'), ['upstream db: health changed']);
});

test('the number of proxies changes nothing but itself', () => {
  assert.deepEqual(planChanges(planOf(BASE), planOf(BASE, 3)), ['workers changed']);
  const more = BASE.replace('protocol: tcp', 'protocol: tcp, limits: { connections: 99 }');
  assert.deepEqual(planChanges(planOf(BASE, 3), planOf(more, 2)), ['listener sql: limits changed', 'workers changed']);
});
