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

test('a balancer that is not there is told of, to whoever asks too, even where nothing is to be done; and so is its return', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-follow-'));
  const socket = join(folder, 'socket');
  const said: string[] = [];
  let told: NodeReport | null = null;
  const store = {
    read: async () => ({ record: null, revision: '0' }),
    replace: async () => true,
    tell: async (report: NodeReport) => {
      told = report;
    },
  };
  const hear = (text: string): void => void said.push(text.trim());
  const following = new Following({ store, socket, node: 'lb01', output: { out: hear, err: hear } });
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader('content-type', 'application/json');
    response.end('{"format":1,"listeners":[],"configuration":{}}');
  });
  try {
    await following.look();
    await following.look();
    assert.match((told as NodeReport | null)?.why ?? '', /^evenkeel is not running/);
    server.listen(socket);
    await once(server, 'listening');
    await following.look();
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
  assert.equal(said.length, 2, said.join('; '));
  assert.match(said[0], /^evenkeel: evenkeel is not running/);
  assert.equal(said[1], 'evenkeel answers again');
});

test('what a balancer refuses is one line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-follow-'));
  const socket = join(folder, 'socket');
  const said: string[] = [];
  const store = {
    read: async () => ({ record: RECORD, revision: '1' }),
    replace: async () => true,
    tell: async () => undefined,
  };
  const hear = (text: string): void => void said.push(text);
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader('content-type', 'application/json');
    if (request.method === 'PUT') response.statusCode = 422;
    response.end(
      request.method === 'PUT'
        ? '{"error":"there is no key `x`\\nthe configuration: 1 error\\n"}'
        : '{"format":1,"listeners":[],"configuration":{}}',
    );
  });
  server.listen(socket);
  await once(server, 'listening');
  try {
    await new Following({ store, socket, node: 'lb01', output: { out: hear, err: hear } }).look();
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
  assert.deepEqual(said, ['evenkeel: version 2 is refused: there is no key `x`; the configuration: 1 error\n']);
});
