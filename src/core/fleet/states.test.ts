import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { LIFE_EVENTS, LIFE_STATES, LIFE_TRANSITIONS, type LifeEvent, type LifeState, renderLife } from './states.ts';

const page = new URL('../../../../docs/reload.md', import.meta.url);

test('the diagram in docs/reload.md is what the table renders to (EVENKEEL_WRITE_DOCS=1 writes it)', () => {
  const text = readFileSync(page, 'utf8');
  const rendered = text.replace(/(<!-- life -->\n)[^]*(<!-- \/life -->)/, `$1${renderLife()}\n$2`);
  if (process.env.EVENKEEL_WRITE_DOCS === '1') writeFileSync(page, rendered);
  else assert.equal(text, rendered);
});

test('nothing comes back from the end, and only the end of a process is its end', () => {
  for (const from of Object.keys(LIFE_STATES) as LifeState[]) {
    for (const event of Object.keys(LIFE_EVENTS) as LifeEvent[]) {
      const to = LIFE_TRANSITIONS[from][event];
      if (from === 'gone') assert.equal(to, 'gone');
      else assert.equal(to === 'gone', event === 'exit', `${from}, ${event}`);
      if (from === 'killed' || from === 'draining') assert.notEqual(to, 'serving');
    }
  }
});
