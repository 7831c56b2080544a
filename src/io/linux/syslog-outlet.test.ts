import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SyslogPlan } from '../../base/syslog.ts';
import { SyslogOutlet } from './syslog-outlet.ts';

const PLAN: SyslogPlan = {
  address: { family: 0, host: '/nowhere/log', port: 0 },
  isTcp: false,
  isModern: false,
  priority: 30,
  tag: 'lb',
  hasHostname: false,
};

test('a server that is not there is told of once, with why', { skip: process.platform !== 'linux' }, (t) => {
  const told: string[] = [];
  const outlet = new SyslogOutlet(PLAN, (why) => {
    told.push(why);
    outlet.send(4, why);
  });
  t.after(() => outlet.close());
  outlet.send(6, 'one');
  outlet.send(6, 'two');
  assert.deepEqual(told, ['there is no such file']);
});
