import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ACTIVE_TRANSITIONS } from './active.ts';

const page = new URL('../../../../docs/health.md', import.meta.url);

function renderStates(): string {
  const lines = [
    '```mermaid',
    'stateDiagram-v2',
    '  [*] --> assumed',
    '  [*] --> awaited: joins servers that work',
    '  awaited --> assumed: no other is left',
  ];
  for (const [from, row] of Object.entries(ACTIVE_TRANSITIONS)) {
    const inputs = Object.entries(row);
    for (const to of new Set(Object.values(row))) {
      const names = inputs.filter((entry) => entry[1] === to).map(([input]) => input);
      lines.push(`  ${from} --> ${to}: ${names.join(', ')}`);
    }
  }
  return [...lines, '```'].join('\n');
}

test('the diagram in docs/health.md is what the table renders to (EVENKEEL_WRITE_DOCS=1 writes it)', () => {
  const text = readFileSync(page, 'utf8');
  const rendered = text.replace(/(<!-- states -->\n)[^]*(<!-- \/states -->)/, `$1${renderStates()}\n$2`);
  if (process.env.EVENKEEL_WRITE_DOCS === '1') writeFileSync(page, rendered);
  else assert.equal(text, rendered);
});
