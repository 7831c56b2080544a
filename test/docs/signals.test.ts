/** The page about signals says what the program does. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  EVENKEEL_SIGNALS,
  KEEPALIVED_SIGNALS,
  NGINX_SIGNALS,
  type SignalMeanings,
} from '../../src/instance/signals.ts';

test('the table of signals is that of the program', () => {
  const page = readFileSync(new URL('../../../docs/signals.md', import.meta.url), 'utf8');
  const [head, ...rows] = page
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.startsWith('|-'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  assert.deepEqual(head.slice(2, 5), ['`evenkeel run`', '`evenkeel nginx`', '`evenkeel keepalived`']);
  for (const [column, meanings] of [EVENKEEL_SIGNALS, NGINX_SIGNALS, KEEPALIVED_SIGNALS].entries()) {
    const told = rows.map((cells) => [cells[1], cells[column + 2]] as const).filter(([, meaning]) => meaning !== '');
    assert.deepEqual(Object.fromEntries(told), meanings satisfies SignalMeanings);
  }
});
