import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleetView } from './fleet-view.ts';

test('a node that should have a version, and says nothing, is named', () => {
  const record = {
    version: 7,
    configuration: {},
    nodes: ['lb01'],
    former: { version: 1, configuration: {} },
    stopped: null,
    watchMs: 60_000,
    by: 'alice',
  };
  const report = { node: 'lb02', version: 1, wanted: 1, state: 'keeps', why: '' } as const;
  assert.equal(
    fleetView(record, [report]),
    'version 7 by alice, for lb01; the others have version 1\n' +
      'lb02  version 1, keeps\n' +
      'lb01  does not say anything: does `evenkeel fleet follow` run there?\n',
  );
});
