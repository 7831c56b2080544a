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

test('names that a server may take for one that is set or removed are dropped', () => {
  for (const name of ['X_Env', 'x.env', 'X~ENV', 'x_debug']) assert.ok(drops(edit, name), name);
  assert.ok(!drops(edit, 'XEnv'));
  const odd = new HeaderEdit({ set: [['x_y', '1']], add: [], remove: [] });
  assert.ok(drops(odd, 'X_Y'));
  assert.ok(drops(odd, 'X-Y'));
  assert.ok(!drops(odd, 'xzy'));
});

test('what is set and added is appended as complete lines', () => {
  assert.equal(Buffer.from(edit.appendix).toString(), 'X-Env: prod\r\nVary: Cookie\r\n');
});

test('nothing to do is empty', () => {
  assert.ok(new HeaderEdit({ set: [], add: [], remove: [] }).isEmpty);
  assert.ok(!edit.isEmpty);
});
