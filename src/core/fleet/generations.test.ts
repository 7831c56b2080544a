import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Generations, OLD_GENERATIONS_MAX, renderCharge, STAND_BY_MS_MAX, UPGRADE_MS_MAX } from './generations.ts';

const page = new URL('../../../../docs/upgrade.md', import.meta.url);

test('the table in docs/upgrade.md is what the machine renders to (EVENKEEL_WRITE_DOCS=1 writes it)', () => {
  const text = readFileSync(page, 'utf8');
  const rendered = text.replace(/(<!-- charge -->\n)[^]*(<!-- \/charge -->)/, `$1${renderCharge()}\n$2`);
  if (process.env.EVENKEEL_WRITE_DOCS === '1') writeFileSync(page, rendered);
  else assert.equal(text, rendered);
});

test('a successor that serves takes over, once', () => {
  const generations = new Generations();
  assert.equal(generations.handleUpgrade(0), true);
  assert.deepEqual(generations.takeActions(), [{ kind: 'start' }]);
  assert.equal(generations.handleUpgrade(1), false);
  assert.equal(generations.isInCharge, true);
  generations.handleReady(2);
  assert.deepEqual(generations.takeActions(), [{ kind: 'part' }]);
  generations.handleStandsBy();
  assert.deepEqual(generations.takeActions(), [{ kind: 'yield' }]);
  assert.equal(generations.isInCharge, true);
  generations.handleYielded();
  assert.deepEqual(generations.takeActions(), [{ kind: 'hand-over' }]);
  assert.equal(generations.isInCharge, false);
  generations.handleFailed('it ended');
  generations.handleLook(UPGRADE_MS_MAX);
  assert.equal(generations.handleUpgrade(2), false);
  assert.deepEqual(generations.takeActions(), []);
});

test('a successor that fails, or does not serve in time, leaves no trace: the next one may try', () => {
  const generations = new Generations();
  generations.handleUpgrade(0);
  generations.handleFailed('it ended');
  assert.deepEqual(generations.takeActions().slice(1), [{ kind: 'abandon', reason: 'it ended' }]);
  generations.handleReady(2);
  assert.equal(generations.isInCharge, true);
  assert.equal(generations.handleUpgrade(10), true);
  generations.handleLook(9 + UPGRADE_MS_MAX);
  assert.deepEqual(generations.takeActions(), [{ kind: 'start' }]);
  generations.handleLook(10 + UPGRADE_MS_MAX);
  assert.deepEqual(generations.takeActions(), [
    { kind: 'abandon', reason: 'the new program does not serve after 30 s' },
  ]);
});

test('a successor that is gone before it serves has failed; after that, who finishes has only `grace` left', () => {
  const generations = new Generations();
  generations.handleSuccessorGone();
  assert.deepEqual(generations.takeActions(), []);
  generations.handleUpgrade(0);
  generations.handleSuccessorGone();
  assert.deepEqual(
    generations.takeActions().map(({ kind }) => kind),
    ['start', 'abandon'],
  );
  assert.equal(generations.isInCharge, true);
  generations.handleUpgrade(1);
  generations.handleReady(2);
  generations.takeActions();
  generations.handleSuccessorGone();
  const [{ kind, reason }] = generations.takeActions() as { kind: string; reason?: string }[];
  assert.equal(kind, 'abandon');
  assert.match(reason!, /ended before it stood by/);
  generations.handleUpgrade(3);
  generations.handleReady(4);
  generations.handleStandsBy();
  generations.handleYielded();
  generations.takeActions();
  generations.handleSuccessorGone();
  assert.deepEqual(generations.takeActions(), [{ kind: 'hasten' }]);
});

test('a successor that is gone when there is no way back is handed over to, and nobody is in charge then', () => {
  const generations = new Generations();
  generations.handleUpgrade(0);
  generations.handleReady(1);
  generations.handleStandsBy();
  generations.takeActions();
  generations.handleSuccessorGone();
  assert.deepEqual(generations.takeActions(), []);
  assert.equal(generations.isInCharge, true);
  generations.handleYielded();
  assert.deepEqual(generations.takeActions(), [{ kind: 'hand-over' }, { kind: 'hasten' }]);
});

test('one that serves, and does not stand by for the addresses, is abandoned; once it does there is no way back', () => {
  const generations = new Generations();
  generations.handleUpgrade(0);
  generations.handleReady(100);
  generations.takeActions();
  generations.handleLook(99 + STAND_BY_MS_MAX);
  assert.deepEqual(generations.takeActions(), []);
  generations.handleLook(100 + STAND_BY_MS_MAX);
  assert.equal(generations.takeActions()[0].kind, 'abandon');
  generations.handleStandsBy();
  generations.handleYielded();
  assert.deepEqual(generations.takeActions(), []);

  generations.handleUpgrade(10_000);
  generations.handleReady(10_100);
  generations.handleStandsBy();
  generations.takeActions();
  generations.handleFailed('it ended');
  generations.handleStop();
  generations.handleLook(10_000 + UPGRADE_MS_MAX);
  assert.deepEqual(generations.takeActions(), []);
  generations.handleYielded();
  assert.deepEqual(generations.takeActions(), [{ kind: 'hand-over' }]);
});

test('a stop abandons the successor', () => {
  const generations = new Generations();
  generations.handleStop();
  assert.deepEqual(generations.takeActions(), []);
  generations.handleUpgrade(0);
  generations.handleStop();
  assert.deepEqual(generations.takeActions().slice(1), [{ kind: 'abandon', reason: 'evenkeel ends' }]);
});

test('of more old generations than there may be, the oldest ends first', () => {
  const generations = new Generations();
  for (let id = 0; id < OLD_GENERATIONS_MAX; id++) generations.handleOld(id);
  assert.deepEqual(generations.takeActions(), []);
  generations.handleFinished(1);
  generations.handleOld(10);
  assert.deepEqual(generations.takeActions(), []);
  generations.handleOld(11);
  assert.deepEqual(generations.takeActions(), [{ kind: 'end', id: 0 }]);
});
