import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board, SERVER_DOWN, SERVER_UP, WORKER_SERVING, MEMORY_EXHAUSTED, MEMORY_SHORT } from '../../base/board.ts';
import type { ProcessPlan } from '../../config/plan/ha.ts';
import type { ServerPlan } from '../../config/plan/upstream.ts';
import { LOOK_INTERVAL_MS, LookWatch, lookAtProxies, lookAtUpstream, lookForProcess } from './look-watch.ts';
import { testLog } from './testing/test-log.ts';

const NGINX: ProcessPlan = { kind: 'process', processName: 'nginx', arguments: null, match: 'exact' };

/** Files as the kernel shows them. */
function files(content: Record<string, string>): (path: string) => string | null {
  return (path) => content[path] ?? null;
}

function stat(pid: number, comm: string, state = 'S', startedAt = 100): string {
  return `${pid} (${comm}) ${state} 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 ${startedAt} 1000\n`;
}

test('a process is found by its name, watched by its id, and searched again when it is gone', () => {
  const content: Record<string, string> = { '/proc/7/stat': stat(7, 'nginx', 'Z'), '/proc/9/stat': stat(9, 'nginx') };
  let searches = 0;
  const look = lookForProcess(NGINX, files(content), () => {
    searches++;
    return ['self', '7', '8', '9', '10'];
  });
  assert.deepEqual(look(0), { isUp: true, detail: 'pid 9' });
  look(100);
  look(200);
  assert.equal(searches, 1);

  // Its number belongs to another process now, and its successor has another one.
  content['/proc/9/stat'] = stat(9, 'bash', 'S', 500);
  content['/proc/10/stat'] = stat(10, 'nginx', 'S', 501);
  assert.deepEqual(look(300), { isUp: true, detail: 'pid 10' });
  assert.equal(searches, 2);

  delete content['/proc/10/stat'];
  assert.deepEqual(look(400), { isUp: true, detail: 'no such process' });
  for (let now = 500; now < 1_300; now += 100) look(now);
  assert.deepEqual(look(1_300), { isUp: false, detail: 'no such process' });
  assert.equal(searches, 4);
});

test('of processes of one name, the one with the arguments counts', () => {
  const content: Record<string, string> = {
    '/proc/7/stat': stat(7, 'haproxy'),
    '/proc/7/cmdline': '/usr/sbin/haproxy\0-f\0/etc/haproxy/external.cfg\0',
    '/proc/8/stat': stat(8, 'haproxy'),
    '/proc/8/cmdline': '/usr/sbin/haproxy\0-f\0/etc/haproxy/internal.cfg\0',
  };
  const plan: ProcessPlan = {
    kind: 'process',
    processName: 'haproxy',
    arguments: ['-f', '/etc/haproxy/internal.cfg'],
    match: 'exact',
  };
  const look = lookForProcess(plan, files(content), () => ['7', '8']);
  assert.deepEqual(look(0), { isUp: true, detail: 'pid 8' });
  delete content['/proc/8/stat'];
  for (let now = 100; now < 1_200; now += 100) look(now);
  assert.deepEqual(look(1_200), { isUp: false, detail: 'no such process' });
});

test('the data plane is well while every proxy beats and every listener has an address', () => {
  const shape = { servers: 0, listeners: 1, rows: 2 };
  const board = Board.createAlone(shape);
  board.workers = 2;
  const rows = [board.worker(0), board.worker(1)];
  rows.forEach((row, worker) => (row.worker = worker));
  const look = lookAtProxies(board, () => []);
  let now = 0;
  const pass = (ms: number, beating: readonly number[]): ReturnType<typeof look> => {
    let sight = look(now);
    for (const end = now + ms; now < end;) {
      now += LOOK_INTERVAL_MS;
      for (const index of beating) rows[index].beat();
      sight = look(now);
    }
    return sight;
  };
  assert.equal(pass(500, []).isUp, null);
  for (const row of rows) row.state = WORKER_SERVING;
  assert.deepEqual(pass(500, [0, 1]), { isUp: true, detail: 'all 2 serve' });
  assert.deepEqual(pass(1_100, [0]), { isUp: false, detail: 'proxy 1 has not served for 1.1 s' });
  assert.equal(pass(5_000, [0, 1]).isUp, true);
  rows[0].writeMemory(MEMORY_EXHAUSTED, [{ used: 8192, usedMax: 8192 }]);
  const detail = 'proxy 0 has not served for 1.1 s: it is out of memory for connections';
  assert.deepEqual(pass(1_100, [0, 1]), { isUp: false, detail });
  rows[0].writeMemory(MEMORY_SHORT, [{ used: 8000, usedMax: 8192 }]);
  assert.equal(pass(5_000, [0, 1]).isUp, true);
  assert.deepEqual(lookAtProxies(board, () => ['web', 'db'])(now), {
    isUp: false,
    detail: 'listener web, db could not be opened',
  });
});

test('an upstream is well while one of its servers is up', () => {
  const shape = { servers: 3, listeners: 0, rows: 1 };
  const board = Board.createAlone(shape);
  const servers = [
    { firstSlot: 0, slotCount: 1, epoch: 0 },
    { firstSlot: 1, slotCount: 2, epoch: 0 },
  ] as ServerPlan[];
  const look = lookAtUpstream(board, () => servers);
  const put = (states: readonly (0 | 1 | 2)[]): void =>
    board.update((set) => {
      states.forEach((state, slot) =>
        set(slot, { state, weight: 1, family: 4, port: 80, isBackup: false, address: new Uint8Array(16) }),
      );
    });
  put([SERVER_DOWN, SERVER_DOWN, 0]);
  assert.deepEqual(look(0), { isUp: false, detail: 'no server is up' });
  put([SERVER_DOWN, SERVER_DOWN, SERVER_UP]);
  assert.deepEqual(look(0), { isUp: true, detail: '1 server is up' });
  put([SERVER_UP, SERVER_DOWN, SERVER_UP]);
  assert.deepEqual(look(0), { isUp: true, detail: '2 servers are up' });
});

test('changes are logged, but not that all is well from the start', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const log = testLog();
  const verdicts: boolean[] = [];
  let now = 0;
  let isUp: boolean | null = null;
  const watch = new LookWatch(
    'process nginx',
    () => ({ isUp, detail: isUp === true ? 'up' : 'down' }),
    log,
    () => now,
  );
  const pass = (next: boolean | null): void => {
    isUp = next;
    now += LOOK_INTERVAL_MS;
    t.mock.timers.tick(LOOK_INTERVAL_MS);
  };
  watch.start((verdict) => verdicts.push(verdict), null);
  for (const next of [null, true, true, false, false, true]) pass(next);
  assert.deepEqual(verdicts, [true, false, true]);
  assert.deepEqual(log.lines, ['warn process nginx fails: down', 'info process nginx recovered: up']);
  assert.deepEqual(watch.status(), { isUp: true, value: null, sinceMs: 600, seenMs: 600, detail: 'up' });
  watch.stop();
  pass(false);
  assert.equal(watch.status().isUp, true);
});
