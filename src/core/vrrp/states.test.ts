import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Prng } from '../../base/prng.ts';
import type { RouterEvent } from './events.ts';
import { US_PER_S } from './intervals.ts';
import type { RouterSettings } from './settings.ts';
import { findTransition, renderStatesPage, STATES, TRANSITIONS } from './states.ts';
import { HIGHER_ADDRESS, LOWER_ADDRESS, OWN, Stage } from './testing.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** Anything that may happen to a router, often enough the interesting. */
function anyEvent(random: Prng, settings: RouterSettings, nowUs: number): RouterEvent {
  switch (random.below(20)) {
    case 0:
      return { kind: 'stop', isGraceful: random.oneIn(2) };
    case 1:
      return { kind: 'hand-over', untilUs: random.oneIn(2) ? Number.POSITIVE_INFINITY : nowUs + 3 * US_PER_S };
    case 2:
      return { kind: 'resume' };
    case 3:
    case 4:
      return { kind: 'source', address: random.oneIn(3) ? null : OWN };
    case 5:
      return { kind: 'address-answered', address: '192.0.2.3', by: 'x', peer: random.oneIn(4) ? null : '192.0.2.12' };
    case 16:
    case 17:
      return { kind: 'serving', verdict: { serves: random.oneIn(3), detail: '' } };
    case 6:
      return { kind: 'address-removed', address: 'x' };
    case 7:
    case 8:
      if (settings.guards.length === 0) return { kind: 'tick' };
      return { kind: 'guard', name: settings.guards[0], passes: !random.oneIn(3) };
    case 9:
      if (settings.tracked.length === 0) return { kind: 'tick' };
      return { kind: 'tracked', index: random.below(settings.tracked.length), isUp: !random.oneIn(3) };
    case 10:
      if (!settings.isGrouped) return { kind: 'tick' };
      if (random.oneIn(3)) return { kind: 'group-left' };
      return {
        kind: 'group',
        isReady: !random.oneIn(3),
        priorityMax: 1 + random.below(255),
        isFaulty: random.oneIn(4),
      };
    default:
      return {
        kind: 'advert',
        advert: {
          source: random.oneIn(2) ? HIGHER_ADDRESS : LOWER_ADDRESS,
          priority: random.oneIn(4) ? 0 : [50, settings.priority, 200, 255][random.below(4)],
          intervalUs: [US_PER_S, 100_000, 3 * US_PER_S, 40 * US_PER_S][random.below(4)],
          addresses: random.oneIn(4) ? 'none' : 'all',
          foreignAddress: null,
        },
      };
  }
}

/** A life of a router: what happens is random, and so is how much it does not run. */
function live(seed: number, steps: number, seen: Set<unknown>): void {
  const random = new Prng(seed);
  const stage = new Stage({
    version: random.oneIn(4) ? 2 : 3,
    priority: [100, 255, 1, 254][random.below(4)],
    preempt: !random.oneIn(3),
    preemptDelayUs: random.oneIn(3) ? 5 * US_PER_S : 0,
    startDelayUs: random.oneIn(3) ? 10 * US_PER_S : 0,
    guards: random.oneIn(2) ? ['gateway'] : [],
    probesAddresses: random.oneIn(2),
    isGrouped: random.oneIn(3),
    tracked: random.oneIn(2) ? [{ name: 'proxy', weight: random.oneIn(2) ? 0 : 30 }] : [],
  });
  const { router } = stage;
  let holds = false;
  const check = (): void => {
    for (const { action } of stage.take()) {
      if (action.kind === 'hold-addresses') holds = true;
      if (action.kind === 'drop-addresses' || action.kind === 'conceal-addresses') holds = false;
      if (action.kind === 'change') seen.add(findTransition(action.from, action.to, action.cause));
      if (action.kind === 'announce') assert.ok(holds, 'announces what it does not hold');
    }
    assert.equal(holds, router.state === 'active' || router.state === 'leaving', `holds in ${router.state}`);
    const isRestrained = router.state === 'fault' && router.restraint !== null && router.restraint.untilUs < NEVER;
    const isIdle = (router.state === 'initialize' || router.state === 'fault') && !router.isLingering && !isRestrained;
    assert.equal(router.deadlineUs === NEVER, isIdle, `nothing is due in ${router.state}`);
  };
  for (let step = 0; step < steps; step++) {
    if (router.state === 'initialize') {
      const agoUs = random.oneIn(2) ? US_PER_S : 9 * US_PER_S;
      const restraint = { reason: 'hand-over', sinceUs: stage.nowUs, untilUs: Number.POSITIVE_INFINITY } as const;
      stage.send({
        kind: 'start',
        lastAdvertUs: random.oneIn(3) ? stage.nowUs - agoUs : null,
        restraint: random.oneIn(3) ? restraint : null,
      });
    } else if (random.oneIn(3)) {
      stage.send(anyEvent(random, router.settings, stage.nowUs));
    } else if (random.oneIn(8)) {
      stage.freeze(random.below(8 * US_PER_S));
      stage.send({ kind: 'tick' });
    } else {
      const endUs = stage.nowUs + random.below(2 * US_PER_S);
      while (router.deadlineUs <= endUs) {
        stage.toDeadline();
        check();
      }
      stage.nowUs = endUs;
    }
    check();
  }
}

test('In any life a router makes only transitions of the table, and holds the addresses exactly while active or leaving', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => live(seed, 60, new Set())),
    { numRuns: 500 },
  );
});

test('Every transition of the table happens', () => {
  const seen = new Set<unknown>();
  for (let seed = 0; seed < 3000 && seen.size < TRANSITIONS.length; seed++) live(seed, 200, seen);
  assert.deepEqual(
    TRANSITIONS.filter((each) => !seen.has(each)),
    [],
  );
});

test('The table has no row twice, and every state is reached and left', () => {
  const keys = new Set(TRANSITIONS.map(({ from, to, cause }) => `${from} ${to} ${cause}`));
  assert.equal(keys.size, TRANSITIONS.length);
  for (const state of Object.keys(STATES)) {
    assert.ok(
      TRANSITIONS.some(({ from }) => from === state),
      `${state} is never left`,
    );
    assert.ok(
      TRANSITIONS.some(({ to }) => to === state),
      `${state} is never reached`,
    );
  }
});

test('docs/vrrp-states.md is what the table renders to (EVENKEEL_WRITE_DOCS=1 writes it)', () => {
  const path = new URL('../../../../docs/vrrp-states.md', import.meta.url);
  if (process.env['EVENKEEL_WRITE_DOCS'] === '1') writeFileSync(path, renderStatesPage());
  assert.equal(readFileSync(path, 'utf8'), renderStatesPage());
});
