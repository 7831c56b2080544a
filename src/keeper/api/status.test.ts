import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board } from '../../base/board.ts';
import { compile } from '../../config/compile.ts';
import { loadYaml } from '../../config/yaml/load.ts';
import { TrafficTotals } from '../traffic/totals.ts';
import { type DataPlaneFacts, listenerView } from './status.ts';

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
