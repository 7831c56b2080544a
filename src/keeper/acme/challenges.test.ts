import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AcmePlan } from '../../config/plan/acme.ts';
import { runCommand, type RunningCommand } from '../ha/command.ts';
import { createLog } from '../log/log.ts';
import { Challenges } from './challenges.ts';

const PROOF = { name: 'shop.example', token: 'abc', authorization: 'abc.thumbprint' };

test('a program for dns-01 that does not come to an end is ended with the order, and cleans up', async () => {
  const runs: RunningCommand[] = [];
  const commands: string[] = [];
  const challenges = new Challenges({
    publish: () => Promise.resolve(),
    runCommand: (request) => {
      commands.push(request.command.join(' '));
      const isCleanup = request.command.includes('cleanup');
      const running = runCommand({ ...request, command: isCleanup ? ['/bin/true'] : ['/bin/sleep', '3600'] });
      runs.push(running);
      return running;
    },
    findUser: () => null,
    ownUid: 1,
    log: createLog(
      () => undefined,
      () => 0,
    ),
  });
  const plan = { challenge: 'dns-01', program: ['/bin/zone'], users: null } as unknown as AcmePlan;
  const abort = new AbortController();
  const presented = challenges.present(plan, [PROOF, PROOF], abort.signal);
  const refused = assert.rejects(presented, /killed by SIGKILL/);
  abort.abort();
  await refused;
  await runs[0].gone;
  await challenges.withdraw(plan, [PROOF]);
  assert.deepEqual(
    commands.map((command) => command.replace(/ [^ ]+$/, '')),
    ['/bin/zone present _acme-challenge.shop.example.', '/bin/zone cleanup _acme-challenge.shop.example.'],
  );
});
