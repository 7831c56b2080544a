import assert from 'node:assert/strict';
import { closeSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import type { SyslogPlan } from '../base/syslog.ts';
import type { LogPlan } from '../config/plan/record.ts';
import { linuxHost } from '../io/linux/host.ts';
import { createLog } from './log/log.ts';
import { LineThreads } from './line-threads.ts';

const SYSLOG: SyslogPlan = {
  address: { family: 4, host: '127.0.0.1', port: 514 },
  isTcp: false,
  isModern: true,
  priority: 190,
  tag: 'evenkeel',
  hasHostname: true,
};

test('where another program is on disk, it is told that nothing is sent on, and who writes is refused', async (t) => {
  // As a keeper says to its children what they have to be.
  process.env['EVENKEEL_PROGRAM'] = 'another one';
  t.after(() => delete process.env['EVENKEEL_PROGRAM']);
  let logged = '';
  const log = createLog(
    (line) => (logged += line),
    () => 0,
  );
  let output = -1;
  await new Promise<void>((resolve) => {
    const threads = new LineThreads(linuxHost, log, resolve);
    output = threads.openSyslog({ name: 'all' } as LogPlan, SYSLOG);
  });
  t.after(() => closeSync(output));
  assert.match(logged, /error access log all: nothing is sent on until an upgrade: /);
  assert.throws(() => writeSync(output, 'a line\n'), { code: 'EPIPE' });
});
