/** What an operator ordered holds: over the death of the vip process, a restart of the program, and until they say otherwise. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Pair } from '../src/lab/pair.ts';
import { refusalOfLab } from '../src/lab/system.ts';
import { engineSkip, ENGINES, program } from './evenkeel.ts';
import { acceptedBy, HA, RunningNode } from './running-node.ts';
import { Change } from './waiting.ts';

const lab = { skip: refusalOfLab() ?? false };

/** Many times what it takes. */
const ADVERTS_TO_PREEMPT = 20;

interface Scene {
  readonly pair: Pair;
  readonly file: string;
  readonly lb01: RunningNode;
  readonly lb02: RunningNode;
}

/** lb01 is active. */
async function start(t: TestContext, options: readonly string[] = [], serving = ''): Promise<Scene> {
  const pair = await Pair.create([process.execPath, program]);
  t.after(() => pair.remove());
  const file = join(pair.network.directory, 'evenkeel.yaml');
  writeFileSync(file, serving + HA);
  const lb01 = new RunningNode(pair, 'lb01', file, options);
  const lb02 = new RunningNode(pair, 'lb02', file, options);
  for (const node of [lb01, lb02]) await node.said(/ready: .*VI_1 on eth0/);
  await lb01.is('active');
  await lb02.is('backup');
  return { pair, file, lb01, lb02 };
}

/** It hears the other one for longer than it would wait before it preempts. */
async function stays(node: RunningNode): Promise<void> {
  const end = acceptedBy(await node.router()) + ADVERTS_TO_PREEMPT;
  await node.untilRouter('patient', (router) => {
    assert.equal(router.state, 'backup');
    return acceptedBy(router) >= end;
  });
}

async function end(node: RunningNode): Promise<void> {
  node.process.child.kill('SIGTERM');
  assert.equal(await node.process.exit, 0);
}

// Each leaves the pair to the next one as it was: lb01 is active, and nothing is held back.
test('orders to a pair', lab, async (t) => {
  const scene = await start(t);
  const { pair, file, lb02 } = scene;
  let { lb01 } = scene;
  const startAgain = (...options: string[]): RunningNode => (lb01 = new RunningNode(pair, 'lb01', file, options));

  await t.test('a drained node hands its addresses over, and takes them back when it is enabled', async () => {
    const backup = lb02.command('node', 'drain');
    assert.deepEqual([backup.code, backup.out], [0, 'node: drained; the file says enabled\n']);
    assert.equal(lb02.command('node', 'enable').out, 'node: as in the file: enabled\n');
    const drained = lb01.command('node', 'drain');
    assert.equal(drained.code, 0, drained.err);
    assert.match(drained.out, /^node: drained; the file says enabled\nVI_1: handed over to 192\.168\.15\.6 /);
    await lb02.is('active');
    const enabled = lb01.command('node', 'enable');
    assert.equal(enabled.out, 'node: as in the file: enabled\nVI_1: takes part as configured again\n');
    await lb01.is('active');
    await lb02.is('backup');
  });

  await t.test(
    'a hand-over holds over the death of the vip process and over restarts, is shown, and ends with resume',
    async () => {
      const moved = lb01.command('handover', 'VI_1');
      assert.match(
        moved.out,
        /^VI_1: handed over to 192\.168\.15\.6 of priority 100 within .* until `evenkeel resume VI_1`\n$/,
      );
      assert.match(
        lb01.command('status').out,
        /^ {2}held back {2}handed over by \S+ .* until `evenkeel resume VI_1`$/m,
      );
      await lb01.said(/VI_1: handed over by \S+: leaves its addresses to a peer/);

      for (const times of [1, 2]) {
        process.kill((await vipOf(lb01)).pid, 'SIGKILL');
        await lb01.said(/vip process ended \(killed by SIGKILL\)/);
        while ((await vipOf(lb01)).restarts < times) await new Promise((resolve) => setTimeout(resolve, 20));
        await stays(lb01);
      }

      await end(lb01);
      const again = startAgain();
      await again.said(/VI_1: handed over by \S+: leaves its addresses to a peer/);
      await again.said(/ready/);
      await stays(again);

      assert.equal(again.command('resume', 'VI_1').out, 'VI_1: takes part as configured again\n');
      await again.said(/VI_1: resumed by \S+: takes part as configured/);
      await again.is('active');
      await lb02.is('backup');
      assert.equal(again.command('resume', 'VI_1').out, 'VI_1: was not held back\n');
    },
  );

  await t.test('what is written down is readable, and what cannot be read is told and forgotten', async () => {
    assert.equal(lb01.command('handover', 'VI_1').code, 0);
    const path = join(pair.network.directory, 'restraints.lb01.json');
    const { restraints } = JSON.parse(readFileSync(path, 'utf8')) as {
      restraints: { router: string; untilMs: null }[];
    };
    assert.deepEqual(
      restraints.map(({ router, untilMs }) => [router, untilMs]),
      [['VI_1', null]],
    );
    await end(lb01);
    writeFileSync(path, '{"restraints": [{"router": 7}]}');
    const again = startAgain();
    await again.said(/hand-overs from before are not known: .*restraints\.lb01\.json: it is not what evenkeel writes/);
    await again.is('active');
    await lb02.is('backup');
  });

  await t.test('run --restrained leaves the address to whoever has it, until resume', async () => {
    await end(lb01);
    await lb02.is('active');
    const again = startAgain('--restrained');
    await again.said(/ready/);
    await stays(again);
    assert.match(again.command('status').out, /^ {2}held back {2}started with --restrained/m);
    assert.equal(again.command('handover', 'VI_1').code, 1);
    assert.equal(again.command('resume', '--all').code, 0);
    await again.is('active');
    await lb02.is('backup');
  });

  await t.test('a hand-over ends when nobody else has the address', async () => {
    const moved = lb01.command('handover', 'VI_1');
    assert.equal(moved.code, 0, moved.err);
    await end(lb02);
    await lb01.is('active');
    await lb01.said(/VI_1: nobody else has the addresses, so it is not held back any more: takes part as configured/);
    await lb01.untilRouter('free', ({ restraint }) => restraint === null);
  });
});

test('a hand-over for a time ends by itself, also over a restart', lab, async (t) => {
  const beganAt = performance.now();
  const { pair, file, lb01 } = await start(t);
  // Longer than a restart takes, on whatever machine this is.
  const forS = Math.max(8, Math.ceil((2 * (performance.now() - beganAt)) / 1_000));
  assert.match(
    lb01.command('handover', 'VI_1', '--for', `${forS}s`).out,
    /handed over to .*, for [^,]+, or until `evenkeel resume VI_1`/,
  );
  await end(lb01);
  const again = new RunningNode(pair, 'lb01', file);
  await again.said(/VI_1: handed over by \S+: leaves its addresses to a peer, for [^,]+, until/);
  await again.said(/VI_1: its hand-over is over: takes part as configured/);
  await again.is('active');
});

async function vipOf(node: RunningNode): Promise<{ readonly pid: number; readonly restarts: number }> {
  return (await node.ask()).ha!.owner;
}

const SERVING = `
listeners:
  web: { bind: "*:80", routes: [ { match: { path: /own }, respond: { body: own } }, { upstream: silent } ] }
  talk: { bind: "*:7000", protocol: tcp, upstream: talker }
upstreams:
  silent: { servers: [ "192.168.15.7:7001" ] }
  talker: { servers: [ "192.168.15.7:7000" ] }
`;
/** Says something each 50 ms to whoever connects, and tells on stdout when a connection is over; the other one tells when it is asked. */
const TALKER = `
  require('node:net').createServer((socket) => {
    const talk = setInterval(() => socket.write('x'), 50);
    socket.on('error', () => {}).on('close', () => { clearInterval(talk); console.log('over'); });
  }).listen(7000, () => console.log('talks'));
  require('node:net').createServer((socket) => socket.on('error', () => {}).on('data', () => console.log('is asked'))).listen(7001, () => console.log('is silent'));
`;
/**
 * Three that have nothing more to say: one listens to the talker, one waits for an answer, one is between two requests. A reset
 * that comes while something is unread is an end to Node (libuv).
 */
const LISTENERS = `
  const net = require('node:net');
  const connect = (name, port, request) => {
    const socket = net.connect(port, '192.168.15.3', () => socket.write(request));
    socket.once('data', () => console.log(name + ' is served'));
    socket.on('end', () => console.log(name + ' is closed')).on('error', () => {}).on('close', () => console.log(name + ' is over'));
  };
  connect('listener', 7000, '');
  connect('waiting', 80, 'GET /silent HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n');
  connect('idle', 80, 'GET /own HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n');
`;

for (const engine of ENGINES) {
  test(
    `[${engine}] after a hand-over nobody waits at a connection that the node had: the client is told, and the server`,
    { skip: lab.skip || engineSkip(engine).skip },
    async (t) => {
      const { pair, lb01, lb02 } = await start(t, ['--engine', engine], SERVING);
      const server = speaker(pair, 'web1', TALKER);
      await server('talks');
      await server('is silent');
      const clients = speaker(pair, 'client', LISTENERS);
      await clients('listener is served');
      await clients('idle is served');
      await server('is asked');
      assert.equal(lb01.command('handover', 'VI_1').code, 0);
      await lb02.is('active');
      await clients('listener is over');
      await clients('waiting is closed');
      await clients('idle is closed');
      await server('over');
      const ended = /connections that came to 192\.168\.15\.3 are ended/;
      await lb01.said(ended);
      // Once: a stop has nothing to add, and a node that is backup since has none.
      const before = countOf(lb02, ended);
      lb02.command('handover', 'VI_1');
      await lb01.is('active');
      await end(lb02);
      assert.equal(countOf(lb02, ended), before + 1);
      assert.doesNotMatch(lb01.command('status').out, /contested/);
    },
  );

  test(
    `[${engine}] after an unplanned move the server is told too, when the node finds that a peer has the address`,
    { skip: lab.skip || engineSkip(engine).skip },
    async (t) => {
      for (const [lose, find] of [
        [(pair: Pair) => pair.network.cutLink('lb01'), (pair: Pair) => pair.network.joinLink('lb01')],
        [
          async (pair: Pair) => pair.processes('lb01').forEach((pid) => process.kill(pid, 'SIGSTOP')),
          async (pair: Pair) => pair.processes('lb01').forEach((pid) => process.kill(pid, 'SIGCONT')),
        ],
      ] as const) {
        const { pair, lb01, lb02 } = await start(t, ['--engine', engine], SERVING);
        const server = speaker(pair, 'web1', TALKER);
        await server('talks');
        const clients = speaker(pair, 'client', LISTENERS);
        await clients('listener is served');
        await lose(pair);
        await lb02.is('active');
        await find(pair);
        await server('over');
        await lb01.said(/connections that came to 192\.168\.15\.3 are ended/);
      }
    },
  );

  test(
    `[${engine}] at the end of a cut the connections of the node that gives way are ended`,
    { skip: lab.skip || engineSkip(engine).skip },
    async (t) => {
      const { pair, lb01, lb02 } = await start(t, ['--engine', engine], SERVING);
      const server = speaker(pair, 'web1', TALKER);
      await server('talks');
      await pair.network.isolate('lb01');
      await lb02.is('active');
      const clients = speaker(pair, 'client', LISTENERS);
      await clients('listener is served');
      await server('is asked');
      await pair.network.heal();
      await lb02.is('backup');
      await clients('waiting is closed');
      await server('over');
      await lb01.is('active');
    },
  );
}

function countOf(node: RunningNode, pattern: RegExp): number {
  return node.process.output.split('\n').filter((line) => pattern.test(line)).length;
}

/** Runs a script there. What it returns resolves when that has said so. */
function speaker(pair: Pair, host: string, script: string): (line: string) => Promise<void> {
  const lines: string[] = [];
  const change = new Change();
  pair.run(host, [process.execPath, '-e', script], {
    onLine: (line) => {
      lines.push(line);
      change.wake();
    },
  });
  return (line) =>
    change.until(
      () => lines.includes(line),
      () => `${host} did not say ${line}, but: ${lines.join('; ')}`,
    );
}
