import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Explanation } from '../api/explanation.ts';
import { SERVER_DOWN, SERVER_UP, WEIGHT_UNIT } from '../base/board.ts';
import { compile } from '../config/compile/compile.ts';
import { loadYaml } from '../config/yaml/load.ts';
import type { Plan } from '../config/plan/plan.ts';
import { explain, type KnownStanding } from './explain.ts';
import type { AskedFor } from './subject.ts';

function planOf(yaml: string): Plan {
  const { config, diagnostics } = loadYaml(yaml, { file: 'evenkeel.yaml' });
  assert.ok(config !== null, JSON.stringify(diagnostics));
  return compile(config, { workers: 1 });
}

/** All of its servers are up, but for those with these names, and have so many connections. */
function standingsOf(plan: Plan, down: readonly string[] = [], connections = 0): readonly KnownStanding[] {
  return plan.upstreams.flatMap(({ servers }) =>
    servers.map(({ name, firstSlot, target, weight }) => {
      const isDown = down.includes(name);
      const address = 'hostname' in target || target.family === 0 ? null : target;
      const state = isDown ? SERVER_DOWN : SERVER_UP;
      return {
        slot: firstSlot,
        state,
        weight: weight * WEIGHT_UNIT,
        isBackup: false,
        address,
        connections,
        why: isDown ? 'down: refused' : '',
      };
    }),
  );
}

interface Asked extends Partial<AskedFor> {
  readonly down?: readonly string[];
  readonly connections?: number;
}

function ask(yaml: string, url: string, { down, connections, ...asked }: Asked = {}): Explanation {
  const plan = planOf(yaml);
  const world = {
    plan,
    standings: standingsOf(plan, down, connections),
    nowMs: 0,
    hostname: 'lb01',
    seed: 1,
    assumed: [],
  };
  return explain(world, { url, method: 'GET', fields: [], from: null, listener: null, ...asked });
}

const routesOf = ({ steps }: Explanation): readonly string[] =>
  steps.filter(({ kind }) => kind === 'route').map(({ route, holds, why }) => `${route} ${holds ? 'taken' : why}`);

const WEB = (routes: string, more = ''): string => `
listeners:
  web: { bind: "127.0.0.1:8080", protocol: http, routes: [ ${routes} ]${more} }
upstreams:
  a: { servers: ["192.0.2.1:80", "192.0.2.2:80"], balance: source-hash }
  b: { servers: [ { address: "192.0.2.3:80", max-connections: 1 } ], timeouts: { queue: 3s } }
`;

test('each route before the one that is taken says which of its conditions does not hold', () => {
  const yaml = WEB(`
    { match: { host: other.example }, upstream: a },
    { match: { host: shop.example, path: /api/ }, upstream: a },
    { match: { path: { exact: /cart }, method: POST }, upstream: a },
    { match: { path: { regex: "^/c" }, header: { X-Beta: "1" } }, upstream: a },
    { match: { query: { debug: false } }, upstream: a },
    { match: { host: "*.example" }, upstream: b },
    { upstream: a }`);
  const told = ask(yaml, 'http://shop.example/cart?debug=1', { fields: [['X-Beta', '2']] });
  assert.deepEqual(routesOf(told), [
    '1 the host is shop.example',
    '2 the path is /cart',
    '3 the method is GET',
    '4 header x-beta is 2',
    '5 there is a query debug',
    '6 taken',
  ]);
  assert.equal(told.target?.server, '192.0.2.3:80');
  assert.deepEqual(routesOf(ask(yaml, 'http://shop.example/cart', { method: 'POST' })).at(-1), '3 taken');
});

test('what a route does with the target and the fields is what the server is sent', () => {
  const yaml = WEB(`{ match: { path: /api/ }, rewrite: { prefix: /v2/ }, upstream: b,
    headers: { request: { set: { X-From: "{client}" }, remove: [Cookie] }, response: { set: { X-Frame-Options: DENY }, remove: [Server] } } }`);
  const { request, answer, outcome } = ask(yaml, 'http://shop.example/api/x?q=1', {
    from: '203.0.113.9',
    fields: [
      ['Cookie', 'a=1'],
      ['X-From', 'me'],
      ['Accept', '*/*'],
    ],
  });
  assert.equal(outcome, 'server');
  assert.deepEqual([request?.line, request?.isRewritten], ['GET /v2/x?q=1 HTTP/1.1', true]);
  const changes = request?.fields.map(({ name, value, change }) => `${change} ${name}: ${value}`);
  assert.deepEqual(changes, [
    'kept Host: shop.example',
    'kept Accept: */*',
    'added X-Forwarded-For: 203.0.113.9',
    'added X-Forwarded-Proto: http',
    'added X-Forwarded-Host: shop.example',
    'added X-Request-Id: (a new one)',
    'changed X-From: 203.0.113.9',
    'removed Cookie: (redacted)',
  ]);
  assert.deepEqual(
    answer?.fields.map(({ name, change }) => `${change} ${name}`),
    ['kept Content-Type', 'changed X-Frame-Options', 'removed Server'],
  );
});

test('steps say what they did', () => {
  const yaml = WEB(`
    { name: maintenance, respond: { status: 503, body: "back soon" } },
    { match: { path: /shop/ }, upstream: a, steps: [
      { set: { kind: "{query:kind}" } },
      { if: { value: "{value:kind}", is: "off" }, do: [ { call: maintenance } ] },
      { rewrite: { regex: "^/shop/(.*)$", to: "/{capture:1}", end: stop } } ] },
    { upstream: b }`);
  const told = ask(yaml, 'http://h/shop/x?kind=on');
  assert.deepEqual(
    told.steps.map(({ kind, text, holds, why }) => [kind, text, holds, why].join('; ')),
    [
      'route; route maintenance, which is called; false; only steps that call it take it',
      'route; path /shop/*; true; to upstream a',
      'step; set kind to {query:kind}; true; ',
      'test; if {value:kind} = off; false; ',
      'step; rewrite ^/shop/(.*)$ to /{capture:1}; true; the target is /x?kind=on',
    ],
  );
  assert.equal(told.request?.line, 'GET /x?kind=on HTTP/1.1');
  const off = ask(yaml, 'http://h/shop/x?kind=off');
  assert.deepEqual(
    [off.outcome, off.answer?.status, off.answer?.by, off.answer?.body],
    ['route', 503, 'route', 'back soon'],
  );
});

test('a server is chosen as it would be: by the client, by who is up, by who has room', () => {
  const yaml = WEB('{ match: { path: /b }, upstream: b }, { upstream: a }');
  const chosen = (asked: Asked): string | null | undefined => ask(yaml, 'http://h/', asked).target?.server;
  const from = Array.from({ length: 20 }, (_, i) => `203.0.113.${i}`);
  assert.deepEqual(new Set(from.map((each) => chosen({ from: each }))), new Set(['192.0.2.1:80', '192.0.2.2:80']));
  for (const each of from) assert.equal(chosen({ from: each }), chosen({ from: each }));
  assert.deepEqual(
    new Set(from.map((each) => chosen({ from: each, down: ['192.0.2.1:80'] }))),
    new Set(['192.0.2.2:80']),
  );
  const none = ask(yaml, 'http://h/', { down: ['192.0.2.1:80', '192.0.2.2:80'] });
  assert.deepEqual([none.outcome, none.answer?.status, none.answer?.reason], ['refused', 503, 'no-server']);
  assert.equal(none.target?.candidates[0].why, 'down: refused');
  const full = ask(yaml, 'http://h/b', { connections: 1 });
  assert.deepEqual([full.outcome, full.answer?.reason], ['waits', 'queue-timeout']);
  assert.match(full.summary, /^after waiting for 3 s: 503/);
  assert.equal(full.target?.candidates[0].why, 'its limit of 1 connections is reached');
});

test('what is refused has the kind of its refusal', () => {
  const yaml = WEB('{ match: { path: /only/ }, upstream: b }', ', limits: { body: 1KiB }');
  const refused = (url: string, asked: Asked = {}): string => {
    const { answer, outcome } = ask(yaml, url, asked);
    return `${outcome} ${answer?.status} ${answer?.reason}`;
  };
  assert.equal(refused('http://h/'), 'refused 404 no-route');
  assert.equal(refused('http://h/../x'), 'refused 400 bad-path');
  assert.equal(
    refused('http://h/only/x', { method: 'POST', fields: [['Content-Length', '2000']] }),
    'refused 413 body-too-large',
  );
  assert.equal(refused('http://h/only/x', { fields: [['Host', 'a b']] }), 'refused 400 host-invalid');
  assert.equal(
    ask(yaml, 'http://h/only/x', { method: 'POST', fields: [['Content-Length', '1000']] }).outcome,
    'server',
  );
});

test('connections and datagrams have a listener, an upstream and a server, or a reason', () => {
  const yaml = `
listeners:
  db: { bind: ["127.0.0.1:5432", "[::1]:5432"], protocol: tcp, upstream: db, access: { networks: { 10.0.0.0/8: allow }, otherwise: deny } }
  dns: { bind: "*:53", protocol: udp, upstream: dns }
  tls:
    bind: "127.0.0.1:443"
    protocol: tcp
    passthrough: { routes: [ { server-name: shop.example, upstream: db } ] }
    upstream: dns
upstreams:
  db: { servers: ["192.0.2.1:5432"] }
  dns: { servers: ["192.0.2.2:53"] }
`;
  const told = (url: string, asked: Asked = {}): string => {
    const { listener, outcome, target, answer } = ask(yaml, url, asked);
    return [listener.name, outcome, target?.server, answer?.reason].join(' ');
  };
  assert.equal(told('tcp://127.0.0.1:5432', { from: '10.1.2.3' }), 'db server 192.0.2.1:5432 ');
  assert.equal(told('tcp://127.0.0.1:5432', { from: '11.1.2.3' }), 'db refused  denied');
  assert.equal(told('udp://192.0.2.9:53'), 'dns server 192.0.2.2:53 ');
  assert.equal(told('udp://192.0.2.9:53', { down: ['192.0.2.2:53'] }), 'dns refused  udp-no-server');
  assert.equal(told('https://shop.example/'), 'tls server 192.0.2.1:5432 ');
  assert.equal(told('https://other.example/'), 'tls server 192.0.2.2:53 ');
});

test('TLS, names that requests bring, and files are taken as they would be', () => {
  const yaml = `
listeners:
  web:
    bind: "127.0.0.1:443"
    protocol: http
    tls: { certificate: web.pem, key: web.key }
    routes: [ { match: { path: /static/ }, files: { root: /srv } }, { match: { path: /by/ }, upstream: by }, { upstream: a } ]
upstreams:
  a: { servers: ["192.0.2.1:80"], tls: true, protocol: auto }
  by: { server-by: { text: "{query:to}" }, resolver: { servers: ["192.0.2.53"] } }
`;
  const { request, target } = ask(yaml, 'https://shop.example/');
  assert.ok(request?.fields.some(({ name, value }) => name === 'X-Forwarded-Proto' && value === 'https'));
  assert.equal(target?.server, '192.0.2.1:80');
  const by = ask(yaml, 'https://shop.example/by/x?to=other.example');
  assert.deepEqual([by.outcome, by.target?.server], ['server', 'other.example']);
  assert.ok(by.assumed.some((each) => each.includes('other.example has an address')));
  const file = ask(yaml, 'https://shop.example/static/x.css');
  assert.deepEqual([file.outcome, file.summary], ['server', 'goes to the files below /srv']);
  assert.throws(() => ask(yaml, 'http://shop.example:443/'), /no listener takes http at port 443/);
});

test('what cannot be explained says what to write instead', () => {
  const yaml = WEB('{ upstream: a }');
  const why = (url: string, asked: Asked = {}): string => {
    try {
      ask(yaml, url, asked);
    } catch (error) {
      return (error as Error).message;
    }
    return assert.fail('it can');
  };
  assert.match(why('http:///x'), /has no host; write http:\/\/shop.example\//);
  assert.match(why('ftp://h/x'), /write https:\/\/shop.example\/cart/);
  assert.match(
    why('http://h:81/x'),
    /no listener takes http at port 81: .* there is web \(http:\/\/ at 127.0.0.1:8080\)/,
  );
  assert.match(why('https://h/x'), /no listener takes https at port 443/);
  assert.match(why('http://h/x', { listener: 'wob' }), /there is no listener wob; there is web/);
  assert.match(why('http://h/x', { from: 'me' }), /me is no address to come from/);
  assert.match(why('http://h/x', { method: 'G T' }), /G T is no method/);
});

test('what is secret is not shown', () => {
  const yaml = WEB(`
    { match: { header: { X-Api-Key: "k3y" } }, upstream: a },
    { upstream: b, headers: { request: { set: { Authorization: "Basic c2VjcmV0", X-Auth-Token: "t0k" } } } }`);
  const text = JSON.stringify(ask(yaml, 'http://h/'));
  for (const secret of ['k3y', 'c2VjcmV0', 't0k']) assert.ok(!text.includes(secret), `${secret} in ${text}`);
});

test('a request that says which server it belongs to goes to that one, while it takes its clients', () => {
  const yaml = `
listeners: { web: { bind: "127.0.0.1:8080", routes: [ { upstream: a } ] } }
upstreams:
  a:
    servers: [ { address: "192.0.2.1:80", id: one }, { address: "192.0.2.2:80", id: two } ]
    sticky: { cookie: s }
`;
  const fields = [['Cookie', 's=two']] as const;
  const kept = ask(yaml, 'http://shop.example/', { fields });
  assert.deepEqual([kept.target?.server, kept.target?.isFixed, kept.target?.balance], ['192.0.2.2:80', true, 'sticky']);
  assert.match(kept.summary, /server a\/192\.0\.2\.2:80$/);
  const moved = ask(yaml, 'http://shop.example/', { fields, down: ['192.0.2.2:80'] });
  assert.deepEqual([moved.target?.server, moved.target?.balance], ['192.0.2.1:80', 'round-robin']);
});

const LIMITED = (compress: string): string => `
listeners:
  web:
    bind: "127.0.0.1:8080"
    compress: { codings: [br, gzip] }
    routes: [ { upstream: a, limits: { requests: [ { of: clients } ], connections: [ { of: open, max: 2 } ] }${compress} } ]
upstreams: { a: { servers: ["192.0.2.1:80"] } }
limiters: { clients: { rate: 1/s }, open: {} }
`;

test('what is not counted and not compressed in a rehearsal is told, and by what', () => {
  const { assumed } = ask(LIMITED(''), 'http://h/');
  assert.ok(assumed.includes('it is let in by what limits it: clients, open'), assumed.join('; '));
  assert.ok(assumed.includes('its response is none that is compressed (br, gzip)'), assumed.join('; '));
  const plain = ask(LIMITED(', compress: false'), 'http://h/').assumed;
  assert.ok(!plain.some((one) => one.includes('compressed')), plain.join('; '));
});

test('who may enter is not asked in a rehearsal, which tells that', () => {
  const yaml = `
listeners:
  web:
    bind: "127.0.0.1:8080"
    routes:
      - { name: sso, upstream: sso }
      - { upstream: a, auth: { ask: { call: sso, set: { user: "{response:X-User}" } } }, headers: { request: { set: { X-User: "{value:user}" } } } }
upstreams: { a: { servers: ["192.0.2.1:80"] }, sso: { servers: ["192.0.2.2:80"] } }
`;
  const { assumed, target } = ask(yaml, 'http://h/');
  assert.equal(target?.server, '192.0.2.1:80');
  assert.ok(assumed.includes('whom the route asks lets it in, and says nothing of it'), assumed.join('; '));
});

test('copies are not sent in a rehearsal: it is told where the request itself goes', () => {
  const { target, summary } = ask(
    `
listeners:
  web:
    bind: "127.0.0.1:8080"
    routes:
      - { upstream: a, mirror: [ { call: next } ] }
      - { name: next, upstream: next, headers: { request: { set: { X-Copy: "yes" } } } }
upstreams: { a: { servers: ["192.0.2.1:80"] }, next: { servers: ["192.0.2.2:80"] } }
`,
    'http://h/',
  );
  assert.equal(target?.address, '192.0.2.1:80');
  assert.equal(summary, 'goes to server a/192.0.2.1:80');
});

const IN_KERNEL = (balance: string): string => `
listeners: { ssh: { bind: "192.0.2.10:22", protocol: tcp, mode: kernel, upstream: a } }
upstreams: { a: { servers: ["192.0.2.1:22", "192.0.2.2:22"]${balance} } }
`;

test('whom the kernel chooses is not known, but for one that is alone', () => {
  const told = ask(IN_KERNEL(', balance: source-hash'), 'tcp://192.0.2.10:22');
  assert.match(told.summary, /, or another of 2 that take requests$/);
  assert.deepEqual([told.target?.balance, told.target?.isFixed], ["by the client's address, in the kernel", false]);
  assert.ok(told.assumed.includes('which server it is, the kernel says, by a table of its own'));
  const alone = ask(IN_KERNEL(''), 'tcp://192.0.2.10:22', { down: ['192.0.2.1:22'] });
  assert.equal(alone.summary, 'goes to server a/192.0.2.2:22');
  assert.equal(alone.target?.balance, "by the client's address and port, in the kernel");
});
