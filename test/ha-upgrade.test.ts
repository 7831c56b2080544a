/**
 * The program is replaced while it runs on a node that has, or backs up, a virtual address: the address stays where it is, the
 * peer hears every advert in time, and nobody who connects notices.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { StatusDocument } from '../src/api/status.ts';
import { Client } from '../src/lab/client.ts';
import { program } from './evenkeel.ts';
import { dyingAfter, replaceable } from './upgrading.ts';
import { adverts, Capture, timeMs } from './vip/capture.ts';
import { EvenkeelHost } from './vip/evenkeel-host.ts';
import { Holders } from './vip/holders.ts';
import { Keepalived, needsKeepalived } from './vip/keepalived.ts';
import { type Host, Segment, signal } from './vip/virtual-node.ts';
import { WaitingTime } from './vip/waiting-time.ts';

const ADDRESS = '192.168.15.3';
const INTERVAL_MS = 500;
/** What the adverts of one node may be apart, in intervals. */
const APART_MAX = 1.2;

const PEER = {
  name: 'VI_1',
  interfaceName: 'eth0',
  virtualRouterId: 50,
  intervalUs: 1_000 * INTERVAL_MS,
  addresses: [{ address: ADDRESS, prefixLength: 24 }],
};

const yaml = (priority = 150, more = ''): string => `
listeners:
  web: { bind: "*:80", routes: [ { upstream: web } ] }
upstreams:
  web: { servers: [ "192.168.15.7:8080" ] }
ha:
  VI_1:
    interface: eth0
    router-id: 50
    priority: ${priority}
    advertise: ${INTERVAL_MS}ms
    addresses: [ ${ADDRESS}/24 ]
${more}`;

/** On a busy machine it may be late, and then its queue has room for all that a client asks meanwhile: Node's has 511 places. */
const SERVER = `
  require('node:http').createServer((request, response) => response.end('ok'))
    .listen({ port: 8080, backlog: 4096 }, () => console.log('listens'));
`;

interface Site {
  readonly segment: Segment;
  readonly ours: Host;
  readonly theirs: Host;
  readonly holders: Holders;
  /** `address`: the virtual one, if there is nothing else said. */
  startClient(address?: string): Client;
}

/** Two load balancers, a web server, a client. */
async function createSite(t: TestContext): Promise<Site> {
  const segment = new Segment(t);
  const [client, ours, theirs, web] = [1, 5, 6, 7].map((number) => segment.host(number));
  const server = web.spawn(process.execPath, '-e', SERVER);
  await new Promise((resolve) => server.stdout!.once('data', resolve));
  const holders = await Holders.watch(ADDRESS, [ours, theirs]);
  return {
    segment,
    ours,
    theirs,
    holders,
    startClient: (address = ADDRESS) => {
      const own = [process.execPath, program];
      return new Client({
        namespace: client.name,
        program: own,
        address,
        port: 80,
        intervalMs: 5,
        deadlineMs: 10_000,
      });
    },
  };
}

/** Every advert of this node came in time, whichever process sent it: but for the time in which others had the processors. */
async function assertPunctual(capture: Capture, { address }: Host, waiting: WaitingTime): Promise<void> {
  const times = adverts(await capture.frames(), address).map(timeMs);
  assert.ok(times.length > 2, 'there are some');
  const waitedMs = await waiting.stop();
  const gaps = times.slice(1).map((time, i) => ({ apartMs: time - times[i], waitedMs: waitedMs(times[i], time) }));
  for (const { apartMs, waitedMs: ms } of gaps) {
    const said = `adverts ${Math.round(apartMs)} ms apart, of which everybody waited for ${Math.round(ms)} ms`;
    assert.ok(apartMs - ms <= APART_MAX * INTERVAL_MS, `${said}; ${JSON.stringify(gaps)}`);
  }
}

test('keepalived backs it up: three upgrades under load, and it is active all the time', needsKeepalived, async (t) => {
  const site = await createSite(t);
  const evenkeel = new EvenkeelHost(site.ours, 'lb01', yaml());
  await evenkeel.said(/ready: /);
  await evenkeel.is('active');
  const keepalived = new Keepalived(site.theirs, { ...PEER, priority: 100 });
  await keepalived.becomes('BACKUP');
  // tcpdump counts what comes before it has its filter, and would wait for that in vain.
  const capture = await Capture.start(t, site.segment);
  const waiting = await WaitingTime.start(t);
  const client = site.startClient();
  await client.served(200);
  client.restart();
  await evenkeel.owner();
  const pids = [evenkeel.child.pid!];
  const owners = [await evenkeel.owner()];
  const timesElse = async (): Promise<number> =>
    (await evenkeel.router()).changes.filter(({ to }) => to !== 'active').length;
  const before = await timesElse();
  for (let round = 0; round < 3; round++) {
    pids.push(await evenkeel.upgrade());
    owners.push(await evenkeel.owner());
    assert.equal((await evenkeel.router()).state, 'active');
  }
  assert.equal(new Set(pids).size, 4);
  assert.equal(new Set(owners).size, 4, 'each program has processes of its own');
  await evenkeel.eventually(() => Promise.resolve(evenkeel.vipProcesses() === 2), 'has other vip processes left');
  // One that dies is gone on with as before.
  signal(owners[3], 'SIGKILL');
  await evenkeel.said(/takes its place|has taken its place/);
  await evenkeel.owner();
  await client.served(200);
  assert.deepEqual(client.outages.all, [], evenkeel.text);
  await client.stop();
  await assertPunctual(capture, site.ours, waiting);
  assert.deepEqual(keepalived.states(), ['BACKUP']);
  assert.deepEqual(site.holders.takers, [site.ours.name]);
  assert.equal(await timesElse(), before);
  await evenkeel.stop();
  await keepalived.becomes('MASTER');
  assert.equal(site.ours.has(ADDRESS), false);
});

test('a backup of keepalived is upgraded, and stays one; then it takes over as ever', needsKeepalived, async (t) => {
  const site = await createSite(t);
  const keepalived = new Keepalived(site.theirs, { ...PEER, priority: 200 });
  await keepalived.becomes('MASTER');
  const evenkeel = new EvenkeelHost(site.ours, 'lb01', yaml());
  await evenkeel.said(/ready: /);
  await evenkeel.is('backup');
  await evenkeel.upgrade();
  await evenkeel.is('backup');
  assert.deepEqual(keepalived.states(), ['BACKUP', 'MASTER']);
  await keepalived.stop();
  await evenkeel.is('active');
  await evenkeel.upgrade();
  await evenkeel.is('active');
  assert.deepEqual(site.holders.takers, [site.theirs.name, site.ours.name]);
});

test(
  'a hand-over, verdicts and what happened outlive an upgrade, and no program is run for it',
  needsKeepalived,
  async (t) => {
    const site = await createSite(t);
    const told = join(site.segment.directory, 'told');
    const more = `    track: [ { script: { run: [ /bin/true ], interval: 1h, weight: 3 } }, { upstream: web } ]
    notify: { active: [ /bin/sh, -c, 'echo active >> ${told}' ], backup: [ /bin/sh, -c, 'echo backup >> ${told}' ], user: root }
`;
    const evenkeel = new EvenkeelHost(site.ours, 'lb01', yaml(150, more));
    await evenkeel.said(/ready: /);
    await evenkeel.is('active');
    const keepalived = new Keepalived(site.theirs, { ...PEER, priority: 100 });
    await keepalived.becomes('BACKUP');
    await evenkeel.eventually(async () => (await evenkeel.router()).account?.adverts.accepted === 0, 'hears');
    const lines = (): string[] => site.ours.run('cat', told).trim().split('\n');
    await evenkeel.eventually(() => Promise.resolve(lines().length === 2), 'has told');
    assert.deepEqual(await evenkeel.ask('POST', '/v1/routers/VI_1/hand-over?by=test'), { router: 'VI_1' });
    await keepalived.becomes('MASTER');
    await evenkeel.is('backup');
    await evenkeel.eventually(() => Promise.resolve(lines().length === 3), 'has told');
    const before = await evenkeel.router();
    await evenkeel.upgrade();
    await evenkeel.is('backup');
    const after = await evenkeel.router();
    assert.equal(after.restraint?.reason, 'hand-over');
    assert.equal(after.restraint?.by, 'test');
    assert.ok(after.restraint.sinceAgeMs >= before.restraint!.sinceAgeMs);
    assert.equal(after.account?.priority, 153);
    for (const [i, { sinceAgeMs, detail }] of before.tracked.entries()) {
      assert.ok(after.tracked[i].sinceAgeMs >= sinceAgeMs);
      assert.equal(after.tracked[i].detail, detail);
    }
    assert.deepEqual(
      after.changes.slice(-before.changes.length).map(({ to, cause }) => [to, cause]),
      before.changes.map(({ to, cause }) => [to, cause]),
    );
    assert.deepEqual(lines(), ['backup', 'active', 'backup']);
    await new Promise((resolve) => setTimeout(resolve, 4 * INTERVAL_MS));
    assert.deepEqual(keepalived.states().at(-1), 'MASTER', 'it is left to the peer');
    assert.deepEqual(await evenkeel.ask('POST', '/v1/routers/VI_1/resume?by=test'), { router: 'VI_1' });
    await evenkeel.is('active');
  },
);

const link = (message: object): string =>
  `process.send ? 0 : require('node:fs').writeSync(3, '${JSON.stringify(message)}\\n');`;
const BROKEN: Readonly<Record<string, readonly [source: string, why: RegExp]>> = {
  'lacks a module': [`import './missing.mjs';`, /ended before it served/],
  'serves, and does not stand by for the address': [
    `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
     ${link({ type: 'hello', version: '9', pid: 1 })} ${link({ type: 'serving', addresses: [] })} setInterval(() => 0, 1000);`,
    /does not stand by for the virtual addresses after 3 s/,
  ],
  'serves, and ends when it is to stand by': [
    `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
     ${link({ type: 'hello', version: '9', pid: 1 })} ${link({ type: 'serving', addresses: [] })}
     const socket = new (require('node:net').Socket)({ fd: 3, readable: true, writable: false });
     socket.on('data', (data) => String(data).includes('stand-by') && process.exit(1));`,
    /ended before it stood by for the virtual addresses/,
  ],
};

for (const [what, [source, why]] of Object.entries(BROKEN)) {
  test(`a program that ${what} changes nothing`, needsKeepalived, async (t) => {
    const site = await createSite(t);
    const file = replaceable(t);
    const evenkeel = new EvenkeelHost(site.ours, 'lb01', yaml(), file.path);
    await evenkeel.said(/ready: /);
    await evenkeel.is('active');
    const keepalived = new Keepalived(site.theirs, { ...PEER, priority: 100 });
    await keepalived.becomes('BACKUP');
    const owner = await evenkeel.owner();
    const capture = await Capture.start(t, site.segment);
    const waiting = await WaitingTime.start(t);
    file.replace(source);
    assert.match(await evenkeel.fails(), why);
    assert.equal(await evenkeel.owner(), owner);
    file.replace(null);
    assert.notEqual(await evenkeel.upgrade(), evenkeel.child.pid);
    await evenkeel.owner();
    // both upgrades may be over before the third advert
    await new Promise((resolve) => setTimeout(resolve, 4 * INTERVAL_MS));
    await assertPunctual(capture, site.ours, waiting);
    assert.deepEqual(keepalived.states(), ['BACKUP']);
    assert.deepEqual(site.holders.takers, [site.ours.name]);
  });
}

test(
  'the keeper alone is killed: its vip process hands over, its proxies serve on, and the next keeper has both again',
  needsKeepalived,
  async (t) => {
    const site = await createSite(t);
    const evenkeel = new EvenkeelHost(site.ours, 'lb01', yaml());
    await evenkeel.is('active');
    const keepalived = new Keepalived(site.theirs, { ...PEER, priority: 100 });
    await keepalived.becomes('BACKUP');
    await evenkeel.owner();
    const client = site.startClient(site.ours.address);
    await client.served(100);
    signal(evenkeel.child.pid!, 'SIGKILL');
    await keepalived.becomes('MASTER');
    await client.served(200);
    assert.equal(site.ours.has(ADDRESS), false);
    const next = new EvenkeelHost(site.ours, 'lb01', yaml(), program, [], evenkeel);
    await next.is('active');
    await next.said(/an evenkeel that was killed are still there/);
    await client.served(300);
    assert.deepEqual(client.outages.all, [], next.text);
    assert.equal((await next.ask<StatusDocument>('GET', '/v1/status')).pid, next.child.pid);
    await client.stop();
    await next.owner();
    assert.equal(next.vipProcesses(), 2);
    assert.deepEqual(site.holders.takers, [site.ours.name, site.theirs.name, site.ours.name]);
    await next.stop();
  },
);

test(
  'a successor that is killed when there is no way back: the peer has the address, and no two do',
  needsKeepalived,
  async (t) => {
    const site = await createSite(t);
    const file = replaceable(t);
    const evenkeel = new EvenkeelHost(site.ours, 'lb01', yaml(), file.path);
    await evenkeel.said(/ready: /);
    await evenkeel.is('active');
    const keepalived = new Keepalived(site.theirs, { ...PEER, priority: 100 });
    await keepalived.becomes('BACKUP');
    await evenkeel.owner();
    file.replace(dyingAfter('standing-by'));
    signal(evenkeel.child.pid!, 'SIGUSR2');
    // Its vip process hands over what it was left; nobody is left to take part here.
    await keepalived.becomes('MASTER');
    await evenkeel.ends(137);
    await evenkeel.eventually(() => Promise.resolve(evenkeel.vipProcesses() === 0), 'has vip processes left');
    assert.equal(site.ours.has(ADDRESS), false);
    // A keepalived says that it is the master before it has the address.
    await evenkeel.eventually(
      () => Promise.resolve(site.holders.takers.length > 1),
      'was the last to have the address',
    );
    assert.deepEqual(site.holders.takers, [site.ours.name, site.theirs.name]);
  },
);

test(
  'a file without a router that runs is refused; with another priority it is taken over',
  needsKeepalived,
  async (t) => {
    const site = await createSite(t);
    const evenkeel = new EvenkeelHost(site.ours, 'lb01', yaml());
    await evenkeel.said(/ready: /);
    await evenkeel.is('active');
    evenkeel.write(yaml().replace('VI_1', 'VI_2'));
    assert.match(await evenkeel.fails(), /virtual router VI_1 is not in the file any more/);
    evenkeel.write(yaml().slice(0, yaml().indexOf('ha:')));
    assert.match(await evenkeel.fails(), /the file has no `ha` part any more/);
    assert.equal((await evenkeel.router()).state, 'active');
    evenkeel.write(yaml(160));
    await evenkeel.upgrade();
    await evenkeel.eventually(async () => (await evenkeel.router()).account?.priority === 160, 'has the new priority');
    assert.deepEqual(site.holders.takers, [site.ours.name]);
  },
);

test(
  'once the files are others, what dies is replaced by an upgrade: a vip process, and a proxy',
  needsKeepalived,
  async (t) => {
    const site = await createSite(t);
    const repository = fileURLToPath(new URL('../..', import.meta.url));
    const copy = mkdtempSync(join(tmpdir(), 'evenkeel-copy-'));
    t.after(() => rmSync(copy, { recursive: true, force: true }));
    for (const path of ['bin', 'dist/program', 'package.json']) {
      cpSync(join(repository, path), join(copy, path), { recursive: true });
    }
    symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'));
    const evenkeel = new EvenkeelHost(site.ours, 'lb01', yaml(), join(copy, 'bin/evenkeel'));
    await evenkeel.said(/ready: /);
    await evenkeel.is('active');
    const keepalived = new Keepalived(site.theirs, { ...PEER, priority: 100 });
    await keepalived.becomes('BACKUP');
    let inCharge = evenkeel.child.pid!;
    const charge = async (): Promise<number> => (await evenkeel.ask<{ pid: number }>('GET', '/v1/status')).pid;
    const proxy = async (): Promise<number> => {
      return (await evenkeel.ask<StatusDocument>('GET', '/v1/status')).proxies[0].pid;
    };
    for (const [i, pidOf] of [() => evenkeel.owner(), proxy].entries()) {
      await evenkeel.owner();
      const pid = await pidOf();
      utimesSync(join(copy, 'dist/program/main.js'), i + 1, i + 1);
      const from = evenkeel.text.length;
      signal(pid, 'SIGKILL');
      await evenkeel.said(/is in charge \(pid \d+\)/, from);
      // who asks in the instant in which the other one takes over gets no answer
      const asked = (): Promise<number> => charge().catch(() => inCharge);
      await evenkeel.eventually(async () => (await asked()) !== inCharge, 'has no successor');
      inCharge = await charge();
      await evenkeel.owner();
      // Where the only proxy is missing for longer than a second, the peer has the address meanwhile.
      if (pidOf === proxy) continue;
      assert.deepEqual(keepalived.states(), ['BACKUP']);
      assert.deepEqual(site.holders.takers, [site.ours.name]);
    }
    await evenkeel.is('active');
    assert.deepEqual(evenkeel.vipProcesses(), 2);
  },
);
