/** Who may enter by what several say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASK_NEXT, ENTERS, UNDECIDED, Verdict } from './verdict.ts';

const REFUSALS = [401, 403];

/** What becomes of a request, by what those who are asked answer in their turn. */
function judge(isAnyEnough: boolean, ...statuses: readonly number[]): number {
  const verdict = new Verdict();
  for (const [i, status] of statuses.entries()) {
    const isLast = i === statuses.length - 1;
    const end = verdict.hear(status, REFUSALS, isAnyEnough, isLast);
    if (end !== ASK_NEXT) return end;
    assert.equal(isLast, false, 'the last one decides');
  }
  assert.fail('somebody is asked');
}

test('all have to say yes, and the first no counts', () => {
  assert.equal(judge(false, 204), ENTERS);
  assert.equal(judge(false, 200, 299), ENTERS);
  assert.equal(judge(false, 200, 403), 403);
  assert.equal(judge(false, 401, 200), 401);
  assert.equal(judge(false, 403, 401), 403);
});

test('one yes is enough; without one 401 goes before 403', () => {
  assert.equal(judge(true, 401, 200), ENTERS);
  assert.equal(judge(true, 200, 500), ENTERS);
  assert.equal(judge(true, 403, 401), 401);
  assert.equal(judge(true, 401, 403), 401);
  assert.equal(judge(true, 403, 403), 403);
});

test('no other answer lets anybody in, and nobody else is asked then', () => {
  for (const status of [0, 100, 199, 300, 302, 400, 402, 404, 429, 500, 502]) {
    assert.equal(judge(false, status), UNDECIDED);
    assert.equal(judge(true, status, 200), UNDECIDED);
    assert.equal(judge(true, 401, status), UNDECIDED);
  }
});
