import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListenerPlan } from '../../config/plan/listener.ts';
import { checkServing } from './serving-check.ts';

function listener(port: number, isUdp: boolean): ListenerPlan {
  const binds = [{ address: { family: 4, host: '0.0.0.0', port }, dual: false, isUdp }];
  return { protocol: isUdp ? 'udp' : 'tcp', binds } as unknown as ListenerPlan;
}

test('a port of UDP is not asked by TCP', async () => {
  const asked: number[] = [];
  const check = (listeners: readonly ListenerPlan[]): ReturnType<typeof checkServing> =>
    checkServing({
      addresses: ['192.0.2.100'],
      interfaceName: 'eth0',
      serves: null,
      listeners,
      makeProbe: (_, { port }) => {
        asked.push(port);
        return Promise.resolve({ isPassed: false, reason: 'connection refused' });
      },
    });
  const verdict = await check([listener(53, true), listener(80, false)]);
  assert.deepEqual(verdict, { serves: false, detail: '192.0.2.100:80 connection refused' });
  assert.deepEqual(asked, [80]);
  assert.equal((await check([listener(53, true)])).serves, null);
});
