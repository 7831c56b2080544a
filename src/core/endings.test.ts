import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER_KINDS } from './answers/kinds.ts';
import { endedByAnswer, ENDINGS, isComplete, SERVED } from './endings.ts';

test('a request that nobody has ended is complete, and no other is', () => {
  for (const [number, { name, by }] of ENDINGS.entries()) assert.equal(isComplete(number), by === 'nobody', name);
  assert.ok(isComplete(SERVED));
});

test('what the proxy answers with an error ends as the answer is called', () => {
  for (const [kind, { name }] of ANSWER_KINDS.entries()) assert.equal(ENDINGS[endedByAnswer(kind)].name, name);
  assert.equal(ENDINGS[endedByAnswer(-1)].name, 'answered');
});

test('each has a name of its own', () => {
  assert.equal(new Set(ENDINGS.map(({ name }) => name)).size, ENDINGS.length);
});
