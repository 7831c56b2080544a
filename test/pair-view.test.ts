/** What each of two nodes shows of the other one: what it goes by, how it stands, and how old that is. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { PairNodeView } from '../src/api/nodes.ts';
import { FORMAT } from '../src/core/peers/messages.ts';
import { commandOf } from './commands.ts';
import { askSocket } from './control-socket.ts';
import type { Evenkeel } from './evenkeel.ts';
import { connect, frame, isLinked, linkIs, makeNode, startNode } from './linked-nodes.ts';
import { status } from './upgrading.ts';
import { until } from './waiting.ts';

/** The same on both, as it is on two machines: each has its own socket at that path. */
const SITE = `
listeners: { web: { bind: "unix:/proc/self/cwd/web.sock", routes: [ { match: { path: /static }, respond: {} }, { upstream: web } ] } }
upstreams: { web: { servers: ["127.0.0.1:9", "127.0.0.1:10"] } }
`;

/** This node, and the other one. */
function nodesOf(evenkeel: Evenkeel): Promise<readonly [PairNodeView, PairNodeView]> {
  return askSocket(`${evenkeel.file}.sock`, 'GET', '/v1/nodes');
}

/** Waits until it shows the other node like this. */
async function otherIs(evenkeel: Evenkeel, isSo: (node: PairNodeView) => boolean): Promise<void> {
  let node: PairNodeView | null = null;
  await until(
    async () => isSo((node = (await nodesOf(evenkeel))[1])),
    () => `it is not shown so: ${JSON.stringify(node)}\n${evenkeel.stderr}`,
  );
}

async function statusText(evenkeel: Evenkeel): Promise<string> {
  const { code, stderr, stdout } = await commandOf(`${evenkeel.file}.sock`)('status');
  assert.equal(code, 0, stderr);
  return stdout;
}

function order(evenkeel: Evenkeel, path: string): Promise<unknown> {
  return askSocket(`${evenkeel.file}.sock`, 'POST', path);
}

/** With another server. */
function reload(evenkeel: Evenkeel): void {
  writeFileSync(evenkeel.file, readFileSync(evenkeel.file, 'utf8').replace('127.0.0.1:10', '127.0.0.1:11'));
  evenkeel.signal('SIGHUP');
}

function statusAt(socketPath: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath, path: '/static', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    request.on('error', reject);
  });
}

function metricsOf(evenkeel: Evenkeel): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { socketPath: `${evenkeel.file}.sock`, path: '/metrics', agent: false };
    http.get(options, (response) => resolve(text(response))).on('error', reject);
  });
}

test('each node shows the other: what it goes by, what it has up, what was said by hand, and its last word when it is gone', async (t) => {
  const nodes = [await makeNode(t, 'lb01'), await makeNode(t, 'lb02')];
  const first = await startNode(t, nodes[0], nodes, SITE);
  const second = await startNode(t, nodes[1], nodes, SITE);
  for (const one of [first, second]) {
    await otherIs(one, ({ configuration, summary }) => configuration !== null && summary !== null);
    const [self, other] = await nodesOf(one);
    assert.equal(other.configuration!.digest, self.configuration!.digest, '`node` may differ');
    assert.equal(other.difference, null);
    assert.deepEqual(other.summary!.upstreams, [{ name: 'web', up: 2, servers: 2 }]);
  }
  assert.match(
    await statusText(first),
    /lb02 {2}its last word is [\d.]+ s old[^]*the same as here\n {2}servers {4}up web 2 of 2/,
  );

  await order(second, '/v1/upstreams/web/servers/127.0.0.1:9/drain?by=alice');
  await first.said(/peer lb02: by hand there, by alice: server web\/127\.0\.0\.1:9 drained; the file says enabled/);
  assert.match(
    await statusText(first),
    /by hand {4}server web\/127\.0\.0\.1:9 drained; the file says enabled \(alice, /,
  );
  const { overrides, upstreams } = await status(first);
  assert.deepEqual([overrides, upstreams[0].servers[0].state], [[], 'unchecked'], 'it holds there alone');
  await order(second, '/v1/upstreams/web/servers/127.0.0.1:9/enable');
  await first.said(/peer lb02: no more by hand there: server web\/127\.0\.0\.1:9/);

  reload(second);
  await first.said(
    /peer lb02 goes by another configuration, \w{12}, and this node by \w{12}: they differ in upstreams\/web\n/,
  );
  await second.said(/peer lb01 goes by another configuration, .* differ in upstreams\/web\n/);
  assert.match(await statusText(first), /goes by {4}\w{12} since .*, not that of this node for .*: upstreams\/web\n/);
  assert.match(await metricsOf(first), /^evenkeel_peer_configuration_same\{peer="lb02"\} 0$/m);
  reload(first);
  for (const one of [first, second]) await one.said(/peer lb0\d goes by the same configuration again, \w{12}\n/);
  assert.equal((await nodesOf(second))[1].difference, null);

  // one of the two stays, whoever is told to go
  const drains = await Promise.all([first, second].map((one) => order(one, '/v1/node/drain?by=alice')));
  const refusals = drains.map((answer) => (answer as { readonly error?: string }).error ?? null);
  assert.equal(refusals.filter((refusal) => refusal === null).length, 1, String(refusals));
  const [left, stays] = refusals[0] === null ? [first, second] : [second, first];
  const refused = /no peer stays while this node goes: lb0\d: it is drained; `evenkeel node enable` there/;
  assert.match(JSON.stringify(await order(stays, '/v1/node/drain')), refused);
  await order(left, '/v1/node/enable');
  assert.deepEqual(await order(stays, '/v1/node/drain'), { text: 'node: drained; the file says enabled' });
  await left.said(/peer lb0\d asks whether it may go: this node stays/);
  await order(stays, '/v1/node/enable');

  second.signal('SIGKILL');
  await linkIs(first, ({ isUp }) => !isUp);
  const [, before] = await nodesOf(first);
  assert.deepEqual([before.isLinked, before.difference, before.summary!.upstreams.length], [false, null, 1]);
  await otherIs(first, ({ heardAgeMs }) => heardAgeMs! > before.heardAgeMs!);
  assert.equal(await statusAt(join(nodes[0].state, 'web.sock')), 200);
  await order(first, '/v1/node/drain');
  assert.match(first.stderr, /this node goes, and no peer was there to agree/);
});

test('a peer of an earlier version goes on, one of a later one is understood as far as that goes, and nonsense ends the link', async (t) => {
  const nodes = [await makeNode(t, 'lb01'), await makeNode(t, 'lb02')];
  const evenkeel = await startNode(t, nodes[1], nodes, SITE);
  const hello = frame({ type: 'hello', format: FORMAT, node: 'lb01', version: '0.0.1' });
  // It knows greetings and beats.
  const peer = await connect(t, nodes[1].port, nodes[0].identity);
  peer.write(hello);
  const beats = setInterval(() => peer.write(frame({ type: 'beat' })), 1_000);
  t.after(() => clearInterval(beats));
  await isLinked(evenkeel);
  const [, silent] = await nodesOf(evenkeel);
  assert.deepEqual([silent.isLinked, silent.version, silent.heardAgeMs, silent.summary], [true, '0.0.1', null, null]);
  assert.match(await statusText(evenkeel), /lb01 {2}has told nothing of itself yet/);

  const summary = {
    uptimeMs: 7,
    isStopping: false,
    routers: [{ name: 'VI_1', state: 'hovering', restraint: null, mood: 'good' }],
    upstreams: [],
    overrides: [],
    problems: [],
    leftOut: 0,
    later: { x: 1 },
  };
  peer.write(frame({ type: 'node', summary, later: 1 }));
  await otherIs(evenkeel, (node) => node.summary?.routers[0].state === 'hovering');
  assert.match(await statusText(evenkeel), /routers {4}VI_1 hovering\n/);
  peer.write(frame({ type: 'node', summary: { ...summary, problems: ['\u001b[2J'] } }));
  await linkIs(evenkeel, ({ isUp, reason }) => !isUp && /it sends a `node` that is none/.test(reason));
});
