import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProxyEvent } from '../../port/control.ts';
import { WriteNews } from './write-news.ts';

const ENOSPC = 28;

test('a disk that is full now and then is told of once a minute', () => {
  const told: ProxyEvent[] = [];
  const clock = { now: 0 };
  const news = new WriteNews('main', (event) => told.push(event), clock);
  const stuck = { kind: 'log-stuck', log: 'main', error: ENOSPC } as const;
  const written = { kind: 'log-written', log: 'main' } as const;
  news.handleSuccess();
  assert.deepEqual(told, []);
  news.handleFailure(ENOSPC);
  news.handleFailure(ENOSPC);
  news.handleSuccess();
  news.handleSuccess();
  assert.deepEqual(told, [stuck, written]);
  clock.now = 59_999;
  news.handleFailure(ENOSPC);
  news.handleSuccess();
  assert.equal(told.length, 2);
  clock.now = 60_000;
  news.handleFailure(ENOSPC);
  assert.deepEqual(told, [stuck, written, stuck]);
});
