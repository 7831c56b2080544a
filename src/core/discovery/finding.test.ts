import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Finding } from './finding.ts';

const HOLD_MS = 5_000;

function list(...names: string[]): { readonly name: string; readonly weight: number }[] {
  return names.map((name) => ({ name, weight: 1 }));
}

function names(finding: Finding<{ readonly name: string }>): string {
  return finding.servers.map(({ name }) => name).join(' ');
}

test('a server that a list does not have stays for a while, and goes then', () => {
  const finding = new Finding(HOLD_MS);
  finding.handleList(list('a', 'b'), 0);
  finding.handleList(list('b', 'c'), 1_000);
  assert.equal(names(finding), 'b c a');
  assert.equal(finding.deadlineMs, 6_000);
  finding.handleList(list('b'), 3_000);
  finding.handleTime(5_999);
  assert.equal(names(finding), 'b c a');
  finding.handleTime(6_000);
  assert.equal(names(finding), 'b c');
  finding.handleTime(8_000);
  assert.equal(names(finding), 'b');
  assert.equal(finding.deadlineMs, Number.POSITIVE_INFINITY);
});

test('who was missing before a restart stays as long as without one', () => {
  const before = new Finding<{ readonly name: string; readonly weight: number }>(HOLD_MS);
  before.handleList(list('a', 'b', 'c'), 0);
  before.handleList(list('b', 'c'), 1_000);
  before.handleList(list('c'), 3_000);
  const finding = new Finding<{ readonly name: string; readonly weight: number }>(HOLD_MS);
  finding.recall(list('c'), before.missing, 4_000);
  assert.equal(names(finding), 'c b a');
  assert.equal(finding.listedMs, null);
  finding.handleTime(6_000);
  assert.equal(names(finding), 'c b');
  finding.handleList(list('c', 'b'), 7_000);
  finding.handleTime(60_000);
  assert.equal(names(finding), 'c b');
});

test('one that comes back in time has never gone, and is as the new list says', () => {
  const finding = new Finding<{ readonly name: string; readonly weight: number }>(HOLD_MS);
  finding.handleList(list('a', 'b'), 0);
  finding.handleList(list('a'), 1_000);
  finding.handleList([{ name: 'b', weight: 7 }, ...list('a')], 5_000);
  finding.handleTime(60_000);
  assert.deepEqual(finding.servers, [{ name: 'b', weight: 7 }, ...list('a')]);
});

test('a failure changes nothing, and is told with the time of the first one in a row', () => {
  const finding = new Finding(HOLD_MS);
  assert.equal(names(finding), '');
  finding.handleFailure('refused', 10);
  assert.equal(names(finding), '');
  finding.handleList(list('a'), 20);
  assert.equal(finding.problem, null);
  finding.handleFailure('refused', 30);
  finding.handleFailure('empty', 40);
  assert.deepEqual(finding.problem, { why: 'empty', sinceMs: 30 });
  finding.handleTime(1_000_000);
  assert.equal(names(finding), 'a');
  assert.equal(finding.listedMs, 20);
});

test('whatever comes, the servers are those of the last list and those that were in one not long ago', () => {
  const event = fc.record({
    afterMs: fc.nat(4_000),
    names: fc.array(fc.constantFrom<string>('a', 'b', 'c', 'd', 'e')),
  });
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const finding = new Finding(HOLD_MS);
      const listedMs = new Map<string, number>();
      let last: readonly string[] = [];
      let gone: ReadonlyMap<string, number> = new Map();
      let nowMs = 0;
      for (const { afterMs, names: all } of events) {
        nowMs += afterMs;
        const wanted = [...new Set(all)];
        if (wanted.length === 0) finding.handleFailure('empty', nowMs);
        else {
          const before = new Set([...last, ...gone.keys()]);
          const missing = [...before].filter((name) => !wanted.includes(name));
          gone = new Map(missing.map((name) => [name, gone.get(name) ?? nowMs]));
          last = wanted;
          for (const name of wanted) listedMs.set(name, nowMs);
          finding.handleList(list(...wanted), nowMs);
        }
        finding.handleTime(nowMs);
        gone = new Map([...gone].filter(([, sinceMs]) => nowMs - sinceMs < HOLD_MS));
        assert.deepEqual(new Set(finding.servers.map(({ name }) => name)), new Set([...last, ...gone.keys()]));
      }
    }),
  );
});
