import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Events } from './events.ts';

const NO_LOG = { info() {}, warn() {}, error() {} };

test('who is too slow is told how many were missed, and who has the cursor of another process gets all there are', () => {
  const events = new Events(() => 1_000);
  const log = events.over(NO_LOG);
  for (let i = 1; i <= 3; i++) log.info(`event ${i}`, { i });
  const { events: first, missed } = events.after(null, 1_000);
  assert.deepEqual([first.map(({ message }) => message), missed], [['event 1', 'event 2', 'event 3'], 0]);
  assert.deepEqual(first[0], {
    id: first[0].id,
    at: '1970-01-01T00:00:01.000Z',
    level: 'info',
    message: 'event 1',
    details: { i: 1 },
  });
  for (let i = 4; i <= 1_010; i++) log.warn(`event ${i}`);
  const later = events.after(first[2].id, 1_000);
  assert.deepEqual([later.missed, later.events.length, later.events[0].message], [7, 1_000, 'event 11']);
  for (const cursor of ['x.3', '', '3', `${first[0].id}.x`])
    assert.equal(events.after(cursor, 5).events.length, 5, cursor);
  assert.deepEqual(events.after(later.events.at(-1)!.id, 5), { events: [], missed: 0 });
});

test('who follows gets what was and what comes, at their own pace, until it is closed', async () => {
  const events = new Events(() => 1_000);
  const log = events.over(NO_LOG);
  log.info('before');
  const all = events.follow(null, null)[Symbol.asyncIterator]();
  const next = async (): Promise<string> => ((await all.next()).value as string | undefined) ?? 'the end';
  assert.match(await next(), /^:/);
  assert.match(await next(), /"before"/);
  const waiting = next();
  log.error('after');
  assert.match(await waiting, /^id: \w+\.2\ndata: .*"after".*\n\n$/);
  for (let i = 0; i < 1_500; i++) log.info(`flood ${i}`);
  assert.equal(await next(), 'event: missed\ndata: {"count":500}\n\n');
  for (let i = 500; i < 1_500; i++) assert.match(await next(), new RegExp(`"flood ${i}"`));
  const end = next();
  events.close();
  assert.equal(await end, 'the end');
});

test('as many may follow as there is room for, and whoever goes makes room', async () => {
  const events = new Events(() => 1_000);
  const all = Array.from({ length: 16 }, () => events.follow(null, null)[Symbol.asyncIterator]());
  for (const each of all) await each.next();
  assert.throws(() => events.follow(null, null), /16 follow already with this token/);
  events.follow(null, 'another');
  const last = all[0].next();
  await all[0].return!();
  assert.deepEqual(await last, { value: undefined, done: true }, 'also while it waits for another one');
  events.follow(null, null);
});
