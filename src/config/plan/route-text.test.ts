import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProxyActionPlan, RoutePlan } from './route.ts';
import { countRoutes, formatRoutes, parseRoutes } from './route-text.ts';

const ACTION: ProxyActionPlan = {
  kind: 'proxy',
  upstream: 'web',
  rewrite: null,
  timeoutMs: 0,
  retry: { attempts: 3, connect: true, reset: false, timeout: false, statuses: [], nonIdempotent: false },
  upgrade: true,
  bodyBytes: null,
  passesClaims: false,
  interceptsErrors: false,
};
const NO_EDIT = { set: [], add: [], remove: [] };
const ROUTE: RoutePlan = {
  name: null,
  steps: [],
  errors: [],
  isInternal: false,
  match: { hosts: [], path: null, methods: [], values: [] },
  action: ACTION,
  requestHeaders: NO_EDIT,
  responseHeaders: NO_EDIT,
  successHeaders: { set: [], add: [] },
};

/** Each says something else than most routes do, in one of its parts. */
const OTHERS: readonly RoutePlan[] = [
  { ...ROUTE, name: 'called' },
  { ...ROUTE, steps: [{ kind: 'take', route: ROUTE }] },
  { ...ROUTE, errors: [{ statuses: [502], to: { kind: 'target', target: '/sorry' }, answer: null }] },
  { ...ROUTE, isInternal: true },
  { ...ROUTE, match: { ...ROUTE.match, hosts: ['shop.example'] } },
  { ...ROUTE, match: { ...ROUTE.match, path: { kind: 'prefix', value: '/ü\u2028' } } },
  { ...ROUTE, match: { ...ROUTE.match, methods: ['GET'] } },
  {
    ...ROUTE,
    match: { ...ROUTE.match, values: [{ source: { kind: 'header', name: 'x' }, kind: 'exact', value: '1' }] },
  },
  { ...ROUTE, action: { ...ACTION, rewrite: { kind: 'prefix', value: '/' } } },
  { ...ROUTE, action: { ...ACTION, timeoutMs: 1 } },
  { ...ROUTE, action: { ...ACTION, retry: { ...ACTION.retry, statuses: [503] } } },
  { ...ROUTE, action: { ...ACTION, upgrade: false } },
  { ...ROUTE, action: { ...ACTION, bodyBytes: 0 } },
  { ...ROUTE, action: { ...ACTION, passesClaims: true } },
  { ...ROUTE, action: { ...ACTION, interceptsErrors: true } },
  { ...ROUTE, action: { ...ACTION, send: { method: 'GET', dropsFields: false, dropsBody: true, text: null } } },
  { ...ROUTE, action: { kind: 'redirect', status: 301, to: '/new' } },
  { ...ROUTE, action: { kind: 'respond', status: 200, body: '', contentType: 'text/plain' } },
  ...(['ready', 'close', 'next'] as const).map((kind): RoutePlan => Object.assign({}, ROUTE, { action: { kind } })),
  { ...ROUTE, requestHeaders: { ...NO_EDIT, odd: 'drop' } },
  { ...ROUTE, responseHeaders: { ...NO_EDIT, set: [['A', 'b']] } },
  { ...ROUTE, successHeaders: { set: [], add: [['A', 'b']] } },
  { ...ROUTE, accessLogs: [] },
];

test('routes are the same after they were text, whatever they say', () => {
  const routes = [ROUTE, ...OTHERS];
  const text = formatRoutes(routes);
  assert.match(text, /^[ -~\n]*$/);
  assert.equal(countRoutes(text), routes.length);
  assert.deepEqual(parseRoutes(text), routes);
  assert.equal(formatRoutes(parseRoutes(text)), text);
  assert.equal(new Set(text.trim().split('\n')).size, routes.length);
});

test('what most routes say takes no room, and is one object for all of them', () => {
  const text = formatRoutes([ROUTE]);
  assert.ok(text.length < 50, text);
  const [one, other] = parseRoutes(text + text);
  assert.equal(one.requestHeaders, other.requestHeaders);
  assert.equal(one.steps, other.steps);
});
