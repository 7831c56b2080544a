import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '../config/plan/plan.ts';
import { formatRoutes } from '../config/plan/route-text.ts';
import { prefix, route } from '../core/route/fixtures.test.ts';
import { NO_SECRETS } from '../port/tls.ts';
import { Provision, type Serving, STEPS_PER_TURN } from './provision.ts';

const SERVING = { routesOf: () => null } as unknown as Serving;
const OUTCOME = { onApplied: () => undefined, onRefused: (reason: string) => assert.fail(reason) };

function provisionOf(routeCount: number): Provision {
  const routes = formatRoutes(Array.from({ length: routeCount }, (_, i) => route({ path: prefix(`/r${i}/`) })));
  const listener = { name: 'web', protocol: 'http', escapedSlash: 'compare', routes, counted: [], tls: null };
  const plan = { values: [], listeners: [listener], upstreams: [] } as unknown as Plan;
  return new Provision(plan, [], NO_SECRETS, OUTCOME, []);
}

function turnsOf(provision: Provision): number {
  for (let turns = 1; ; turns++) if (provision.advance(STEPS_PER_TURN, SERVING)) return turns;
}

test('few routes are ready in the turn in which the plan came', () => {
  assert.equal(turnsOf(provisionOf(3)), 1);
});

test('many take turns, and one more that is left for applying them', () => {
  const provision = provisionOf(1000);
  let routesAt = 0;
  const { listeners } = provision.plan;
  for (let turn = 1; ; turn++) {
    const isReady = provision.advance(STEPS_PER_TURN, SERVING);
    if (routesAt === 0 && provision.routesOf(listeners[0]) !== null) routesAt = turn;
    if (!isReady) continue;
    assert.ok(turn > 1000 / STEPS_PER_TURN, `${turn} turns`);
    assert.equal(turn, routesAt + 1);
    break;
  }
  assert.equal(provision.routesOf(listeners[0])?.routes.length, 1000);
});

test('nobody who cannot wait has to, also in the middle', () => {
  const provision = provisionOf(1000);
  assert.equal(provision.advance(STEPS_PER_TURN, SERVING), false);
  assert.equal(provision.advance(Infinity, SERVING), true);
});
