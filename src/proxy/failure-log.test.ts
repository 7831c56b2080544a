import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board } from '../base/board.ts';
import { FAILED_CONNECT, FAILED_NO_PORT, FAILED_RESPONSE_TIMEOUT } from '../core/retry.ts';
import type { ProxyEvent } from '../port/control.ts';
import { FailureLog } from './failure-log.ts';

test('failures are told once a turn for each server, also for two of which one has had the slot of the other', () => {
  const events: ProxyEvent[] = [];
  const row = Board.createAlone({ servers: 8, listeners: 1, rows: 1 }).worker(0);
  const log = new FailureLog(row, (event) => events.push(event));
  const [former, latter] = [
    { slot: 3, epoch: 0 },
    { slot: 3, epoch: 1 },
  ];
  log.note(former, FAILED_CONNECT, 0);
  log.note(latter, FAILED_RESPONSE_TIMEOUT, 0);
  log.note(former, FAILED_CONNECT, 0);
  log.note(former, FAILED_NO_PORT, 0);
  log.note(latter, FAILED_NO_PORT, 0);
  log.flush();
  log.flush();
  log.flushShortages();
  assert.deepEqual(events, [
    { kind: 'server-failed', slot: 3, epoch: 0, reason: 'connection refused or unreachable', count: 2 },
    { kind: 'server-failed', slot: 3, epoch: 1, reason: 'no response in time', count: 1 },
    { kind: 'shortage', slot: 3, epoch: 0, shortage: 'port', count: 1 },
    { kind: 'shortage', slot: 3, epoch: 1, shortage: 'port', count: 1 },
  ]);
});
