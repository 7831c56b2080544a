import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { LIFE_EVENTS, LIFE_STATES, type LifeEvent, type LifeState, nextState, renderVipLife } from './states.ts';

const page = new URL('../../../../docs/decisions/vip-process.md', import.meta.url);

test('the diagram in docs/decisions/vip-process.md is what the table renders to (EVENKEEL_WRITE_DOCS=1 writes it)', () => {
  const text = readFileSync(page, 'utf8');
  const rendered = text.replace(/(<!-- life -->\n)[^]*(<!-- \/life -->)/, `$1${renderVipLife()}\n$2`);
  if (process.env.EVENKEEL_WRITE_DOCS === '1') writeFileSync(page, rendered);
  else assert.equal(text, rendered);
});

test('nothing comes back from the end, only the end of a process is its end, and who is to end does not begin again', () => {
  const ending: ReadonlySet<LifeState> = new Set(['superseded', 'leaving', 'killed', 'gone'] as const);
  for (const from of Object.keys(LIFE_STATES) as LifeState[]) {
    for (const event of Object.keys(LIFE_EVENTS) as LifeEvent[]) {
      const to = nextState(from, event);
      if (from === 'gone') assert.equal(to, 'gone');
      else assert.equal(to === 'gone', event === 'exit', `${from}, ${event}`);
      if (ending.has(from)) assert.ok(ending.has(to), `${from}, ${event}: ${to}`);
    }
  }
});
