import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRoutes } from '../../config/plan/route-text.ts';
import type { RoutePlan } from '../../config/plan/route.ts';
import { request } from '../../core/value/fixtures.test.ts';
import { prefix, route } from '../../core/route/fixtures.test.ts';
import { countedOf } from '../../config/plan/route-label.ts';
import { RouteSet, type RoutesPlan } from './route-set.ts';

function planOf(routes: readonly RoutePlan[], escapedSlash: RoutesPlan['escapedSlash'] = 'compare'): RoutesPlan {
  return { routes: formatRoutes(routes), escapedSlash, counted: countedOf(routes, 0) };
}

/** The set, and in how many steps it was prepared. */
function prepared(plan: RoutesPlan, former: RouteSet | null): { readonly set: RouteSet; readonly steps: number } {
  const work = RouteSet.prepare(plan, former);
  for (let steps = 0; ; steps++) {
    const next = work.next();
    if (next.done === true) return { set: next.value, steps };
  }
}

/** What the route says that takes this path. */
function taken({ table, routes }: RouteSet, path: string): string | undefined {
  const index = table.match(request(path));
  return index < 0 ? undefined : routes[index].plan.match.path?.value;
}

const many = Array.from({ length: 1000 }, (_, i) => route({ path: prefix(`/r${i}/`) }));

test('each new route is a step; those that were there are the same objects, wherever they stand now, and few steps', () => {
  const before = prepared(planOf(many), null);
  assert.ok(before.steps >= 1000);
  // Those of the table are the same.
  const tableSteps = before.steps - 1000;
  assert.ok(tableSteps > 0);
  const added = route({ path: prefix('/added/') });
  const after = prepared(planOf([added, ...many.slice(1).toReversed()]), before.set);
  assert.ok(after.steps - tableSteps <= 2 + 999 / 16, `${after.steps} steps`);
  assert.equal(after.set.routes.length, 1000);
  const known = new Set(before.set.routes);
  assert.deepEqual(
    after.set.routes.filter((each) => !known.has(each)).map(({ plan }) => plan),
    [added],
  );
  assert.equal(taken(after.set, '/added/x'), '/added/');
  assert.equal(taken(after.set, '/r0/x'), undefined);
  for (const i of [1, 500, 999]) assert.equal(taken(after.set, `/r${i}/x`), `/r${i}/`);
  // The set before is what it was, for as long as it serves.
  assert.equal(taken(before.set, '/r0/x'), '/r0/');
});

test('the same routes are the same set; with paths read in another way all of them are others', () => {
  const before = prepared(planOf(many), null).set;
  assert.equal(prepared(planOf(many), before).set, before);
  const after = prepared(planOf(many, 'decode'), before).set;
  assert.ok(after.routes.every((each, i) => each !== before.routes[i]));
});

test('a route that is written twice, and text of any script', () => {
  const twice = route({ path: prefix('/\u00e9/\ud83d\ude00/') });
  const { set } = prepared(planOf([twice, twice, route()]), null);
  assert.equal(set.routes[0], set.routes[1]);
  assert.deepEqual(set.routes[1].plan, twice);
  assert.match(formatRoutes([twice]), /^[ -~]*\n$/);
});

test('a thousand hosts are more steps than ten, and all are found', () => {
  const routes = Array.from({ length: 1000 }, (_, i) => route({ hosts: [`h${i}.example`, `*.w${i}.example`] }));
  const [few, all] = [prepared(planOf(routes.slice(0, 10)), null), prepared(planOf(routes), null)];
  // One for each route, for each few nodes of the trees, and for each few names.
  assert.ok(all.steps > few.steps + 990 + 2 * (1000 / 64 - 1), `${all.steps} steps`);
  for (const i of [0, 63, 64, 500, 999]) {
    assert.equal(all.set.table.match(request('/', `H${i}.example`)), i);
    assert.equal(all.set.table.match(request('/', `a.w${i}.example`)), i);
  }
  assert.equal(all.set.table.match(request('/', 'h1000.example')), -1);
});

const closing = (path: string): RoutePlan => ({ ...route({ path: prefix(path) }), action: { kind: 'close' } });

test('where requests are counted holds when the plan does, also for routes that stay as they are', () => {
  const routes = [closing('/a/'), closing('/b/'), closing('/a/')];
  const plan = planOf(routes);
  const first = prepared(plan, null).set;
  const slots = (): unknown => first.routes.map(({ counted }) => counted?.slot);
  assert.deepEqual(slots(), [undefined, undefined, undefined]);
  first.bind([], { isReady: true, logsOf: () => [], compression: null });
  assert.deepEqual(slots(), [1, 2, 1]);
  assert.equal(prepared({ ...plan, counted: [...plan.counted] }, first).set, first);
  const moved = plan.counted.map((one) => ({ ...one, slot: one.slot + 10 }));
  const next = prepared({ ...plan, counted: moved }, first).set;
  assert.deepEqual(slots(), [1, 2, 1], 'not before');
  next.bind([], { isReady: true, logsOf: () => [], compression: null });
  assert.deepEqual(slots(), [11, 12, 11]);
  assert.deepEqual(next.routes, first.routes);
});

test('with which others requests are counted is found in whatever order a plan says it, or not at all', () => {
  const routes = ['/a/', '/b/', '/c/', '/a/', '/d/'].map(closing);
  const [none, a, b, , d] = countedOf(routes, 0);
  const { set } = prepared({ ...planOf(routes), counted: [d, b, none, a] }, null);
  set.bind([], { isReady: true, logsOf: () => [], compression: null });
  assert.deepEqual(
    set.routes.map(({ counted }) => counted),
    [a, b, null, a, d],
  );
});
