import assert from 'node:assert/strict';
import { test } from 'node:test';
import { familyText } from './exposition.ts';

test('what is written is read as it was: quotes, backslashes, line feeds, values that are no numbers', () => {
  const samples = [
    [{ name: 'a"b\\c\nd', other: '' }, 1.5],
    [{}, Number.POSITIVE_INFINITY],
  ] as const;
  assert.equal(
    familyText({ name: 'x_total', help: 'One\\two\nthree "four".', type: 'counter', samples }),
    '# HELP x_total One\\\\two\\nthree "four".\n# TYPE x_total counter\nx_total{name="a\\"b\\\\c\\nd",other=""} 1.5\nx_total +Inf\n',
  );
});

test('a family without samples is not mentioned', () => {
  assert.equal(familyText({ name: 'x', help: 'None.', type: 'gauge', samples: [] }), '');
});
