import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as errors from './errors.ts';

describe('HTTP/1 errors', () => {
  it('have one row each, named after their constant', () => {
    const codes = Object.entries(errors).filter(([name]) => name.startsWith('ERR_')) as [string, number][];
    assert.equal(errors.HTTP_ERROR_NAMES.length, codes.length + 1);
    for (const [constant, code] of codes) {
      const { name, status, text } = errors.httpError(code);
      assert.equal(name, constant.slice('ERR_'.length).toLowerCase().replaceAll('_', '-'));
      assert.ok(status >= 400 && status <= 505);
      assert.match(text, /^[A-Z].*\.$/);
    }
  });
});
