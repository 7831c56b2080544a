import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ANSWER_KINDS, udpSubject } from './kinds.ts';

test('names of kinds are told apart', () => {
  assert.equal(new Set(ANSWER_KINDS.map(({ name }) => name)).size, ANSWER_KINDS.length);
});

test('every answer of the proxy’s own is in docs/troubleshooting.md, with its status and text', () => {
  const page = readFileSync(new URL('../../../../docs/troubleshooting.md', import.meta.url), 'utf8');
  for (const kind of ANSWER_KINDS) {
    const { name, status, text } = kind;
    const shown = udpSubject(kind) ?? (status === 0 ? "the server's" : status);
    const row = `| \`${name}\` | ${shown} | ${text} |`;
    assert.ok(page.includes(row), `the page has no row that begins with ${row}`);
  }
});
