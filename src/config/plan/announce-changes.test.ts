import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnnouncePlan } from './announce.ts';
import { announceChanges } from './announce-changes.ts';

const WEB = {
  name: 'web',
  addresses: ['192.0.2.10'],
  interfaceName: 'anycast',
  graceful: null,
  tracked: [{ name: 'proxy', watch: 0 }],
  lifeS: 3,
  convergenceMs: 2_000,
  bird: '/run/bird/bird.ctl',
};
const PLAN: AnnouncePlan = { watches: [{ kind: 'proxy' }], announcements: [WEB] };

test('what changes of the announcements is told by their names', () => {
  assert.deepEqual(announceChanges(PLAN, PLAN), []);
  assert.deepEqual(announceChanges(null, PLAN), ['announcement web added']);
  assert.deepEqual(announceChanges(PLAN, null), ['announcement web removed']);
  const other = {
    watches: [{ kind: 'upstream' as const, upstream: 'web' }],
    announcements: [
      {
        ...WEB,
        addresses: ['192.0.2.11'],
        interfaceName: 'any',
        graceful: { interfaceName: 'leaving', forMs: 1 },
        lifeS: 4,
        convergenceMs: 1,
        bird: '/run/b.ctl',
      },
    ],
  };
  assert.deepEqual(
    announceChanges(PLAN, other),
    [
      'address 192.0.2.11 added',
      'address 192.0.2.10 removed',
      'interface changed',
      'graceful changed',
      'track changed',
      'life changed',
      'convergence changed',
      'bird changed',
    ].map((change) => `announcement web: ${change}`),
  );
});
