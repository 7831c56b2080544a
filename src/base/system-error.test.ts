import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemReason } from './system-error.ts';

test('what the system says is told in words, and what others say as they say it', () => {
  assert.equal(systemReason({ code: 'EACCES', message: 'EACCES: x' }), 'permission denied');
  assert.equal(systemReason({ code: 'EXYZ', message: 'EXYZ: x' }), 'EXYZ: x');
  assert.equal(systemReason(new Error('it is red')), 'it is red');
  assert.equal(systemReason({ code: 'toString' }), 'toString');
});

test('a time that is over is no mystery, wrapped or not', () => {
  const late = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
  const wrapped = Object.assign(new Error('The operation was aborted', { cause: late }), { name: 'AbortError' });
  for (const error of [late, wrapped]) assert.equal(systemReason(error), 'it took too long');
  const given = Object.assign(new Error('The operation was aborted'), { name: 'AbortError' });
  assert.equal(systemReason(given), 'The operation was aborted');
});
