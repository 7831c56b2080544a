import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { NodeReport, RolloutRecord } from '../../core/rollout/record.ts';
import { Following } from './follow.ts';

const RECORD: RolloutRecord = {
  version: 2,
  configuration: {},
  nodes: null,
  former: null,
  stopped: null,
  watchMs: 60_000,
  by: 'alice',
};

/** What a new follower makes of a balancer that has version 2 already, in two looks. */
async function reportOf(rollbackInMs: number | null): Promise<NodeReport | null> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-follow-'));
  const socket = join(folder, 'socket');
  const status = { format: 1, listeners: [], configuration: { setByApi: { rollbackInMs } } };
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader('content-type', 'application/json');
    if (request.method === 'GET') response.end(JSON.stringify(status));
    else if (request.method === 'PUT') response.end('{"changes":[],"warnings":[],"rollbackInMs":90000}');
    else response.end('{}');
  });
  server.listen(socket);
  await once(server, 'listening');
  let told: NodeReport | null = null;
  const store = {
    read: async () => ({ record: RECORD, revision: '1' }),
    replace: async () => true,
    tell: async (report: NodeReport) => {
      told = report;
    },
  };
  try {
    const output = { out: () => undefined, err: () => undefined };
    const following = new Following({ store, socket, node: 'lb01', output });
    await following.look();
    await following.look();
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
  return told;
}

test('what a follower before has taken on trial is looked at for the whole time again', async () => {
  assert.equal((await reportOf(40_000))?.state, 'watches');
});

test('what is in force for good is kept at once', async () => {
  assert.equal((await reportOf(null))?.state, 'keeps');
});
