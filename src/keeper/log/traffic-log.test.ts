import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { Plan } from '../../config/plan/plan.ts';
import { answerKind } from '../../core/answers/kinds.ts';
import { testLog } from '../ha/testing/test-log.ts';
import { TrafficLog } from './traffic-log.ts';

test('of refused certificates there is a line a minute with one of the causes, however many a proxy tells of', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  let nowMs = 0;
  const log = testLog();
  const traffic = new TrafficLog(log, () => nowMs);
  t.after(() => traffic.stop());
  traffic.apply({ listeners: [{ name: 'web', protocol: 'http' }], upstreams: [] } as unknown as Plan);
  const answer = answerKind('client-certificate');
  for (let i = 0; i < 1_000; i++) {
    const sample = `FAILED:reason ${i}`;
    traffic.handleAnswered({ kind: 'answered', owner: 'web', answer, count: 1, sample });
  }
  nowMs = 60_000;
  mock.timers.tick(60_000);
  assert.deepEqual(log.lines, [
    'info listener web: the certificate of 1 client refused reason=client-certificate cause=FAILED:reason 0',
    'info listener web: the certificates of 999 clients within 60 s refused reason=client-certificate cause=FAILED:reason 999',
  ]);
});
