import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FloodGate } from './flood-gate.ts';

const S = 1_000_000;
const SAMPLE = 256;

/** `count` packets, evenly from one time to another. */
function count(gate: FloodGate, packets: number, fromUs: number, toUs: number): void {
  for (let i = 0; i < packets; i++) gate.count(fromUs + (i * (toUs - fromUs)) / packets);
}

function narrowed(nowUs: number): FloodGate {
  const gate = new FloodGate(SAMPLE);
  count(gate, 200, nowUs, nowUs);
  assert.equal(gate.tick(nowUs), 'narrow');
  return gate;
}

test('200 within a second narrow it at once, fewer never do', () => {
  const gate = new FloodGate(SAMPLE);
  for (let second = 0; second < 60; second++) {
    count(gate, 199, second * 2 * S, second * 2 * S + S);
    assert.equal(gate.deadlineUs, Number.POSITIVE_INFINITY);
  }
  gate.count(118 * S + S);
  assert.ok(gate.deadlineUs <= 119 * S);
  assert.equal(gate.tick(119 * S), 'narrow');
});

test('what was queued before the filter was on counts for one, and what comes after for the sample', () => {
  const gate = narrowed(0);
  assert.deepEqual([gate.state, gate.weight], ['narrowing', 1]);
  assert.equal(gate.tick(S / 10 - 1), null);
  assert.equal(gate.weight, 1);
  assert.equal(gate.tick(S / 10), null);
  assert.deepEqual([gate.state, gate.weight], ['narrow', SAMPLE]);
});

test('it stays narrow as long as more than 100 a second come, and opens when it is calm', () => {
  const gate = narrowed(0);
  gate.tick(S / 10);
  let nowUs = S / 10;
  for (let i = 0; i < 6; i++) {
    assert.equal(gate.deadlineUs, nowUs + 10 * S);
    // Four read: about 102 a second.
    count(gate, 4, nowUs, gate.deadlineUs);
    nowUs = gate.deadlineUs;
    assert.equal(gate.tick(nowUs), null);
  }
  count(gate, 3, nowUs, gate.deadlineUs);
  assert.equal(gate.tick(gate.deadlineUs), 'wide');
  assert.deepEqual([gate.state, gate.weight, gate.deadlineUs], ['open', 1, Number.POSITIVE_INFINITY]);
});

test('a filter that the kernel does not take is tried again by the next second of the flood', () => {
  const gate = narrowed(0);
  gate.handleFailure(0);
  assert.deepEqual([gate.state, gate.weight, gate.deadlineUs], ['open', 1, Number.POSITIVE_INFINITY]);
  count(gate, 300, S, S + S / 2);
  assert.equal(gate.tick(S + S / 2), 'narrow');
});

test('a tick too early does nothing', () => {
  const gate = new FloodGate(SAMPLE);
  assert.equal(gate.tick(S), null);
  assert.equal(gate.state, 'open');
});
