import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrafficMemory } from '../traffic/totals.ts';
import { type CountMemory, FormerCounts } from './former-counts.ts';
import { LateCounts, NO_COUNTS } from './late-counts.ts';

const SERVER = { upstream: 'api', server: 'one', address: '10.0.0.1:80' };
const EARLY: CountMemory = {
  listeners: [
    { listener: 'web', accepted: 5, datagrams: null },
    { listener: 'dns', accepted: 2, datagrams: { in: 7, out: 6 } },
  ],
  servers: [{ ...SERVER, requests: 4, failures: 1, shortages: 0 }],
  answers: [{ answer: 'no-route', count: 3, resets: 1 }],
  traffic: [{ kind: 'listener', key: 'web\nhttp', cells: [0, 0, 5] }],
};
const LATER: CountMemory = {
  listeners: [
    { listener: 'web', accepted: 6, datagrams: null },
    { listener: 'dns', accepted: 2, datagrams: { in: 7, out: 8 } },
  ],
  servers: [
    { ...SERVER, requests: 6, failures: 1, shortages: 1 },
    { ...SERVER, address: null, requests: 0, failures: 0, shortages: 0 },
  ],
  answers: [
    { answer: 'no-route', count: 3, resets: 2 },
    { answer: 'no-server', count: 1 },
  ],
  traffic: [
    { kind: 'listener', key: 'web\nhttp', cells: [0, 0, 6, 1] },
    { kind: 'upstream', key: 'api', cells: [2] },
  ],
};

function countsIn(former: FormerCounts): unknown {
  return [
    ['web', 'dns'].map((listener) => [former.accepted(listener), former.datagrams(listener)]),
    former.server(SERVER.upstream, SERVER.server, SERVER.address),
    ['no-route', 'no-server'].map((answer) => [former.answers(answer), former.resets(answer)]),
  ];
}

test('whoever has the last words and what is told later knows as much as from later words', () => {
  const [known, whole] = [new FormerCounts(), new FormerCounts()];
  known.recall(EARLY);
  whole.recall(LATER);
  const late = new LateCounts(EARLY);
  for (const piece of late.take(LATER)) known.add(piece);
  assert.deepEqual(countsIn(known), countsIn(whole));
  assert.deepEqual(late.take(LATER), []);
});

test('of traffic it is what was counted since, of what has counted', () => {
  const traffic: TrafficMemory[] = new LateCounts(EARLY).take(LATER).flatMap((piece) => piece.traffic ?? []);
  assert.deepEqual(traffic, [
    { kind: 'listener', key: 'web\nhttp', cells: [0, 0, 1, 1] },
    { kind: 'upstream', key: 'api', cells: [2] },
  ]);
});

test('where the last words did not arrive it is all', () => {
  const known = new FormerCounts();
  for (const piece of new LateCounts(NO_COUNTS).take(EARLY)) known.add(piece);
  const whole = new FormerCounts();
  whole.recall(EARLY);
  assert.deepEqual(countsIn(known), countsIn(whole));
});
