import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as errors from './errors.ts';

const codes = (Object.entries(errors) as [string, number][])
  .filter(([name]) => name.startsWith('ERR_'))
  .sort(([, a], [, b]) => b - a);

describe('HTTP/1 errors', () => {
  it('have one row each, named after their constant', () => {
    assert.deepEqual(
      codes.map(([, code]) => code),
      codes.map((_, i) => -1 - i),
    );
    for (const [constant, code] of codes) {
      const { name, status, text } = errors.httpError(code);
      assert.equal(name, constant.slice('ERR_'.length).toLowerCase().replaceAll('_', '-'));
      assert.ok(status >= 400 && status <= 505);
      assert.match(text, /^[A-Z].*\.$/);
    }
  });

  it('are all in docs/http.md, with their status and text', () => {
    const page = readFileSync(new URL('../../../../docs/http.md', import.meta.url), 'utf8');
    const rows = codes.map(([, code]) => {
      const { name, status, text } = errors.httpError(code);
      return `| \`${name}\` | ${status} | ${text} |\n`;
    });
    assert.ok(page.includes(rows.join('')));
  });
});
