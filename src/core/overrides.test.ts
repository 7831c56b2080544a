import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListenerPlan } from '../config/plan/listener.ts';
import type { Plan } from '../config/plan/plan.ts';
import type { RoutePlan } from '../config/plan/route.ts';
import type { ServerPlan, UpstreamPlan } from '../config/plan/upstream.ts';
import { countedOf } from '../config/plan/route-label.ts';
import { formatRoutes, parseRoute, parseRoutes } from '../config/plan/route-text.ts';
import {
  type Change,
  changed,
  filedOf,
  maintenanceSubject,
  NODE,
  type Override,
  overridden,
  remaining,
} from './overrides.ts';

function planOf(servers: Partial<ServerPlan>[]): Plan {
  const listener = { name: 'web', intake: 'open', isReady: true, counted: [] };
  const upstream = {
    name: 'web',
    servers: servers.map((server, i) => ({ name: `s${i}`, weight: 1, state: 'enabled', ...server })),
  };
  return {
    listeners: [listener as unknown as ListenerPlan],
    upstreams: [upstream as unknown as UpstreamPlan],
    workers: 1,
    values: [],
    files: null,
    admin: null,
    accessLogs: [],
    serverSlots: servers.length,
    graceMs: 0,
    drainMs: 0,
  };
}

/** What is left after these were said, one after the other, of a file. */
function after(plan: Plan, ...changes: Change[]): readonly Override[] {
  return changes.reduce<readonly Override[]>(
    (overrides, change, i) => remaining(changed(overrides, change, 'alice', i), filedOf(plan)),
    [],
  );
}

function serverOf(plan: Plan, overrides: readonly Override[]): string {
  const { state, weight } = overridden(plan, overrides).upstreams[0].servers[0];
  return `${state} ${weight}`;
}

const subject = 'server web/s0';

test('what is said by hand goes before the file, each part of it for itself', () => {
  const plan = planOf([{ weight: 3 }, {}]);
  assert.equal(serverOf(plan, []), 'enabled 3');
  assert.equal(serverOf(plan, after(plan, { subject, state: 'drain' })), 'drain 3');
  assert.equal(serverOf(plan, after(plan, { subject, state: 'drain' }, { subject, weight: 5 })), 'drain 5');
  assert.equal(overridden(plan, after(plan, { subject, weight: 5 })).upstreams[0].servers[1].weight, 1);
  assert.deepEqual(after(plan, { subject, state: 'drain' }, { subject, weight: 5 }), [
    { subject, state: 'drain', weight: 5, by: 'alice', atMs: 1 },
  ]);
});

test('what says the same as the file is no override, and neither is what was taken back', () => {
  const plan = planOf([{ weight: 3, state: 'drain' }]);
  assert.deepEqual(after(plan, { subject, state: 'drain', weight: 3 }), []);
  assert.deepEqual(after(plan, { subject, weight: 5 }, { subject, weight: null }), []);
  const enabled = after(plan, { subject, state: 'enabled' });
  assert.equal(serverOf(plan, enabled), 'enabled 3');
  // The file comes to say the same, and later another thing: that is the file's.
  const agreeing = planOf([{ weight: 3 }]);
  const left = remaining(enabled, filedOf(agreeing));
  assert.deepEqual(left, []);
  assert.equal(serverOf(plan, left), 'drain 3');
});

test('an override ends with what it is about', () => {
  const plan = planOf([{}, {}]);
  const both = after(plan, { subject, state: 'drain' }, { subject: 'server web/s1', state: 'disabled' });
  assert.deepEqual(
    remaining(both, filedOf(planOf([{}]))).map((each) => each.subject),
    [subject],
  );
});

test('a drained listener takes nobody; a drained node is not ready and keeps nobody', () => {
  const plan = planOf([{}]);
  const [closed] = overridden(plan, after(plan, { subject: 'listener web', state: 'drain' })).listeners;
  assert.equal(closed.intake, 'closed');
  assert.equal(closed.isReady, true);
  const drained = after(plan, { subject: NODE, state: 'drain' });
  const [last] = overridden(plan, drained).listeners;
  assert.equal(last.intake, 'last');
  assert.equal(last.isReady, false);
  const both = overridden(plan, [...drained, ...after(plan, { subject: 'listener web', state: 'drain' })]);
  assert.equal(both.listeners[0].intake, 'closed');
  assert.equal(overridden(plan, after(plan, { subject: NODE, state: 'drain' }, { subject: NODE, state: null })), plan);
});

function route(path: string, action: object, name: string | null = null): RoutePlan {
  return parseRoute(JSON.stringify({ name, match: { path: { kind: 'prefix', value: path } }, action }));
}

test('routes that are closed have a step that comes first, and those for others than clients have none', () => {
  const base = planOf([{}]);
  const proxy = { kind: 'respond', status: 200, body: [], contentType: '' };
  const routes = [
    route('/ready', { kind: 'ready' }),
    route('/.well-known/acme-challenge/', proxy),
    route('/called', proxy, 'page'),
    route('/shop/', proxy),
    route('/', proxy),
  ];
  const listener = {
    ...base.listeners[0],
    protocol: 'http',
    routes: formatRoutes(routes),
    counted: countedOf(routes, 0),
  };
  const plan = { ...base, listeners: [listener as ListenerPlan], maintenance: { kind: 'stop' } as const };
  const closed = (...changes: Change[]): readonly string[] =>
    parseRoutes(overridden(plan, after(plan, ...changes)).listeners[0].routes)
      .filter(({ steps }) => steps[0]?.kind === 'stop')
      .map(({ match }) => match.path!.value);
  assert.deepEqual(closed(), []);
  assert.deepEqual(closed({ subject: maintenanceSubject(null, null), state: 'on' }), ['/shop/', '/']);
  assert.deepEqual(closed({ subject: maintenanceSubject('web', null), state: 'on' }), ['/shop/', '/']);
  assert.deepEqual(closed({ subject: maintenanceSubject('web', '/shop/'), state: 'on' }), ['/shop/']);
  assert.deepEqual(closed({ subject: maintenanceSubject('web', '/gone/'), state: 'on' }), []);
  const off = { subject: maintenanceSubject(null, null), state: null };
  assert.deepEqual(closed({ subject: off.subject, state: 'on' }, off), []);
});
