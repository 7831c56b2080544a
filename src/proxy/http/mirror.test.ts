import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { Mirror } from './mirror.ts';

const to = { kind: 'call', name: 'shadow' } as const;

test('a share of the requests has copies, and all have where it is all', () => {
  const prng = new Prng(7);
  const some = new Mirror({ to, share: 1250, takesBody: true });
  let count = 0;
  for (let i = 0; i < 100_000; i++) if (some.takes(prng)) count++;
  assert.ok(count > 12_000 && count < 13_000, `${count} of 100000 for 12.5%`);
  const all = new Mirror({ to, share: 10_000, takesBody: true });
  for (let i = 0; i < 1000; i++) assert.ok(all.takes(prng));
});
