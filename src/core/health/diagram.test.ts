import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { arrowsOf, stateDiagram } from '../state-diagram.ts';
import { ACTIVE_TRANSITIONS } from './active.ts';

const page = new URL('../../../../docs/health.md', import.meta.url);

function renderStates(): string {
  const beginnings = [
    '[*] --> assumed',
    '[*] --> awaited: joins servers that work',
    'awaited --> assumed: no other is left',
  ];
  return stateDiagram(beginnings, arrowsOf(ACTIVE_TRANSITIONS)).join('\n');
}

test('the diagram in docs/health.md is what the table renders to (EVENKEEL_WRITE_DOCS=1 writes it)', () => {
  const text = readFileSync(page, 'utf8');
  const rendered = text.replace(/(<!-- states -->\n)[^]*(<!-- \/states -->)/, `$1${renderStates()}\n$2`);
  if (process.env.EVENKEEL_WRITE_DOCS === '1') writeFileSync(page, rendered);
  else assert.equal(text, rendered);
});
