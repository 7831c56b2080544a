import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Address } from '../../base/address.ts';
import { SERVER_DOWN, SERVER_EJECTED, SERVER_EMPTY, SERVER_UP, type ServerSlot, emptySlot } from '../../base/board.ts';
import { Prng } from '../../base/prng.ts';
import type { AdminState } from '../../config/plan/upstream.ts';
import type { Place } from '../slots.ts';
import { serverText, UpstreamHealth, type UpstreamHealthOptions } from './upstream-health.ts';

const at = (last: number): Address => ({ family: 4, host: `192.0.2.${last}`, port: 80 });
const ACTIVE = { intervalMs: 2_000, rise: 2, fall: 3, jitter: 0.1, retryMs: null, initial: 'up' as const };
const PASSIVE = { failures: 3, withinMs: 10_000, ejectMs: 10_000 };

function serversOf(count: number): UpstreamHealthOptions['servers'] {
  return Array.from({ length: count }, (_, i) => ({
    weight: 1,
    state: 'enabled',
    backup: false,
    firstSlot: i,
    slotCount: 1,
    epoch: 0,
    passive: null,
    health: null,
  }));
}

const isOldCheck = (): boolean => false;

/** Of a server that is the first one there. */
const place = (slot: number): Place => ({ slot, epoch: 0 });

/** An upstream of `count` servers with a fixed address each, at a time that the test moves. */
class Story {
  now = 0;
  readonly health: UpstreamHealth;

  constructor(count: number, options: Partial<UpstreamHealthOptions>) {
    const servers = serversOf(count);
    this.health = new UpstreamHealth(
      { servers, active: null, passive: null, quorum: null, slowStartMs: 0, ...options },
      new Prng(1),
    );
    servers.forEach((_, i) => this.health.handleAddresses(0, i, [at(i + 1)]));
    this.health.takeEvents();
  }

  slot(slot: number): ServerSlot {
    const value = emptySlot();
    this.health.readSlot(this.now, slot, value);
    return value;
  }

  states(count: number): string {
    return Array.from(
      { length: count },
      (_, i) => ['empty', 'up', 'down', 'ejected', 'draining'][this.slot(i).state],
    ).join(' ');
  }

  /** Lets time pass, answering every probe as `answer` says. */
  pass(ms: number, answer: (slot: number) => boolean, detail = 'connection refused'): void {
    const end = this.now + ms;
    for (;;) {
      for (let probe = this.health.nextProbe(this.now); probe !== null; probe = this.health.nextProbe(this.now)) {
        this.health.handleProbeResult(this.now, probe, answer(probe.slot), detail);
      }
      this.health.handleTimer(this.now);
      const next = this.health.nextDeadline(this.now);
      assert.ok(next > this.now, 'a deadline that does not move would spin');
      if (next > end) break;
      this.now = next;
    }
    this.now = end;
  }

  events(): string[] {
    return this.health.takeEvents().map(({ kind, server, reason }) => `${kind} ${server}: ${reason}`);
  }
}

test('what a record says of weight and priority counts, also when nothing else changes', () => {
  const story = new Story(1, {
    servers: [
      { weight: 2, state: 'enabled', backup: false, firstSlot: 0, slotCount: 2, epoch: 0, passive: null, health: null },
    ],
  });
  const say = (...records: readonly { readonly weight: number; readonly isBackup: boolean }[]): string => {
    story.health.handleAddresses(
      story.now,
      0,
      records.map((record, i) => Object.assign({ record }, at(i + 1))),
    );
    const slots = [story.slot(0), story.slot(1)];
    return slots.map(({ weight, isBackup }) => `${weight / 256}${isBackup ? ' backup' : ''}`).join(', ');
  };
  assert.equal(say({ weight: 3, isBackup: false }, { weight: 200, isBackup: true }), '6, 256 backup');
  assert.equal(say({ weight: 1, isBackup: true }, { weight: 5, isBackup: false }), '2 backup, 10');
  assert.deepEqual(story.health.accountOf(story.now, 1)?.weight, 10);
  assert.equal(story.health.accountOf(story.now, 0)?.isBackup, true);
  // no answer, no change
  assert.equal(say(), '2 backup, 10');
});

test('without checks a server with an address is up, and one without is an empty slot', () => {
  const story = new Story(1, {
    servers: [
      { weight: 3, state: 'enabled', backup: false, firstSlot: 4, slotCount: 2, epoch: 0, passive: null, health: null },
    ],
  });
  assert.deepEqual(story.slot(4), {
    state: SERVER_UP,
    weight: 3 * 256,
    family: 4,
    port: 80,
    isBackup: false,
    address: Uint8Array.from([192, 0, 2, 1, ...new Uint8Array(12)]),
  });
  assert.equal(story.slot(5).state, SERVER_EMPTY);
});

test('a server whose probes fail is taken down with the reason, and comes back after `rise` passes', () => {
  const story = new Story(2, { active: ACTIVE });
  story.pass(5_000, () => true);
  assert.deepEqual(story.events(), []);
  story.pass(3 * 2_200, (slot) => slot !== 1);
  assert.equal(story.states(2), 'up down');
  assert.deepEqual(story.events(), ['down 1: 3 probes failed, last: connection refused']);
  story.pass(2 * 2_200, () => true);
  assert.equal(story.states(2), 'up up');
  assert.deepEqual(story.events(), ['up 1: 2 probes passed']);
});

test('a server that stays down is told with the reason of the last check, once for each change', () => {
  const story = new Story(2, { active: ACTIVE });
  story.pass(3 * 2_200, (slot) => slot !== 1);
  const { sinceMs } = story.health.accountOf(story.now, 1)!;
  story.events();
  story.pass(3 * 2_200, (slot) => slot !== 1, 'timeout');
  assert.deepEqual(story.events(), ['still-down 1: timeout']);
  const account = story.health.accountOf(story.now, 1)!;
  assert.equal(account.reason, 'checks still fail, last: timeout');
  assert.equal(account.sinceMs, sinceMs);
  story.pass(3 * 2_200, () => true);
  assert.deepEqual(story.events(), ['up 1: 2 probes passed']);
});

test('probes keep their interval within the jitter and are spread after the first', () => {
  const story = new Story(50, { active: ACTIVE });
  const times: number[][] = Array.from({ length: 50 }, () => []);
  story.pass(60_000, (slot) => times[slot].push(story.now) > 0);
  const gaps = times.flatMap((row) => row.slice(2).map((time, i) => time - row[i + 1]));
  assert.ok(gaps.every((gap) => gap >= 1_800 && gap <= 2_200));
  const second = times.map((row) => row[1]).sort((a, b) => a - b);
  assert.ok(times.every((row) => row[0] === 0));
  assert.ok(second[0] < 300 && second[25] > 500 && second[25] < 1_500 && second[49] > 1_700 && second[49] <= 2_000);
});

test('a probe that takes long delays the next one and no second one begins meanwhile', () => {
  const story = new Story(1, { active: ACTIVE });
  const probe = story.health.nextProbe(0)!;
  assert.equal(story.health.nextProbe(9_000), null);
  assert.equal(story.health.nextDeadline(9_000), Infinity);
  story.health.handleProbeResult(9_000, probe, true, '');
  assert.notEqual(story.health.nextProbe(9_000), null);
});

test('failures of real traffic eject a server for its time', () => {
  const story = new Story(2, { passive: PASSIVE });
  story.health.handleFailures(0, place(0), 2, 'timeout');
  assert.equal(story.states(2), 'up up');
  story.health.handleFailures(0, place(0), 1, 'connection reset');
  assert.equal(story.states(2), 'ejected up');
  assert.deepEqual(story.events(), ['ejected 0: for 10 s: 3 failures within 10 s, last: connection reset']);
  story.pass(9_999, () => true);
  assert.equal(story.states(2), 'ejected up');
  story.pass(1, () => true);
  assert.equal(story.states(2), 'up up');
  assert.deepEqual(story.events(), ['readmitted 0: its ejection is over']);
});

test('an ejection that ends while the check says that the server is down puts nothing back, and says nothing', () => {
  const story = new Story(2, { active: ACTIVE, passive: PASSIVE });
  story.health.handleFailures(0, place(0), 3, 'connection reset');
  story.events();
  story.pass(60_000, (server) => server === 1);
  assert.equal(story.states(2), 'down up');
  assert.ok(!story.events().some((event) => event.startsWith('readmitted')));
});

test('the last usable server is spared, and that is said once in a while and not for every failure', () => {
  const story = new Story(2, { passive: PASSIVE });
  story.health.handleFailures(0, place(0), 3, 'timeout');
  for (let i = 0; i < 100; i++) story.health.handleFailures(i, place(1), 3, 'timeout');
  assert.equal(story.states(2), 'ejected up');
  assert.deepEqual(
    story.events().map((line) => line.split(':')[0]),
    ['ejected 0', 'spared 1'],
  );
  story.pass(10_000, () => true);
  story.health.handleFailures(story.now, place(1), 3, 'timeout');
  assert.equal(story.states(2), 'up ejected', 'as soon as another one is usable it is ejected');
});

test('when probes take the last usable server down, the ejected ones come back', () => {
  const story = new Story(2, { active: ACTIVE, passive: PASSIVE });
  story.pass(5_000, () => true);
  story.health.handleFailures(story.now, place(0), 3, 'timeout');
  story.pass(7_000, (slot) => slot === 0);
  assert.equal(story.states(2), 'up down');
  assert.match(story.events().join('\n'), /readmitted 0: no other server is left/);
});

test('a server that probes took down while it was ejected comes up by its probes alone', () => {
  const story = new Story(2, { active: ACTIVE, passive: { ...PASSIVE, ejectMs: 1_000_000 } });
  story.pass(5_000, () => true);
  story.health.handleFailures(story.now, place(0), 3, 'timeout');
  assert.equal(story.states(2), 'ejected up');
  story.pass(7_000, (slot) => slot !== 0);
  assert.equal(story.slot(0).state, SERVER_DOWN);
  story.pass(5_000, () => true);
  assert.equal(story.slot(0).state, SERVER_UP);
});

test('a server that comes back starts slowly, from one eighth of its weight to all of it', () => {
  const story = new Story(2, {
    active: ACTIVE,
    slowStartMs: 30_000,
    servers: [
      { weight: 2, state: 'enabled', backup: false, firstSlot: 0, slotCount: 1, epoch: 0, passive: null, health: null },
      { weight: 1, state: 'enabled', backup: false, firstSlot: 1, slotCount: 1, epoch: 0, passive: null, health: null },
    ],
  });
  story.pass(5_000, () => true);
  assert.equal(story.slot(0).weight, 512, 'the first start is not slow');
  story.pass(7_000, (slot) => slot !== 0);
  const seen: number[] = [];
  while (story.slot(0).weight < 512 || story.slot(0).state !== SERVER_UP) {
    story.pass(100, () => true);
    if (story.slot(0).state === SERVER_UP) seen.push(story.slot(0).weight);
  }
  assert.equal(seen[0], 64);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  assert.ok(Math.abs(seen.length * 100 - 30_000) <= 200);
});

test('an address that is no longer answered leaves; its probe on the way is void', () => {
  const story = new Story(1, {
    active: ACTIVE,
    servers: [
      { weight: 1, state: 'enabled', backup: false, firstSlot: 0, slotCount: 2, epoch: 0, passive: null, health: null },
    ],
  });
  const probe = story.health.nextProbe(0)!;
  story.health.handleAddresses(10, 0, [at(8), at(9)]);
  assert.deepEqual(story.events(), ['added 0: ', 'added 0: ', 'removed 0: ']);
  story.health.handleProbeResult(20, probe, false, 'timeout');
  assert.equal(story.states(2), 'up up');
  story.health.handleAddresses(30, 0, []);
  assert.equal(story.states(2), 'up up');
});

test('failures for a slot that has no address any more are ignored', () => {
  const story = new Story(1, {
    passive: PASSIVE,
    servers: [
      { weight: 1, state: 'enabled', backup: false, firstSlot: 0, slotCount: 2, epoch: 0, passive: null, health: null },
    ],
  });
  story.health.handleFailures(0, place(1), 100, 'timeout');
  story.health.handleFailures(0, place(77), 100, 'timeout');
  assert.deepEqual(story.events(), []);
});

test('failures at the former server of a slot are not those of the one that has it now', () => {
  const story = new Story(2, { passive: PASSIVE });
  const successor = serversOf(2).map((server, i) => Object.assign({}, server, { epoch: i }));
  story.health.apply(
    0,
    { servers: successor, active: null, passive: PASSIVE, quorum: null, slowStartMs: 0 },
    isOldCheck,
  );
  story.health.handleAddresses(0, 1, [at(9)]);
  story.health.takeEvents();
  story.health.handleFailures(0, { slot: 1, epoch: 0 }, 100, 'timeout');
  assert.equal(story.states(2), 'up up');
  assert.equal(story.health.accountOf(0, 1)?.lastFailure, null);
  story.health.handleFailures(0, { slot: 1, epoch: 1 }, 100, 'timeout');
  assert.equal(story.states(2), 'up ejected');
});

test('a server that joins others and never comes up is told to be down, once', () => {
  const story = new Story(1, { active: ACTIVE });
  story.pass(5_000, () => true);
  story.health.apply(
    story.now,
    { servers: serversOf(2), active: ACTIVE, passive: null, quorum: null, slowStartMs: 0 },
    isOldCheck,
  );
  story.health.handleAddresses(story.now, 1, [at(2)]);
  story.health.takeEvents();
  assert.equal(story.states(2), 'up down');
  story.pass(10_000, (slot) => slot === 0);
  assert.deepEqual(story.events(), ['down 1: 1 probe failed, last: connection refused']);
  story.pass(2 * 2_200, () => true);
  assert.deepEqual(story.events(), ['up 1: 2 probes passed']);
});

/** Goes on with these states, and the same servers. */
function administer(story: Story, states: readonly AdminState[], options: Partial<UpstreamHealthOptions> = {}): void {
  const servers = serversOf(states.length).map((server, i) => Object.assign({}, server, { state: states[i] }));
  story.health.apply(
    story.now,
    { servers, active: null, passive: null, quorum: null, slowStartMs: 0, ...options },
    isOldCheck,
  );
}

test('what an operator says of a server comes before what was found out, but nobody is sent to one that is down', () => {
  const story = new Story(4, { active: ACTIVE });
  story.pass(5_000, () => true);
  story.pass(3 * 2_200, (slot) => slot !== 3);
  administer(story, ['enabled', 'drain', 'disabled', 'drain'], { active: ACTIVE });
  assert.equal(story.states(4), 'up draining down down');
  assert.equal(story.slot(1).weight, 256);
  // Drained or not, it is known how they are.
  assert.equal(story.health.accountOf(story.now, 2)?.state, 'up');
  story.pass(3 * 2_200, (slot) => slot !== 1);
  assert.equal(story.states(4), 'up down down draining');
  administer(story, ['enabled', 'enabled', 'enabled', 'enabled'], { active: ACTIVE });
  assert.equal(story.states(4), 'up down up up');
});

test('weight 0 is drained, with no weight', () => {
  const story = new Story(1, {
    servers: [
      { weight: 0, state: 'enabled', backup: false, firstSlot: 0, slotCount: 1, epoch: 0, passive: null, health: null },
    ],
  });
  assert.equal(story.states(1), 'draining');
  assert.equal(story.slot(0).weight, 0);
});

test('the last server that is enabled is not ejected, and ejected ones are back when it is drained', () => {
  const passive = { passive: PASSIVE };
  const story = new Story(3, passive);
  administer(story, ['enabled', 'enabled', 'drain'], passive);
  story.health.handleFailures(0, place(0), 3, 'timeout');
  assert.equal(story.states(3), 'ejected up draining');
  story.health.handleFailures(0, place(1), 3, 'timeout');
  assert.equal(story.states(3), 'ejected up draining');
  story.health.takeEvents();
  administer(story, ['enabled', 'drain', 'drain'], passive);
  assert.equal(story.states(3), 'up draining draining');
  assert.deepEqual(story.events(), ['readmitted 0: no other server is left']);
});

test('one whose first check is awaited is tried when no other is left, which is no return', () => {
  const story = new Story(2, { active: ACTIVE });
  story.pass(ACTIVE.intervalMs, () => true);
  story.health.handleAddresses(story.now, 1, [at(9)]);
  assert.equal(story.states(2), 'up down');
  story.health.takeEvents();
  administer(story, ['drain', 'enabled'], { active: ACTIVE });
  assert.equal(story.states(2), 'draining up');
  assert.deepEqual(story.events(), ['assumed 1: no other server is left']);
});

test('a server that was disabled comes back slowly, and one that was drained at once', () => {
  const slow = { slowStartMs: 8_000 };
  const story = new Story(3, slow);
  administer(story, ['enabled', 'drain', 'disabled'], slow);
  administer(story, ['enabled', 'enabled', 'enabled'], slow);
  assert.deepEqual(
    [0, 1, 2].map((slot) => story.slot(slot).weight),
    [256, 256, 32],
  );
  story.pass(8_000, () => true);
  assert.equal(story.slot(2).weight, 256);
});

test('whatever happens, ejection never leaves an upstream without a usable server', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('fail' as const), slot: fc.nat(3), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.nat(8_000), down: fc.nat(15) }),
    fc.record({ do: fc.constant('resolve' as const), answer: fc.array(fc.nat(9), { maxLength: 4 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const story = new Story(4, { active: ACTIVE, passive: PASSIVE, quorum: null, slowStartMs: 5_000 });
      for (const one of steps) {
        if (one.do === 'fail') story.health.handleFailures(story.now, place(one.slot), one.count, 'timeout');
        else if (one.do === 'pass') story.pass(one.ms, (slot) => (one.down & (1 << slot)) === 0);
        else
          story.health.handleAddresses(
            story.now,
            0,
            one.answer.map((n) => at(n + 10)),
          );
        const slots = [0, 1, 2, 3].map((slot) => story.slot(slot));
        if (slots.some(({ state }) => state === SERVER_EJECTED)) {
          assert.ok(slots.some(({ state }) => state === SERVER_UP));
        }
        assert.ok(slots.every(({ weight }) => weight >= 32 && weight <= 256));
      }
    }),
  );
});

test('a server is named as configured, with its address where that says more', () => {
  assert.equal(serverText('web', '192.0.2.1:80', at(1)), 'web/192.0.2.1:80');
  assert.equal(serverText('api', 'api.internal:80', at(1)), 'api/api.internal:80 (192.0.2.1:80)');
  assert.equal(serverText('api', 'api.internal:80', null), 'api/api.internal:80');
});

test('a server may have a check of its own, beside others that nobody asks', () => {
  const own = serversOf(3).map((server, i) => Object.assign({}, server, { health: i === 1 ? ACTIVE : null }));
  const story = new Story(3, { servers: own });
  story.pass(10_000, () => false);
  assert.equal(story.states(3), 'up down up');
  assert.deepEqual(story.events(), ['down 1: 1 probe failed, last: connection refused']);
  assert.equal(story.health.accountOf(story.now, 0)?.reason, 'no health check');
  assert.equal(story.health.accountOf(story.now, 0)?.lastProbe, null);
});

test("a server's own check has its own interval, rise and fall", () => {
  const own = { intervalMs: 10_000, rise: 1, fall: 1, jitter: 0, retryMs: null, initial: 'up' as const };
  const servers = serversOf(2).map((server, i) => Object.assign({}, server, { health: i === 1 ? own : null }));
  const story = new Story(2, { servers, active: ACTIVE });
  story.pass(20_000, () => true);
  story.health.takeEvents();
  const probed = [0, 0];
  story.pass(100_000, (slot) => probed[slot]++ >= 0);
  assert.equal(probed[1], 10);
  assert.ok(probed[0] > 40, `${probed[0]} probes every 2 s`);
  story.pass(10_000, (slot) => slot === 0);
  assert.deepEqual(story.events(), ['down 1: 1 probe failed, last: connection refused']);
});

test('when the check of one server changes it alone is asked at once, and both stay what they are', () => {
  const own = { intervalMs: 3_600_000, rise: 1, fall: 1, jitter: 0, retryMs: null, initial: 'up' as const };
  const servers = serversOf(2).map((server) => Object.assign({}, server, { health: own }));
  const story = new Story(2, { servers });
  story.pass(3_600_000, (slot) => slot === 0);
  assert.equal(story.states(2), 'up down');
  const options = { servers, active: null, passive: null, quorum: null, slowStartMs: 0 };
  story.health.apply(story.now, options, (server) => server === 1);
  assert.equal(story.states(2), 'up down');
  assert.equal(story.health.nextProbe(story.now)?.slot, 1);
  assert.equal(story.health.nextProbe(story.now), null);
});

test('a server that has said why it does not serve is believed over its silence, for a while', () => {
  const story = new Story(2, { active: ACTIVE });
  const fail = (detail: string): void => story.pass(2_200, (slot) => slot !== 1, detail);
  const silence = 'no answer within 500 ms';
  for (let i = 0; i < 3; i++) fail(silence);
  story.events();
  fail('connection refused');
  assert.deepEqual(story.events(), ['still-down 1: connection refused']);
  for (const detail of [silence, silence, 'connection refused', silence, silence, silence]) fail(detail);
  assert.deepEqual(story.events(), []);
  assert.equal(story.health.accountOf(story.now, 1)!.reason, 'checks still fail, last: connection refused');
  for (let i = 0; i < 4; i++) fail(silence);
  assert.deepEqual(story.events(), [`still-down 1: ${silence}`]);
});
