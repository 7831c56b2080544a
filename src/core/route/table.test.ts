import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { MatchPlan, RoutePlan, ValueMatchPlan } from '../../config/plan/route.ts';
import type { SourcePlan } from '../../config/words/template.ts';
import { RequestHead } from '../../wire/http1/head.ts';
import { request } from '../value/fixtures.test.ts';
import { RequestView } from '../value/request-view.ts';
import { type ValueTest, exact, header, prefix, query, regex, route } from './fixtures.test.ts';
import { ROUTE_BAD_PATH, ROUTE_DOUBTFUL_FIELD, ROUTE_NONE, compileRoutes } from './table.ts';

/** The route that a GET of `target` at `host` takes. */
function find(
  routes: readonly RoutePlan[],
  target: string,
  host = 'a.example',
  fields: readonly string[] = [],
): number {
  return compileRoutes(routes).match(request(target, host, 'GET', fields));
}

test('the first route in written order wins, whatever kind of rule it has', () => {
  const routes = [
    route({ path: exact('/a/b') }),
    route({ path: regex('^/a/.*z$') }),
    route({ path: prefix('/a/') }),
    route({ path: prefix('/a/b/c') }),
    route(),
    route({ path: exact('/never') }),
  ];
  assert.equal(find(routes, '/a/b'), 0);
  assert.equal(find(routes, '/a/xz'), 1);
  assert.equal(find(routes, '/a/b/c'), 2);
  assert.equal(find(routes, '/a'), 4);
  assert.equal(find(routes, '/never'), 4);
});

test('no route, and no routes at all', () => {
  assert.equal(find([route({ path: exact('/a') })], '/b'), ROUTE_NONE);
  assert.equal(find([], '/'), ROUTE_NONE);
});

test('RFC 4343: host names match without case, with a trailing dot, and whatever the port', () => {
  const routes = [route({ hosts: ['shop.example'] }), route()];
  for (const host of ['shop.example', 'SHOP.Example', 'shop.example.', 'shop.example:8080', 'Shop.Example.:80']) {
    assert.equal(find(routes, '/', host), 0, host);
  }
  for (const host of ['a.shop.example', 'xshop.example', 'shop.exampl', '.shop.example']) {
    assert.equal(find(routes, '/', host), 1, host);
  }
});

test('*.x is every name under x at any depth, but not x', () => {
  const routes = [route({ hosts: ['*.shop.example'] }), route()];
  // nginx takes an empty label for one
  for (const host of ['a.shop.example', 'a.b.c.shop.example', 'A.SHOP.EXAMPLE.:80', '.shop.example'])
    assert.equal(find(routes, '/', host), 0, host);
  for (const host of ['shop.example', 'ashop.example', 'shop.example.a'])
    assert.equal(find(routes, '/', host), 1, host);
});

test('exact, wildcard and hostless routes stand in one written order', () => {
  const routes = [
    route({ hosts: ['*.a.example'], path: prefix('/w/') }),
    route({ hosts: ['x.a.example'], path: prefix('/') }),
    route({ hosts: ['*.example', '*.a.example'] }),
    route({ path: prefix('/any') }),
    route({ hosts: ['x.a.example', 'y.example'] }),
  ];
  assert.equal(find(routes, '/w/', 'x.a.example'), 0);
  assert.equal(find(routes, '/v/', 'x.a.example'), 1);
  assert.equal(find(routes, '/v/', 'y.a.example'), 2);
  assert.equal(find(routes, '/any', 'y.example'), 2);
  assert.equal(find(routes, '/any', 'y.test'), 3);
  assert.equal(find(routes, '/', 'y.test'), ROUTE_NONE);
});

test('absolute-form: the host of the target counts', () => {
  const routes = [route({ hosts: ['a.example'], path: exact('/') }), route()];
  assert.equal(find(routes, 'http://a.example', 'a.example'), 0);
  assert.equal(find(routes, 'http://a.example/', 'a.example'), 0);
  assert.equal(find(routes, 'http://a.example/x', 'a.example'), 1);
});

test('HTTP/1.0 without Host takes only routes for any host', () => {
  const view = request('/');
  view.head.hostLength = 0;
  assert.equal(compileRoutes([route({ hosts: ['a.example'] }), route()]).match(view), 1);
});

test('OPTIONS * takes routes without path rule', () => {
  const table = compileRoutes([route({ path: prefix('/') }), route({ path: regex('^/') }), route()]);
  assert.equal(table.match(request('*', 'a.example', 'OPTIONS')), 2);
});

test('a prefix is one of bytes, and the query is no part of the path', () => {
  const routes = [route({ path: prefix('/api') }), route({ path: exact('/x') })];
  for (const target of ['/api', '/apiary', '/api/x', '/api?x']) assert.equal(find(routes, target), 0, target);
  for (const target of ['/x', '/x?', '/x?y/z']) assert.equal(find(routes, target), 1, target);
  for (const target of ['/ap', '/API', '/x/', '/?/api']) assert.equal(find(routes, target), ROUTE_NONE, target);
});

test('other spellings of a path do not get around a rule', () => {
  const routes = [route({ path: prefix('/admin') }), route()];
  for (const target of ['/%61dmin', '//admin', '/%61%64%6D%69%6E', '/admin/./x']) {
    assert.equal(find(routes, target), 0, target);
  }
});

test('a path above the root or with a broken escape is refused, if the table looks at paths', () => {
  for (const target of ['/..', '/a/../..', '/%zz']) {
    assert.equal(find([route({ path: prefix('/a') }), route()], target), ROUTE_BAD_PATH, target);
    assert.equal(find([route({}, { kind: 'prefix', value: '/b' })], target), ROUTE_BAD_PATH, target);
    assert.equal(find([route()], target), 0, target);
    assert.equal(find([route({ hosts: ['b'] }), route()], target), 1, target);
  }
});

test('regular expressions see the normal form as text, and are not anchored', () => {
  assert.equal(find([route({ path: regex('^/caf\u00e9$') })], '/caf%C3%A9'), 0);
  assert.equal(find([route({ path: regex('b') })], '/a/x/../%62'), 0);
  assert.equal(find([route({ path: regex('\\?') })], '/?x'), ROUTE_NONE);
});

test('methods, also unknown ones', () => {
  const table = compileRoutes([route({ methods: ['GET', 'PROPFIND'] }), route({ methods: ['POST'] }), route()]);
  const at = (method: string): number => {
    return table.match(request('/', 'a', method));
  };
  assert.deepEqual(['GET', 'PROPFIND', 'POST', 'HEAD', 'MKCOL', 'PROPFINDX'].map(at), [0, 0, 1, 2, 2, 2]);
});

function withHeader(test: ValueTest, ...fields: string[]): boolean {
  return find([route({ values: [header('X-Env', test)] })], '/', 'a', fields) === 0;
}

test('header conditions: any field of that name is enough, names without case, values with', () => {
  assert.ok(withHeader({ kind: 'present' }, 'X-Env:'));
  assert.ok(!withHeader({ kind: 'present' }, 'X-Envy: 1'));
  assert.ok(withHeader({ kind: 'absent' }, 'X-Envy: 1'));
  assert.ok(!withHeader({ kind: 'absent' }, 'A: 1', 'x-ENV: 1'));
  assert.ok(withHeader({ kind: 'exact', value: 'prod' }, 'X-Env: test', 'X-Env:  prod '));
  assert.ok(!withHeader({ kind: 'exact', value: 'prod' }, 'X-Env: Prod', 'X-Env: prod, test'));
  assert.ok(withHeader({ kind: 'prefix', value: 'pr' }, 'X-Env: prod'));
  assert.ok(!withHeader({ kind: 'prefix', value: 'prods' }, 'X-Env: prod'));
  assert.ok(withHeader({ kind: 'regex', value: '^[pq]' }, 'X-Env: x', 'X-Env: qa'));
  assert.ok(!withHeader({ kind: 'regex', value: '^[pq]' }, 'X-Env: x'));
});

function withQuery(name: string, test: ValueTest, search: string): boolean {
  return find([route({ values: [query(name, test)] })], `/p${search}`) === 0;
}

test('query conditions: decoded, any parameter of that name is enough', () => {
  assert.ok(withQuery('a', { kind: 'present' }, '?a'));
  assert.ok(withQuery('a', { kind: 'present' }, '?x=1&%61=1'));
  assert.ok(!withQuery('a', { kind: 'present' }, '?b=a&aa=1&=a'));
  assert.ok(!withQuery('a', { kind: 'present' }, ''));
  assert.ok(withQuery('a', { kind: 'absent' }, '?b=1'));
  assert.ok(withQuery('a', { kind: 'absent' }, ''));
  assert.ok(!withQuery('a', { kind: 'absent' }, '?&&a'));
  assert.ok(withQuery('q', { kind: 'exact', value: 'x y&z' }, '?q=1&q=x+y%26z'));
  assert.ok(!withQuery('q', { kind: 'exact', value: 'x' }, '?q=xy&q='));
  assert.ok(withQuery('q', { kind: 'exact', value: '' }, '?q'));
  assert.ok(withQuery('q', { kind: 'exact', value: 'a=b' }, '?q=a=b'));
  assert.ok(withQuery('q', { kind: 'exact', value: '100%' }, '?q=100%'));
  assert.ok(withQuery('q', { kind: 'prefix', value: '\u00e9' }, '?q=%C3%A9t%C3%A9'));
  assert.ok(withQuery('q', { kind: 'regex', value: '^\u00e9t\u00e9 [0-9]$' }, '?q=%C3%A9t%C3%A9+1'));
});

test('all conditions of a route must hold', () => {
  const one = route({
    hosts: ['a.example'],
    path: prefix('/p'),
    methods: ['GET'],
    values: [header('x', { kind: 'present' }), query('q', { kind: 'present' })],
  });
  assert.equal(find([one], '/p?q', 'a.example', ['X: 1']), 0);
  assert.equal(find([one], '/p?q', 'a.example', []), ROUTE_NONE);
  assert.equal(find([one], '/p', 'a.example', ['X: 1']), ROUTE_NONE);
  assert.equal(find([one], '/o?q', 'a.example', ['X: 1']), ROUTE_NONE);
  assert.equal(find([one], '/p?q', 'b.example', ['X: 1']), ROUTE_NONE);
});

// --- against a list that is searched from its beginning ---

interface Asked {
  readonly target: string;
  readonly host: string;
  readonly method: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

function naiveValue(condition: ValueMatchPlan, values: readonly string[]): boolean {
  switch (condition.kind) {
    case 'absent':
      return values.length === 0;
    case 'present':
      return values.length > 0;
    case 'exact':
      return values.includes(condition.value);
    case 'prefix':
      return values.some((value) => value.startsWith(condition.value));
    case 'regex':
      return values.some((value) => new RegExp(condition.value).test(value));
    default:
      throw new Error('a new kind');
  }
}

/** For targets whose path is in normal form. */
function naiveHolds({ hosts, path, methods, values }: MatchPlan, asked: Asked): boolean {
  const host = asked.host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
  const isHost = (one: string): boolean =>
    one.startsWith('*.') ? host.endsWith(one.slice(1)) && host.length > one.length - 1 : host === one;
  if (hosts.length > 0 && !hosts.some(isHost)) return false;
  const [rawPath, ...search] = asked.target.split('?');
  if (path?.kind === 'exact' && rawPath !== path.value) return false;
  if (path?.kind === 'prefix' && !rawPath.startsWith(path.value)) return false;
  if (path?.kind === 'regex' && !new RegExp(path.value).test(rawPath)) return false;
  if (methods.length > 0 && !methods.includes(asked.method)) return false;
  const parameters = new URLSearchParams(search.join('?'));
  const valuesOf = ({ kind, name }: SourcePlan): string[] => {
    if (kind === 'query') return parameters.getAll(name as string);
    return asked.fields.filter(([other]) => other.toLowerCase() === name).map(([, v]) => v);
  };
  return values.every((one) => naiveValue(one, valuesOf(one.source)));
}

/** Mostly no condition. */
const rarely = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant<T[]>([]) }, fc.array(one, { minLength: 1, maxLength: 2 }));

test('any table agrees with a search from the beginning of the list', () => {
  const words = ['', 'a', 'ab', 'abc', 'b', 'ba'];
  const hostName = fc.constantFrom('x', 'a.x', 'b.x', 'a.b.x', 'c.a.b.x', 'y', 'a.y');
  const hostRule = fc.oneof(
    hostName,
    fc.constantFrom('x', 'b.x', 'y').map((name) => `*.${name}`),
  );
  const pathText = fc
    .array(fc.constantFrom('a', 'ab', 'b', 'abc'), { maxLength: 3 })
    .map((parts) => `/${parts.join('/')}`);
  const pathRule = fc.oneof(
    fc.constant(null),
    pathText.map(prefix),
    pathText.map((path) => prefix(`${path}/`)),
    pathText.map(exact),
    fc.constantFrom('a/b', '^/a', 'b$', '^/(a|b)+$').map(regex),
  );
  const source: fc.Arbitrary<SourcePlan> = fc.oneof(
    fc.record({ kind: fc.constant('header' as const), name: fc.constantFrom('x-a', 'x-b') }),
    fc.record({ kind: fc.constant('query' as const), name: fc.constantFrom('q', 'r') }),
  );
  const value: fc.Arbitrary<ValueMatchPlan> = fc.oneof(
    fc.record({ source, kind: fc.constantFrom('present' as const, 'absent' as const) }),
    fc.record({ source, kind: fc.constantFrom('exact' as const, 'prefix' as const), value: fc.constantFrom(...words) }),
    fc.record({ source, kind: fc.constant('regex' as const), value: fc.constantFrom('^a', 'b$', '^$') }),
  );
  const oneRoute = fc
    .record({
      hosts: fc.oneof(fc.constant([]), fc.array(hostRule, { maxLength: 3 })),
      path: pathRule,
      methods: rarely(fc.constantFrom('GET', 'POST', 'PURGE')),
      values: rarely(value),
    })
    .map((match) => route(match));
  const parameter = fc.tuple(fc.constantFrom('q', 'r', 's'), fc.constantFrom(...words)).map(([n, v]) => `${n}=${v}`);
  const asked = fc.record({
    target: fc
      .tuple(pathText, fc.constantFrom('', '/'), fc.array(parameter, { maxLength: 2 }))
      .map(
        ([path, slash, query]) =>
          (path === '/' ? path : path + slash) + (query.length > 0 ? `?${query.join('&')}` : ''),
      ),
    host: fc.oneof(
      hostName,
      hostName.map((name) => `${name.toUpperCase()}.:80`),
    ),
    method: fc.constantFrom('GET', 'POST', 'PURGE', 'HEAD'),
    fields: fc.array(fc.tuple(fc.constantFrom('X-A', 'x-b', 'X-C'), fc.constantFrom(...words)), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(
      fc.array(oneRoute, { maxLength: 25 }),
      fc.array(asked, { minLength: 1, maxLength: 8 }),
      (routes, all) => {
        const table = compileRoutes(routes);
        for (const one of all) {
          const view = request(
            one.target,
            one.host,
            one.method,
            one.fields.map(([n, v]) => `${n}: ${v}`),
          );
          const expected = routes.findIndex(({ match }) => naiveHolds(match, one));
          assert.equal(table.match(view), expected, JSON.stringify(one));
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('ten thousand routes of every kind are told apart', () => {
  const routes: RoutePlan[] = [];
  for (let i = 0; i < 2500; i++) {
    routes.push(route({ hosts: [`h${i}.example`], path: prefix('/only/') }));
    routes.push(route({ hosts: [`*.w${i}.example`] }));
    routes.push(route({ path: exact(`/exact/${i}`) }));
    routes.push(route({ path: prefix(`/prefix/${i}/`) }));
  }
  const table = compileRoutes(routes);
  const at = (target: string, host: string): number => {
    return table.match(request(target, host));
  };
  for (let i = 0; i < 2500; i += 7) {
    assert.equal(at('/only/x', `h${i}.example`), 4 * i);
    assert.equal(at('/else', `h${i}.example`), ROUTE_NONE);
    assert.equal(at('/x', `a.b.w${i}.example`), 4 * i + 1);
    assert.equal(at(`/exact/${i}`, 'any'), 4 * i + 2);
    assert.equal(at(`/prefix/${i}/x`, 'any'), 4 * i + 3);
    assert.equal(at(`/prefix/${i}`, 'any'), ROUTE_NONE);
  }
});

test('whatever bytes a head points to, matching ends with a number', () => {
  const routes = [
    route({ hosts: ['a', '*.b'], path: regex('x') }),
    route({ path: prefix('/a'), values: [query('q', { kind: 'regex', value: 'x' })] }),
    route({ hosts: ['*.b'], path: exact('/') }),
  ];
  const table = compileRoutes(routes);
  const span = fc.tuple(fc.nat(40), fc.nat(24));
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), span, span, span, (bytes, host, path, query) => {
      const head = new RequestHead(4);
      [head.host, head.hostLength] = host;
      [head.path, head.pathLength] = path;
      [head.query, head.queryLength] = query;
      head.queryLength = Math.min(head.queryLength, head.pathLength);
      const index = table.match(new RequestView(bytes, head));
      assert.ok(index >= ROUTE_BAD_PATH && index < routes.length);
    }),
  );
});

test('a request with a field that some servers take for one that a condition asks for is refused; other requests are not', () => {
  for (const kind of ['present', 'absent'] as const) {
    const routes = [route({ path: prefix('/a'), values: [header('x-env', { kind })] }), route()];
    for (const field of ['X_Env: 1', 'X.Env: 1', 'x!env:']) {
      assert.equal(find(routes, '/a', 'h', [field]), ROUTE_DOUBTFUL_FIELD, field);
      assert.equal(find(routes, '/a', 'h', ['X-Env: 1', field]), ROUTE_DOUBTFUL_FIELD, field);
      assert.equal(find(routes, '/b', 'h', [field]), 1, field);
    }
    assert.notEqual(find(routes, '/a', 'h', ['X-Envy: 1', 'X_Enw: 1']), ROUTE_DOUBTFUL_FIELD);
  }
});

test('an expression for hosts is compared without the port and the dot at the end', () => {
  const value: ValueMatchPlan = { source: { kind: 'host', name: null }, kind: 'regex', value: '^adm[0-9]\\.example$' };
  const routes = [route({ values: [value] }), route()];
  for (const host of ['adm1.example', 'adm1.example.', 'adm1.example.:80'])
    assert.equal(find(routes, '/', host), 0, host);
  assert.equal(find(routes, '/', '.adm1.example'), 1);
});

test('names of query parameters match in any case, their values do not', () => {
  const routes = [route({ values: [query('Debug', { kind: 'exact', value: 'on' })] }), route()];
  for (const target of ['/?debug=on', '/?a&DEBUG=on', '/?%44ebu%47=on']) assert.equal(find(routes, target), 0, target);
  for (const target of ['/?debug=ON', '/?debugs=on', '/?debu=on']) assert.equal(find(routes, target), 1, target);
});
