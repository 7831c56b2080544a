import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import type { ListenerPlan } from '../config/plan/listener.ts';
import type { Plan } from '../config/plan/plan.ts';
import { freePort } from '../io/contract/free-port.ts';
import { linuxHost } from '../io/linux/host.ts';
import { Keeper } from './keeper.ts';
import { createLog } from './log/log.ts';
import { ApplyError, PlanRefusal } from './apply-error.ts';
import { StartError } from './start-error.ts';

const linux = { skip: process.platform === 'linux' ? false : 'needs Linux' };
const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url));

/** Stands in for a proxy: answers each connection with its process id and then does what it is told. */
const STAND_IN = `
  const net = await import('node:net');
  const { spawn } = await import('node:child_process');
  const FORKED = \`
    require('node:net').connect(+process.argv[1]);
    const line = JSON.stringify({ type: 'log', level: 'error', message: 'I am dead' }) + String.fromCharCode(10);
    setInterval(() => { try { require('node:fs').writeSync(3, line); } catch { process.exit(); } }, 20);
  \`;
  const { openBoard, receiveDelivery } = await import(${module('../process/proxy-descriptors.js')});
  const { ControlLines } = await import(${module('../port/control.js')});
  const place = JSON.parse(process.argv.at(-1));
  const row = openBoard(place).worker(place.row);
  const control = new net.Socket({ fd: 3 });
  const say = (message) => control.write(JSON.stringify(message) + '\\n');
  if (process.env.STAND_IN === 'broken') { say({ type: 'log', level: 'error', message: 'no memory' }); process.exit(9); }
  row.pid = process.pid;
  row.worker = place.worker;
  row.state = 1;
  row.addServerConnections(0, 1);
  setInterval(() => row.beat(), 50);
  const servers = new Map();
  const serve = (fd) => net.createServer((socket) => {
    socket.write(process.pid + '\\n');
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const word = data.toString();
      if (word === 'crash') process.exit(7);
      if (word === 'hang') for (;;);
      if (word.startsWith('{')) control.write(word + '\\n');
      if (word === 'deaf') control.pause();
      if (word.startsWith('fork ')) fork(word.slice(5));
      if (word === 'bye') socket.end('bye');
      if (word === 'fail') say({ type: 'event', event: { kind: 'server-failed', slot: 0, epoch: 0, reason: 'timeout', count: 9 } });
    });
  }).listen({ fd });
  const fork = (port) => spawn(process.execPath, ['-e', FORKED, port], { stdio: ['ignore', 'ignore', 'ignore', control], detached: true });
  const apply = async ({ generation, descriptors }) => {
    const { sockets, plan, drop } = receiveDelivery(descriptors, place);
    if (plan.listeners.length === 3) drop();
    if (plan.listeners.length === 3) return say({ type: 'refused', generation, reason: 'three are too many', fault: 'plan' });
    for (const { id, descriptor } of sockets) if (!servers.has(id)) servers.set(id, serve(descriptor));
    const ids = sockets.map(({ id }) => id);
    for (const [id, server] of servers) if (!ids.includes(id)) { server.close(); servers.delete(id); }
    await Promise.all([...servers.values()].map((one) => one.listening || new Promise((done) => one.on('listening', done))));
    say({ type: 'applied', generation });
  };
  const drain = () => {
    let open = servers.size;
    for (const server of servers.values()) server.close(() => { if (--open === 0) process.exit(0); });
  };
  const lines = new ControlLines();
  control.on('data', (data) => lines.push(data, 0, data.length, (line) => {
    const message = JSON.parse(line);
    if (message.type === 'apply') apply(message);
    else drain();
  }));
  control.on('end', () => process.exit(0));
`;

function planOf(workers: number, ports: readonly number[]): Plan {
  const listeners: ListenerPlan[] = ports.map((port, i) => ({
    name: `l${i}`,
    slot: i,
    protocol: 'tcp',
    intake: 'open',
    binds: [{ address: { family: 4, host: '127.0.0.1', port }, dual: false, isUdp: false }],
    timeouts: { headMs: 1, bodyMs: 1, idleMs: 1, halfClosedMs: 1000 },
    limits: { headBytes: 1, headers: 1, bodyRate: 0, bodyBytes: 1, connections: 1 },
    keepAlive: null,
    via: null,
    forwarded: { kind: 'replace' },
    escapedSlash: 'compare',
    ignoresOtherHost: false,
    http2: false,
    routes: '',
    counted: [],
    isReady: true,
    upstream: 0,
    access: null,
    proxyProtocol: null,
    tls: null,
    passthrough: null,
    tries: { attempts: 3, withinMs: 0 },
    tcp: null,
    udp: null,
    accessLogs: [],
  }));
  const target = { family: 4, host: '192.0.2.1', port: 80 } as const;
  const servers = [0, 1].map((firstSlot) => ({
    name: `s${firstSlot}`,
    target,
    weight: 1,
    state: 'enabled' as const,
    maxConnections: 0,
    backup: false,
    firstSlot,
    slotCount: 1,
    epoch: 0,
    passive: null,
    health: null,
    notify: null,
  }));
  const upstream = {
    name: 'u',
    slot: 0,
    serverBy: null,
    resolver: null,
    balance: 'round-robin',
    hash: null,
    servers,
    sources: [],
    health: null,
    quorum: null,
    passive: { failures: 3, withinMs: 1_000, ejectMs: 60_000 },
    slowStartMs: 0,
    timeouts: { connectMs: 1, responseMs: 1, idleMs: 1, queueMs: 1, tunnelMs: 1, halfClosedMs: 1 },
    keepAlive: null,
    poolIdle: 1,
    queueMax: 1,
    proxyProtocol: null,
    proxyTlvs: [],
    tls: null,
  } as const;
  return {
    workers,
    listeners,
    upstreams: [upstream],
    values: [],
    files: null,
    admin: null,
    accessLogs: [],
    serverSlots: 2,
    graceMs: 500,
    drainMs: 1_000,
  };
}

interface Scene {
  readonly keeper: Keeper;
  /** Of its ports. */
  readonly plan: Plan;
  readonly port: number;
  readonly lines: string[];
  /** Resolves when a line like this was logged. */
  readonly logged: (pattern: RegExp) => Promise<void>;
}

async function createScene(t: TestContext, workers: number, ports?: number[], host = linuxHost): Promise<Scene> {
  const lines: string[] = [];
  let wake: (() => void) | null = null;
  const log = createLog(
    (line) => {
      lines.push(line.slice('1970-01-01T00:00:00.000Z '.length, -1));
      wake?.();
    },
    () => 0,
  );
  const all = ports ?? [await freePort()];
  const keeper = new Keeper({
    user: null,
    workersMax: workers,
    host,
    log,
    ownServerCommand: [process.execPath, '--version'],
    findFilesUser: () => null,
    findUser: () => null,
    proxyCommand: [process.execPath, '--input-type=module', '-e', STAND_IN, '--'],
  });
  t.after(() => keeper.kill());
  const logged = async (pattern: RegExp): Promise<void> => {
    while (!lines.some((line) => pattern.test(line))) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { keeper, plan: planOf(workers, all), port: all[0], lines, logged };
}

async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

async function pidOf(socket: net.Socket): Promise<number> {
  const [data] = (await once(socket, 'data')) as [Buffer];
  return Number(data.toString());
}

async function closed(socket: net.Socket): Promise<void> {
  if (!socket.destroyed) await once(socket, 'close');
}

test('start names what is listened on, when every proxy serves', linux, async (t) => {
  const ports = [await freePort(), await freePort()];
  const { keeper, plan } = await createScene(t, 2, ports);
  assert.equal(await keeper.start(plan), `l0 127.0.0.1:${ports[0]}, l1 127.0.0.1:${ports[1]}`);
  for (const port of ports) {
    const socket = await connect(port);
    assert.ok((await pidOf(socket)) > 0);
    socket.destroy();
  }
  await keeper.stop();
  await assert.rejects(connect(ports[0]));
});

test('a listener that cannot be opened is told and the others serve', linux, async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const takenPort = (taken.address() as net.AddressInfo).port;
  const port = await freePort();
  const { keeper, plan, lines } = await createScene(t, 1, [takenPort, port]);
  const taken0 = `l0 127.0.0.1:${takenPort} (port ${takenPort} is taken by node (pid ${process.pid}))`;
  assert.equal(await keeper.start(plan), `l1 127.0.0.1:${port}; not open: ${taken0}`);
  const error = lines.find((line) => line.startsWith('error'))!;
  assert.match(
    error,
    new RegExp(`listener l0 127\\.0\\.0\\.1:${takenPort}: port ${takenPort} is taken by .*pid ${process.pid}`),
  );
  assert.ok((await pidOf(await connect(port))) > 0);
});

test('if no listener can be opened, start fails', linux, async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { keeper, plan } = await createScene(t, 1, [(taken.address() as net.AddressInfo).port]);
  await assert.rejects(keeper.start(plan), (error) => {
    assert.ok(error instanceof StartError);
    assert.equal(error.message, 'no listener could be opened');
    assert.deepEqual(
      error.failures.map(({ code }) => code),
      ['EADDRINUSE'],
    );
    return true;
  });
});

test('if no proxy can start, start fails with the reason', linux, async (t) => {
  process.env.STAND_IN = 'broken';
  t.after(() => delete process.env.STAND_IN);
  const { keeper, plan, lines } = await createScene(t, 1);
  await assert.rejects(keeper.start(plan), new StartError('proxy 0 ended 3 times at its start: exit code 9'));
  assert.ok(lines.includes('error proxy 0: no memory'));
});

test('a plan that the proxies refuse changes nothing, and at the start is its end', linux, async (t) => {
  const ports = [await freePort(), await freePort(), await freePort()];
  const { keeper, plan, port } = await createScene(t, 1, [ports[0]]);
  await keeper.start(plan);
  const pid = await pidOf(await connect(port));
  await assert.rejects(keeper.apply(planOf(1, ports)), new PlanRefusal('three are too many'));
  assert.equal(await pidOf(await connect(port)), pid);
  await assert.rejects(connect(ports[1]));
  await keeper.apply(planOf(1, ports.slice(0, 2)));
  assert.equal(await pidOf(await connect(ports[1])), pid);

  const other = await createScene(t, 1, ports.slice(0, 2));
  await keeper.stop();
  await assert.rejects(other.keeper.start(planOf(1, ports)), new StartError('three are too many'));
});

test('a listener that can be opened later is served when the proxies can be told of it', linux, async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const takenPort = (taken.address() as net.AddressInfo).port;
  let isShort = false;
  const host = Object.create(linuxHost, {
    createUnnamedFile: {
      value: (name: string, content: Uint8Array) => {
        if (isShort) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
        return linuxHost.createUnnamedFile(name, content);
      },
    },
  }) as typeof linuxHost;
  const { keeper, plan, logged } = await createScene(t, 1, [takenPort, await freePort()], host);
  await keeper.start(plan);
  isShort = true;
  taken.close();
  await logged(/warn {2}l0 127\.0\.0\.1:\d+: open, and not served yet: the plan cannot be handed to the proxies: /);
  isShort = false;
  await logged(/info {2}listener l0 127\.0\.0\.1:\d+ accepts now/);
  assert.ok((await pidOf(await connect(takenPort))) > 0);
});

test('a killed proxy is replaced at once and no connection is refused or lost in the queue', linux, async (t) => {
  const { keeper, plan, port, logged } = await createScene(t, 1);
  await keeper.start(plan);
  const first = await connect(port);
  const pid = await pidOf(first);
  process.kill(pid, 'SIGKILL');
  await closed(first);
  const waiting = await Promise.all(Array.from({ length: 20 }, () => connect(port)));
  const pids = await Promise.all(waiting.map(pidOf));
  assert.ok(pids.every((other) => other !== pid && other === pids[0]));
  await logged(/error proxy 0 ended \(killed by SIGKILL\); another one starts at once/);
  await logged(/info {2}proxy 0 serves again/);
  for (const socket of waiting) socket.destroy();
});

test('what a dead proxy had in use is cleared from the board', linux, async (t) => {
  const { keeper, plan, port, logged } = await createScene(t, 2);
  await keeper.start(plan);
  assert.equal(keeper.board.serverConnections(0), 2);
  const socket = await connect(port);
  process.kill(await pidOf(socket), 'SIGKILL');
  await logged(/ended/);
  assert.equal(keeper.board.serverConnections(0), 1);
});

test('a proxy that hangs is ended and replaced', linux, async (t) => {
  const { keeper, plan, port, logged } = await createScene(t, 1);
  await keeper.start(plan);
  const socket = await connect(port);
  const pid = await pidOf(socket);
  socket.write('hang');
  await logged(/proxy 0 hangs: no sign of life/);
  assert.notEqual(await pidOf(await connect(port)), pid);
});

test('a proxy that was stopped by a signal is ended and replaced', linux, async (t) => {
  const { keeper, plan, port, logged } = await createScene(t, 1);
  await keeper.start(plan);
  const pid = await pidOf(await connect(port));
  process.kill(pid, 'SIGSTOP');
  await logged(/proxy 0 hangs: no sign of life/);
  assert.notEqual(await pidOf(await connect(port)), pid);
});

test('a proxy is in a session of its own, out of reach of the keys of a terminal', linux, async (t) => {
  const { keeper, plan, port } = await createScene(t, 1);
  await keeper.start(plan);
  const pid = await pidOf(await connect(port));
  const [, , group, session] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  assert.deepEqual([Number(group), Number(session)], [pid, pid]);
});

test('failures that a proxy reports eject the server', linux, async (t) => {
  const { keeper, plan, port, logged } = await createScene(t, 1);
  await keeper.start(plan);
  (await connect(port)).write('fail');
  await logged(/server u\/s0 \(192\.0\.2\.1:80\) ejected for 60 s: 3 failures within 1 s, last: timeout/);
});

for (const lie of [
  '{"type":"applied","generation":0}',
  '{"type":"applied","generation":1}',
  `{"type":"applied","generation":${Number.MAX_SAFE_INTEGER}}`,
  '{"type":"refused","generation":7,"reason":"no","fault":"plan"}',
  '{"type":"event","event":{"kind":"server-failed","slot":0,"epoch":0,"reason":"x","count":0}}',
  '{"type":"reboot"}',
]) {
  test(`a proxy that says ${lie} is replaced, and the keeper goes on`, linux, async (t) => {
    const { keeper, plan, port, lines, logged } = await createScene(t, 1);
    await keeper.start(plan);
    const socket = await connect(port);
    const pid = await pidOf(socket);
    socket.write([lie, lie, lie].join('\n'));
    // Its channel is closed too, and it may end by itself before it is killed.
    await logged(/error proxy 0 ended \((killed by SIGKILL|exit code 0)\); another one starts at once/);
    assert.equal(lines.filter((line) => line.endsWith('; ending it')).length, 1);
    assert.notEqual(await pidOf(await connect(port)), pid);
    await keeper.apply(plan);
  });
}

test('a proxy that does not read what it is told is replaced', linux, async (t) => {
  const { keeper, plan, port, logged } = await createScene(t, 1);
  await keeper.start(plan);
  const socket = await connect(port);
  const pid = await pidOf(socket);
  socket.write('deaf');
  const replaced = logged(/error proxy 0 does not read what it is told; ending it/);
  // Its pause comes when it comes.
  const telling = setInterval(() => keeper.abandon(new Array<string>(1_000).fill('192.0.2.1')), 1);
  t.after(() => clearInterval(telling));
  await replaced;
  clearInterval(telling);
  assert.notEqual(await pidOf(await connect(port)), pid);
});

test('what holds the control channel of a dead proxy is not heard', linux, async (t) => {
  const { keeper, plan, port, logged } = await createScene(t, 1);
  await keeper.start(plan);
  const socket = await connect(port);
  const pid = await pidOf(socket);
  const server = net.createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  socket.write(`fork ${(server.address() as net.AddressInfo).port}`);
  const [forked] = (await once(server, 'connection')) as [net.Socket];
  await logged(/error proxy 0: I am dead/);
  const ended = once(forked.on('error', () => undefined).resume(), 'close');
  process.kill(pid, 'SIGKILL');
  // It ends when nobody is there to hear it.
  await ended;
  assert.notEqual(await pidOf(await connect(port)), pid);
});

test('stop takes no new connections and waits for those that are open', linux, async (t) => {
  const { keeper, plan, port } = await createScene(t, 2);
  // A SYN that is dropped comes again after a second, and then is refused.
  await keeper.start({ ...plan, graceMs: 30_000 });
  const open = await connect(port);
  await pidOf(open);
  const stopped = keeper.stop();
  for (;;) {
    try {
      (await connect(port)).destroy();
    } catch {
      break;
    }
  }
  assert.equal(await Promise.race([stopped, Promise.resolve('not yet')]), 'not yet');
  open.write('bye');
  await once(open, 'end');
  open.destroy();
  await stopped;
});

test('when the grace time is over, stop ends what is left', linux, async (t) => {
  const { keeper, plan, port, lines } = await createScene(t, 1);
  await keeper.start(plan);
  const open = await connect(port);
  await pidOf(open);
  await keeper.stop();
  await closed(open);
  assert.ok(lines.some((line) => /1 proxy had connections left after 0\.5 s/.test(line)));
});

test('once it stops, no plan is applied, and nothing is opened again', linux, async (t) => {
  const { keeper, plan, port } = await createScene(t, 1);
  await keeper.start(plan);
  const other = planOf(1, [port, await freePort()]);
  const before = keeper.apply(other);
  const stopped = keeper.stop();
  await assert.rejects(before, new ApplyError('it is stopping'));
  await assert.rejects(keeper.apply(other), new ApplyError('it is stopping'));
  await stopped;
  assert.deepEqual(keeper.openAddresses, []);
});

test('a plan that the proxies have not applied when everything ends is refused', linux, async (t) => {
  const { keeper, plan, port } = await createScene(t, 1);
  await keeper.start(plan);
  const socket = await connect(port);
  process.kill(await pidOf(socket), 'SIGSTOP');
  const second = await freePort();
  const applied = keeper.apply(planOf(1, [port, second]));
  const refused = assert.rejects(applied, new ApplyError('it is stopping'));
  while (!keeper.openAddresses.includes(`127.0.0.1:${second}`)) await new Promise((resolve) => setImmediate(resolve));
  keeper.kill();
  await refused;
});
