import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Follower, type Order, type Outcome } from './follower.ts';
import { foundation, type NodeReport, type RolloutRecord, type Version } from './record.ts';
import { nodesOf, Rollout, type Step } from './rollout.ts';

const WATCH_MS = 10_000;

function record(version: number, other: Partial<RolloutRecord> = {}): RolloutRecord {
  return {
    version,
    configuration: `c${version}`,
    nodes: null,
    former: null,
    stopped: null,
    watchMs: WATCH_MS,
    by: 'alice',
    ...other,
  };
}

function old(version: number): Version {
  return { version, configuration: `c${version}` };
}

/** A balancer as a follower sees it: what it has, what it would go back to, and which versions are wrong or fail. */
class Balancer {
  inForce: unknown = 'own';
  private pending: { readonly before: unknown; readonly untilMs: number } | null = null;
  isThere = true;

  carryOut(order: Order, nowMs: number, isRight: (configuration: unknown) => boolean): Outcome {
    if (!this.isThere) return { kind: 'failed', why: 'nobody answers' };
    switch (order.kind) {
      case 'take': {
        const { configuration } = order.version;
        if (!isRight(configuration)) return { kind: 'refused', why: 'it is wrong' };
        const isSame = this.inForce === configuration && this.pending === null;
        this.pending = { before: this.pending?.before ?? this.inForce, untilMs: nowMs + order.forMs };
        this.inForce = configuration;
        return { kind: 'done', isSame };
      }
      case 'keep':
      case 'go-back':
        if (this.pending === null) return { kind: 'refused', why: 'nothing is pending' };
        if (order.kind === 'go-back') this.inForce = this.pending.before;
        this.pending = null;
        return { kind: 'done' };
      case 'stop':
        return { kind: 'done' };
    }
  }

  handleTime(nowMs: number): void {
    if (this.pending === null || nowMs < this.pending.untilMs) return;
    this.inForce = this.pending.before;
    this.pending = null;
  }
}

test('a version is taken on trial, kept when its time is over, and told of', () => {
  const follower = new Follower('lb01');
  assert.equal(follower.next(0), null);
  follower.handleRecord(record(3));
  const take = follower.next(0)!;
  assert.deepEqual(take, { kind: 'take', version: record(3), forMs: WATCH_MS + 30_000 });
  follower.handleOutcome(take, { kind: 'done' }, 0);
  assert.deepEqual(follower.report, { node: 'lb01', version: 3, wanted: 3, state: 'watches', why: '' });
  assert.equal(follower.next(WATCH_MS - 1), null);
  const keep = follower.next(WATCH_MS)!;
  assert.equal(keep.kind, 'keep');
  follower.handleOutcome(keep, { kind: 'done' }, WATCH_MS);
  assert.deepEqual(follower.report, { node: 'lb01', version: 3, wanted: 3, state: 'keeps', why: '' });
  assert.equal(follower.next(WATCH_MS), null);
});

test('when errors rise it goes back, has it stopped everywhere, and does not take it again', () => {
  const follower = new Follower('lb01');
  follower.handleCounts({ requests: 1_000, failed: 10 }, 0);
  follower.handleCounts({ requests: 2_000, failed: 20 }, 1_000);
  follower.handleRecord(record(3, { former: old(2) }));
  const take = follower.next(1_000)!;
  follower.handleOutcome(take, { kind: 'done' }, 1_000);
  follower.handleCounts({ requests: 3_000, failed: 45 }, 2_000);
  assert.equal(follower.next(2_000), null, '2.5 % is no more than twice 1 % and one of a hundred');
  follower.handleCounts({ requests: 4_000, failed: 120 }, 3_000);
  const back = follower.next(3_000)!;
  assert.equal(back.kind, 'go-back');
  follower.handleOutcome(back, { kind: 'done' }, 3_000);
  const stop = follower.next(3_000)!;
  const why = '5 % of the requests are answered with a 5xx, and 1 % were before';
  assert.deepEqual(stop, { kind: 'stop', version: 3, why: `lb01: ${why}` });
  follower.handleOutcome(stop, { kind: 'failed', why: 'etcd is away' }, 3_000);
  assert.equal(follower.next(3_000)?.kind, 'stop');
  follower.handleOutcome(stop, { kind: 'done' }, 3_000);
  assert.equal(follower.next(3_000), null);
  assert.deepEqual(follower.report, { node: 'lb01', version: null, wanted: 3, state: 'refuses', why });
  follower.handleRecord(record(4, { former: old(2) }));
  assert.equal(follower.next(3_000)?.kind, 'take');
});

test('a version without one of the listeners is no version with errors: what the others counted before stays before', () => {
  const follower = new Follower('lb01');
  follower.handleCounts({ requests: 100_000, failed: 9_000 }, 0);
  follower.handleCounts({ requests: 101_000, failed: 9_020 }, 1_000);
  follower.handleRecord(record(3));
  follower.handleOutcome(follower.next(1_000)!, { kind: 'done' }, 1_000);
  follower.handleCounts({ requests: 50_000, failed: 9_010 }, 2_000);
  assert.equal(follower.next(2_000), null);
  follower.handleCounts({ requests: 51_000, failed: 9_040 }, 3_000);
  assert.equal(follower.next(3_000), null, '3 % is no more than twice 2 % and one of a hundred');
  follower.handleCounts({ requests: 52_000, failed: 9_140 }, 4_000);
  assert.equal(follower.next(4_000)?.kind, 'go-back');
});

test('counts that come for the first time behind a version were not before it', () => {
  const follower = new Follower('lb01');
  follower.handleRecord(record(3));
  follower.handleOutcome(follower.next(0)!, { kind: 'done' }, 0);
  follower.handleCounts({ requests: 100_000, failed: 50_000 }, 1_000);
  assert.equal(follower.next(1_000), null);
  follower.handleCounts({ requests: 100_100, failed: 50_020 }, 2_000);
  assert.equal(follower.next(2_000)?.kind, 'go-back');
});

test('one that is refused is told of; one that cannot be asked for is tried again', () => {
  const follower = new Follower('lb01');
  follower.handleRecord(record(3));
  const take = follower.next(0)!;
  follower.handleOutcome(take, { kind: 'failed', why: 'nobody answers' }, 0);
  assert.equal(follower.report.why, 'nobody answers');
  assert.equal(follower.next(1)?.kind, 'take');
  follower.handleOutcome(take, { kind: 'refused', why: 'no such upstream' }, 1);
  assert.equal(follower.next(2), null);
  assert.deepEqual(follower.report, {
    node: 'lb01',
    version: null,
    wanted: 3,
    state: 'refuses',
    why: 'no such upstream',
  });
});

test('who is not among the nodes has the former version, and everybody when it is stopped', () => {
  const follower = new Follower('lb02');
  follower.handleRecord(record(3, { nodes: ['lb01'], former: old(2) }));
  assert.deepEqual((follower.next(0) as { version: Version }).version, old(2));
  follower.handleRecord(record(3, { nodes: ['lb01'] }));
  assert.equal(follower.next(0), null);
  assert.deepEqual(foundation(record(3, { nodes: ['lb01'], former: old(2) })), old(2));
  assert.deepEqual(foundation(record(3, { former: old(2) })), old(3));
  assert.deepEqual(foundation(record(3, { former: old(2), stopped: { why: '', by: '' } })), old(2));
});

test('steps are at least one node, always the same ones first', () => {
  const all = ['d', 'b', 'a', 'c'];
  assert.deepEqual(nodesOf({ kind: 'count', value: 1 }, all), ['a']);
  assert.deepEqual(nodesOf({ kind: 'percent', value: 1 }, all), ['a']);
  assert.deepEqual(nodesOf({ kind: 'percent', value: 51 }, all), ['a', 'b', 'c']);
  assert.equal(nodesOf({ kind: 'all' }, all), null);
});

test('a node that says nothing in time stops it', () => {
  const rollout = new Rollout(3, [{ kind: 'all' }], WATCH_MS, ['lb01', 'lb02'], 0);
  const keeps: NodeReport = { node: 'lb01', version: 3, wanted: 3, state: 'keeps', why: '' };
  assert.deepEqual(rollout.next(record(3), [keeps], WATCH_MS), { kind: 'wait', for: ['lb02'] });
  const why = 'lb02 did not keep it in time';
  assert.deepEqual(rollout.next(record(3), [keeps], WATCH_MS + 60_001), { kind: 'stop', why });
  assert.equal(rollout.next(record(4), [keeps], 0).kind, 'stopped');
});

test('a step that could not be written is written again, and is not late for that', () => {
  const steps: readonly Step[] = [{ kind: 'count', value: 1 }, { kind: 'all' }];
  const rollout = new Rollout(3, steps, WATCH_MS, ['lb01', 'lb02'], 0);
  const keeps: NodeReport = { node: 'lb01', version: 3, wanted: 3, state: 'keeps', why: '' };
  const first = record(3, { nodes: ['lb01'] });
  const goOn = { kind: 'go-on', nodes: null };
  assert.deepEqual(rollout.next(first, [keeps], 1_000), goOn);
  assert.deepEqual(rollout.next(first, [keeps], WATCH_MS + 90_000), goOn);
  assert.deepEqual(rollout.next(record(3), [keeps], WATCH_MS + 91_000), { kind: 'wait', for: ['lb02'] });
});

test('what a node says of an earlier version stops nothing', () => {
  const rollout = new Rollout(3, [{ kind: 'all' }], WATCH_MS, ['lb01'], 0);
  const late: NodeReport = { node: 'lb01', version: 1, wanted: 2, state: 'refuses', why: 'it was wrong' };
  assert.deepEqual(rollout.next(record(3), [late], 0), { kind: 'wait', for: ['lb01'] });
  assert.deepEqual(rollout.next(record(3), [{ ...late, wanted: 3 }], 0), { kind: 'stop', why: 'lb01: it was wrong' });
});

const STEPS: readonly Step[] = [{ kind: 'count', value: 1 }, { kind: 'percent', value: 50 }, { kind: 'all' }];

test('whatever fails on the way, nodes end with one version: the new one if all keep it, or else the former', () => {
  const event = fc.record({
    atMs: fc.integer({ min: 0, max: 60_000 }),
    what: fc.constantFrom('cut' as const, 'heal' as const, 'errors' as const, 'publisher' as const),
    node: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 6 }), fc.boolean(), (events, isWrong) => {
      const names = ['a', 'b', 'c', 'd'];
      const balancers = names.map(() => new Balancer());
      const followers = names.map((name) => new Follower(name));
      const seen = names.map(() => true);
      const errors = names.map(() => false);
      let stored = record(1);
      let reports: NodeReport[] = [];
      let isPublishing = false;
      let rollout: Rollout | null = null;
      const isRight = (configuration: unknown): boolean => !isWrong || configuration !== 'c2';
      const counts = names.map(() => ({ requests: 0, failed: 0 }));
      for (let nowMs = 0; nowMs <= 400_000; nowMs += 1_000) {
        for (const { atMs, node, what } of events) {
          if (Math.floor((100_000 + atMs) / 1_000) * 1_000 !== nowMs) continue;
          if (what === 'cut') seen[node] = false;
          if (what === 'heal') seen[node] = true;
          if (what === 'errors') errors[node] = balancers[node].inForce === 'c2';
          if (what === 'publisher') isPublishing = false;
        }
        if (nowMs === 90_000) {
          rollout = new Rollout(2, STEPS, WATCH_MS, names, nowMs);
          stored = record(2, { former: old(1), nodes: rollout.first });
          isPublishing = true;
        }
        // in the end everything is there again
        if (nowMs === 250_000) seen.fill(true);
        followers.forEach((follower, i) => {
          balancers[i].handleTime(nowMs);
          if (seen[i]) follower.handleRecord(stored);
          counts[i].requests += 1_000;
          if (errors[i] && balancers[i].inForce === 'c2') counts[i].failed += 500;
          follower.handleCounts(counts[i], nowMs);
          const order = follower.next(nowMs);
          if (order === null) return;
          let outcome = balancers[i].carryOut(order, nowMs, isRight);
          if (order.kind === 'stop') {
            if (!seen[i]) outcome = { kind: 'failed', why: 'cut off' };
            else if (stored.version === order.version)
              stored = { ...stored, stopped: { why: order.why, by: names[i] } };
          }
          follower.handleOutcome(order, outcome, nowMs);
        });
        reports = followers.flatMap(({ report }, i) => (seen[i] ? [report] : []));
        if (!isPublishing || rollout === null) continue;
        const next = rollout.next(stored, reports, nowMs);
        if (next.kind === 'go-on') stored = { ...stored, nodes: next.nodes };
        if (next.kind === 'stop') stored = { ...stored, stopped: { why: next.why, by: 'alice' } };
        if (next.kind === 'stopped' || next.kind === 'done') isPublishing = false;
      }
      const isNew = (i: number): boolean =>
        stored.stopped === null && (stored.nodes === null || stored.nodes.includes(names[i]));
      balancers.forEach(({ inForce }, i) => assert.equal(inForce, isNew(i) ? 'c2' : 'c1', names[i]));
      if (isWrong) assert.notEqual(stored.stopped ?? (stored.nodes?.length === 1 ? 'left' : null), null);
    }),
  );
});
