import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderEdit } from './header-edit.ts';

function drops(edit: HeaderEdit, name: string): boolean {
  const bytes = Buffer.from(`xx${name}yy`);
  return edit.drops(bytes, 2, name.length);
}

const edit = new HeaderEdit({ set: [['X-Env', 'prod']], add: [['Vary', 'Cookie']], remove: ['X-Debug'] });

test('set and removed fields are dropped in any case; added ones stay', () => {
  assert.ok(drops(edit, 'x-env'));
  assert.ok(drops(edit, 'X-DEBUG'));
  assert.ok(!drops(edit, 'Vary'));
  assert.ok(!drops(edit, 'X-Env2'));
  assert.ok(!drops(edit, 'X-En'));
});

test('names that differ only in bit 5 outside letters are different names', () => {
  const odd = new HeaderEdit({ set: [['x^y', '1']], add: [], remove: [] });
  assert.ok(drops(odd, 'X^Y'));
  assert.ok(!drops(odd, 'x~y'));
});

test('what is set and added is appended as complete lines', () => {
  assert.equal(Buffer.from(edit.appendix).toString(), 'X-Env: prod\r\nVary: Cookie\r\n');
});

test('nothing to do is empty', () => {
  assert.ok(new HeaderEdit({ set: [], add: [], remove: [] }).isEmpty);
  assert.ok(!edit.isEmpty);
});
