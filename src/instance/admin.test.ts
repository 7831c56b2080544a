import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import type { StatusDocument } from '../api/status.ts';
import { Board } from '../base/board.ts';
import { FormerCounts } from '../keeper/generations/former-counts.ts';
import type { DataPlaneFacts } from '../keeper/api/status.ts';
import { peerUser } from '../io/linux/peer-user.ts';
import { AdminSocket } from '../keeper/api/admin-socket.ts';
import { Events } from '../keeper/api/events.ts';
import type { Log } from '../keeper/log/log.ts';
import type { MoveResult } from '../keeper/ha/ha-keeper.ts';
import { TrafficTotals } from '../keeper/traffic/totals.ts';
import { FailedRequests } from '../keeper/api/failed-requests.ts';
import { Explainer } from './explainer.ts';
import { type AdminFacts, adminHandlers, type OrderResult } from './admin.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-control-'));
after(() => {
  rmSync(folder, { recursive: true });
});
let count = 0;
const freshPath = (): string => join(folder, `new-${++count}`, 'evenkeel.sock');

async function open(
  t: TestContext,
  path: string,
  told: string[] = [],
  said: Partial<StatusDocument> = {},
): Promise<AdminSocket> {
  const facts: AdminFacts = {
    ...standing({ version: '1.2.3', ...said }),
    isStopping: () => said.isStopping === true,
    reload: (by) =>
      told.push(by === null ? 'reload' : `reload by ${by}`) > 1
        ? Promise.resolve(['web added'])
        : Promise.reject(new Error('no such file')),
    whyUnready: () => (told.includes('drain') ? 'this node is drained' : null),
    order: ({ change, by }) => {
      told.push(`order ${JSON.stringify(change)} ${by}`);
      const result: OrderResult =
        change.subject === 'server web/a' ? { kind: 'done', text: 'done' } : { kind: 'unknown', why: 'there is none' };
      return Promise.resolve(result);
    },
    upgrade: () =>
      told.push('upgrade') > 1
        ? Promise.resolve({ pid: 7, version: '1.2.4', addresses: [] })
        : Promise.reject(new Error('a module is missing')),
    handOver: (router, forMs, by) => {
      told.push(`hand over ${router} ${forMs} ${by}`);
      return resultOf(router);
    },
    resume: (router, by) => {
      told.push(`resume ${router} ${by}`);
      return resultOf(router);
    },
  };
  const server = await openWith(path, facts);
  t.after(() => server.close());
  return server;
}

const NO_LOG: Log = { info() {}, warn() {}, error() {} };

const BOARD = Board.createAlone({ servers: 0, listeners: 0, rows: 0 });

/** A data plane without anything. */
const EMPTY = {
  plan: { listeners: [], upstreams: [] },
  board: BOARD,
  traffic: new TrafficTotals(BOARD),
  former: new FormerCounts(),
  overrides: [],
} as unknown as DataPlaneFacts;

/** All of it is this. */
function standing(said: Partial<StatusDocument>): Omit<AdminFacts, 'isStopping' | keyof Orders> {
  return {
    status: {
      dataPlane: () => EMPTY,
      wholeWith: () => said as StatusDocument,
      node: () => said as StatusDocument,
      ha: () => null,
      announce: () => null,
      tls: () => null,
      peers: () => null,
      nodes: () => [],
      configuration: () => assert.fail('nobody asks'),
      configurationPart: () => assert.fail('nobody asks'),
    },
    configuration: {
      etag: '"1"',
      rollbackInMs: null,
      set: () => assert.fail('nobody asks'),
      reset: () => assert.fail('nobody asks'),
      confirm: () => assert.fail('nobody asks'),
      rollBack: () => assert.fail('nobody asks'),
    },
    compare: () => assert.fail('nobody asks'),
    reopenLogs: () => assert.fail('nobody asks'),
    events: new Events(Date.now),
    explainer: new Explainer(),
    failedRequests: new FailedRequests(Date.now),
    generations: () => assert.fail('nobody asks'),
  };
}

type Orders = Pick<AdminFacts, 'reload' | 'whyUnready' | 'order' | 'upgrade' | 'handOver' | 'resume'>;

function openWith(path: string, facts: AdminFacts, succeeds = false): Promise<AdminSocket> {
  return AdminSocket.open({ path, succeeds, handlers: adminHandlers(facts), version: '1.2.3', peerUser, log: NO_LOG });
}

function resultOf(router: string): Promise<MoveResult> {
  return Promise.resolve(resultOfNow(router));
}

function resultOfNow(router: string): MoveResult {
  if (router === 'VI_1') return { kind: 'ordered' };
  return router === 'x'
    ? { kind: 'unknown', why: 'there is no virtual router x' }
    : { kind: 'refused', why: `${router} is backup here` };
}

function ask(socketPath: string, method: string, path: string): Promise<[status: number, body: unknown]> {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath, method, path, agent: false }, (response) => {
      let text = '';
      response.on('data', (data: Buffer) => (text += data.toString()));
      response.on('end', () => resolve([response.statusCode!, JSON.parse(text)]));
    });
    request.on('error', reject);
    request.end();
  });
}

test('the status is answered, and routers are moved', async (t) => {
  const path = freshPath();
  const told: string[] = [];
  await open(t, path, told);
  assert.deepEqual(await ask(path, 'GET', '/v1/status'), [200, { version: '1.2.3' }]);
  assert.deepEqual(await ask(path, 'POST', '/v1/routers/VI_1/hand-over'), [202, { router: 'VI_1' }]);
  assert.deepEqual(await ask(path, 'POST', '/v1/routers/VI_1/resume'), [202, { router: 'VI_1' }]);
  assert.deepEqual(await ask(path, 'POST', '/v1/routers/x/hand-over'), [
    404,
    { error: 'there is no virtual router x' },
  ]);
  assert.deepEqual(await ask(path, 'POST', '/v1/routers/backup/hand-over'), [409, { error: 'backup is backup here' }]);
  assert.deepEqual(told, [
    'hand over VI_1 null null',
    'resume VI_1 null',
    'hand over x null null',
    'hand over backup null null',
  ]);
});

test('an order says for how long, and who gives it; what goes into logs is bounded', async (t) => {
  const path = freshPath();
  const told: string[] = [];
  await open(t, path, told);
  assert.equal((await ask(path, 'POST', '/v1/routers/VI_1/hand-over?for=600&by=alice'))[0], 202);
  assert.equal((await ask(path, 'POST', `/v1/routers/VI_1/resume?by=a%0Ab${'c'.repeat(200)}`))[0], 202);
  assert.deepEqual(told, ['hand over VI_1 600000 alice', `resume VI_1 ab${'c'.repeat(62)}`]);
  for (const wrong of ['0', '-1', '1.5', 'x', '', '99999999999']) {
    assert.equal((await ask(path, 'POST', `/v1/routers/VI_1/hand-over?for=${wrong}`))[0], 400, wrong);
  }
  assert.equal(told.length, 2);
});

test('servers, listeners and the node are overridden, by whom it is said', async (t) => {
  const path = freshPath();
  const told: string[] = [];
  await open(t, path, told);
  assert.deepEqual(await ask(path, 'POST', '/v1/upstreams/web/servers/a/drain?by=alice'), [200, { text: 'done' }]);
  assert.deepEqual(await ask(path, 'POST', '/v1/upstreams/web/servers/unix%3A%2Frun%2Fx/disable'), [
    404,
    { error: 'there is none' },
  ]);
  await ask(path, 'POST', '/v1/upstreams/web/servers/a/weight?to=7');
  await ask(path, 'POST', '/v1/upstreams/web/servers/a/weight');
  await ask(path, 'POST', '/v1/upstreams/web/servers/a/enable');
  await ask(path, 'POST', '/v1/listeners/web/drain');
  await ask(path, 'POST', '/v1/node/enable');
  assert.deepEqual(told, [
    'order {"subject":"server web/a","state":"drain"} alice',
    'order {"subject":"server web/unix:/run/x","state":"disabled"} null',
    'order {"subject":"server web/a","weight":7} null',
    'order {"subject":"server web/a","weight":null} null',
    'order {"subject":"server web/a","state":"enabled","weight":null} null',
    'order {"subject":"listener web","state":"drain"} null',
    'order {"subject":"node","state":"enabled","weight":null} null',
  ]);
  assert.equal((await ask(path, 'GET', '/v1/node/drain'))[0], 405);
  assert.equal((await ask(path, 'POST', '/v1/listeners/web/disable'))[0], 404);
  assert.equal((await ask(path, 'POST', '/v1/node/toString'))[0], 404);
  assert.equal((await ask(path, 'POST', '/v1/upstreams/web/servers/%ZZ/drain'))[0], 404);
  assert.equal((await ask(path, 'POST', '/v1/upstreams/web/servers/a/weight?to=257'))[0], 400);
  assert.deepEqual(told.slice(7), ['order {"subject":"server web/%ZZ","state":"drain"} null']);
});

test('whether this node takes clients is a status', async (t) => {
  const path = freshPath();
  const told: string[] = [];
  await open(t, path, told);
  assert.deepEqual(await ask(path, 'GET', '/v1/ready'), [200, { ready: true }]);
  told.push('drain');
  assert.deepEqual(await ask(path, 'GET', '/v1/ready'), [503, { ready: false, why: 'this node is drained' }]);
});

test('nothing is moved by looking, and nothing else is there', async (t) => {
  const path = freshPath();
  const told: string[] = [];
  await open(t, path, told);
  assert.equal((await ask(path, 'GET', '/v1/routers/VI_1/hand-over'))[0], 405);
  assert.equal((await ask(path, 'POST', '/v1/status'))[0], 405);
  assert.equal((await ask(path, 'GET', '/'))[0], 404);
  assert.deepEqual(told, []);
});

test('only the user that runs it may speak to it', async (t) => {
  const path = freshPath();
  await open(t, path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('the socket of a living one is left alone; that of a dead one is replaced', async (t) => {
  const path = freshPath();
  const first = await open(t, path);
  await assert.rejects(open(t, path), /another evenkeel answers on/);
  assert.equal((await ask(path, 'GET', '/v1/status'))[0], 200);
  first.close();
  assert.ok(!existsSync(path));

  // What a killed process leaves: a file on which nobody listens.
  const child = await new Promise<net.Server>((resolve) => {
    const server = net.createServer().listen(path, () => resolve(server));
  });
  const { rename } = await import('node:fs/promises');
  await rename(path, `${path}.left`);
  child.close();
  await rename(`${path}.left`, path);
  await open(t, path);
  assert.equal((await ask(path, 'GET', '/v1/status'))[0], 200);
});

test('a place where there can be no socket is an error with its reason', async (t) => {
  await assert.rejects(open(t, join('/proc/nowhere', 'x.sock')), /ENOENT|EACCES|EPERM/);
});

test('an upgrade is waited for, and answered with who is in charge or why it is the same one', async (t) => {
  const path = freshPath();
  await open(t, path);
  assert.deepEqual(await ask(path, 'POST', '/v1/upgrade'), [422, { error: 'a module is missing' }]);
  assert.deepEqual(await ask(path, 'POST', '/v1/upgrade'), [200, { pid: 7, version: '1.2.4' }]);
});

test('a successor puts its socket in the place of a living one, which leaves it there at its end', async (t) => {
  const path = freshPath();
  const first = await open(t, path);
  const second = await openWith(path, standing({ version: '1.2.4' }) as AdminFacts, true);
  t.after(() => second.close());
  first.close();
  assert.deepEqual(await ask(path, 'GET', '/v1/status'), [200, { version: '1.2.4' }]);
});

test('one that stops takes no orders, and is still asked how it is', async (t) => {
  const path = freshPath();
  const told: string[] = [];
  await open(t, path, told, { isStopping: true });
  for (const each of ['reload', 'upgrade', 'routers/VI_1/hand-over', 'node/drain', 'upstreams/web/servers/a/disable']) {
    assert.deepEqual(await ask(path, 'POST', `/v1/${each}`), [409, { error: 'this evenkeel is stopping' }], each);
  }
  assert.deepEqual(told, []);
  assert.equal((await ask(path, 'GET', '/v1/status'))[0], 200);
  assert.equal((await ask(path, 'GET', '/v1/ready'))[0], 200);
});

test('one that stops gives its socket to the next one; one that may still have virtual addresses does not', async (t) => {
  const path = freshPath();
  const first = await open(t, path, [], { isStopping: true, ha: null });
  await open(t, path, [], { version: '1.2.4', isStopping: true, ha: {} as StatusDocument['ha'] });
  first.close();
  assert.deepEqual(await ask(path, 'GET', '/v1/status'), [200, { version: '1.2.4', isStopping: true, ha: {} }]);
  await assert.rejects(open(t, path), /another evenkeel answers on .*, and is stopping$/);
});

test('a reload is waited for, and answered with what has changed or why nothing has', async (t) => {
  const path = freshPath();
  await open(t, path);
  assert.deepEqual(await ask(path, 'POST', '/v1/reload'), [422, { error: 'no such file' }]);
  assert.deepEqual(await ask(path, 'POST', '/v1/reload?by=alice'), [200, { changes: ['web added'] }]);
  assert.equal((await ask(path, 'GET', '/v1/reload'))[0], 405);
});

test('clients that never finish their request, or never take the answer, keep nobody out for long', async (t) => {
  const path = freshPath();
  await open(t, path, [], { version: 'v'.repeat(4_000_000) });
  const silent = Array.from({ length: 32 }, (_, i) => {
    const socket = net.connect(path);
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.pause();
    if (i % 3 === 1) socket.write('GET /v1/status HT');
    if (i % 3 === 2) socket.write('GET /v1/status HTTP/1.1\r\nHost: a\r\n\r\n');
    return socket;
  });
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  const deadline = performance.now() + 20_000;
  for (;;) {
    const answered = await new Promise<boolean>((resolve) => {
      const request = http.get({ socketPath: path, path: '/v1/ready', agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      request.on('error', () => resolve(false));
    });
    if (answered) return;
    assert.ok(performance.now() < deadline, 'they keep everybody out');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});
