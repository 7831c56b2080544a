import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board } from '../../base/board.ts';
import { compile } from '../../config/compile/compile.ts';
import { loadYaml } from '../../config/yaml/load.ts';
import { TrafficTotals } from '../traffic/totals.ts';
import { type DataPlaneFacts, listenerView, serverState } from './status.ts';

const YAML = `
listeners: { ssh: { bind: "192.0.2.10:22", protocol: tcp, mode: kernel, upstream: shells } }
upstreams: { shells: { servers: [ "192.0.2.1:22" ] } }
`;

test('a listener in kernel mode is closed where the kernel does not have its rules, and says why', () => {
  const { config, diagnostics } = loadYaml(YAML, { file: 'evenkeel.yaml' });
  assert.ok(config !== null, JSON.stringify(diagnostics));
  const plan = compile(config, { workers: 1 });
  const board = Board.createAlone({ servers: plan.serverSlots, listeners: 1, rows: 1 });
  const seen = (failure: string | null): unknown => {
    const { binds, inKernel, state } = listenerView(
      {
        plan,
        board,
        listeners: [],
        isStopping: false,
        former: { accepted: () => 0 },
        traffic: new TrafficTotals(board),
        forwarded: { failure, ofService: () => 0, ofServer: () => 0, keptAt: () => null },
      } as unknown as DataPlaneFacts,
      0,
    );
    return [inKernel, state, binds.map((bind) => bind.failure)];
  };
  assert.deepEqual(seen('the kernel refuses its rules: EPERM'), [
    true,
    'closed',
    ['the kernel refuses its rules: EPERM'],
  ]);
  assert.deepEqual(seen(null), [true, 'open', [null]]);
});

test('a server whose name does not resolve any more has its last address, and says that', () => {
  const account = {
    state: 'up',
    reason: '2 probes passed',
    sinceMs: 0,
    lastProbe: null,
    lastFailure: null,
    ejectedUntilMs: null,
    share: 1,
  } as unknown as Parameters<typeof serverState>[3];
  const failure = { reason: 'the name server does not answer', sinceMs: 40 };
  const reasonOf = (hostname: string | null, known: typeof account): readonly unknown[] => {
    const target = hostname === null ? { family: 4, host: '192.0.2.1', port: 80 } : { hostname, port: 80 };
    const facts = { failureOfName: (name: string) => (name === 'stale.internal' ? failure : null), nowMs: 100 };
    const { reason, state } = serverState(
      facts,
      { resolver: null },
      { target } as Parameters<typeof serverState>[2],
      known,
    );
    return [state, reason];
  };
  assert.deepEqual(reasonOf(null, account), ['up', '2 probes passed']);
  assert.deepEqual(reasonOf('fresh.internal', account), ['up', '2 probes passed']);
  assert.deepEqual(reasonOf('stale.internal', account), [
    'up',
    '2 probes passed; its name does not resolve now: the name server does not answer',
  ]);
  assert.deepEqual(reasonOf('stale.internal', null), ['unresolved', 'the name server does not answer']);
});
