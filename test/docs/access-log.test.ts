/** docs/access-log.md explains every reason why a request ends that is no answer, and every phase. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ANSWER_KINDS } from '../../src/core/answers/kinds.ts';
import { ENDINGS, PHASES } from '../../src/core/endings.ts';

const page = readFileSync(new URL('../../../docs/access-log.md', import.meta.url), 'utf8');

test('reasons', () => {
  const answers = new Set(ANSWER_KINDS.map(({ name }) => name));
  const own = ENDINGS.filter(({ name }) => !answers.has(name));
  for (const { name, by } of own) assert.ok(page.includes(`| \`${name}\` | ${by} |`), name);
});

test('phases', () => {
  for (const phase of PHASES) assert.ok(page.includes(`| \`${phase}\` | `), phase);
});
