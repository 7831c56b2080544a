import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnnounceFacts, announceStatus } from './announce-status.ts';

const BIRD = '/run/bird/bird.ctl';
const SESSION = {
  name: 'edge',
  neighbor: '10.9.0.254',
  neighborAs: 65100,
  state: 'up',
  info: 'Established',
  since: '',
};

function toldBy(problem: string | null): number {
  const plan = { name: 'web', addresses: ['192.0.2.10'], interfaceName: 'anycast', lifeS: 3, tracked: [], bird: BIRD };
  const machine = { state: 'announced', sinceMs: 0, obstacle: null, place: 'anycast', tracked: [] };
  const sessions = [{ ...SESSION, told: ['192.0.2.10/32'] }];
  const facts = {
    announcements: [{ plan, machine, problem: null, heldMs: 0 }],
    leaving: [],
    seen: [],
    changesOf: () => [],
    birds: [{ path: BIRD, problem, facts: { version: '2.0.12', hasDirect: true, sessions }, answeredMs: 0 }],
    nowMs: 9_000,
  };
  return announceStatus(facts as unknown as AnnounceFacts).announcements[0].told.length;
}

test('what BIRD tells is known while it answers, and not from what it said before it fell silent', () => {
  assert.equal(toldBy(null), 1);
  assert.equal(toldBy('no answer within 2 s'), 0);
});
