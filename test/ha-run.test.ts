/**
 * `evenkeel run` with `ha`, as an operator has it: a pair in network namespaces, one file for both, and the commands. What
 * the adverts and the addresses do is tested beside their owner; here it is what joins them with everything else.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Balancer, BALANCERS, Pair } from '../src/lab/pair.ts';
import { commandLineOf } from '../src/lab/processes.ts';
import { refusalOfLab } from '../src/lab/system.ts';
import { Evenkeel, program } from './evenkeel.ts';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { evenkeel, HA, RunningNode } from './running-node.ts';

const lab = { skip: refusalOfLab() ?? false };
const asRoot = { skip: process.getuid?.() === 0 ? false : 'needs root' };

const CONFIGURATION = `
listeners:
  web: { bind: "*:80", routes: [ { upstream: web } ] }
upstreams:
  web: { servers: [ "192.168.15.7:80", "192.168.15.8:80" ] }
${HA}`;

/** Both are ready, and lb01 is active. \`more\` is added to the router. */
async function startPair(
  t: TestContext,
  more: (directory: string) => string,
  configuration = CONFIGURATION,
): Promise<{ pair: Pair; nodes: Record<Balancer, RunningNode> }> {
  const pair = await Pair.create([process.execPath, program]);
  t.after(() => pair.remove());
  const file = join(pair.network.directory, 'evenkeel.yaml');
  writeFileSync(file, configuration + more(pair.network.directory));
  const nodes = Object.fromEntries(BALANCERS.map((host) => [host, new RunningNode(pair, host, file)])) as Record<
    Balancer,
    RunningNode
  >;
  for (const host of BALANCERS) await nodes[host].said(/ready: web \*:\d+, VI_1 on eth0/);
  await nodes.lb01.is('active');
  await nodes.lb02.is('backup');
  return { pair, nodes };
}

test('handover, resume and a clean stop move the address, and clients hardly notice', lab, async (t) => {
  const { pair, nodes } = await startPair(t, () => '');
  const { lb01, lb02 } = nodes;
  const client = pair.startClient(5);
  await client.served(100);
  client.restart();

  // There is only one.
  const moved = lb01.command('handover');
  assert.match(
    moved.out,
    /^VI_1: handed over to 192\.168\.15\.6 of priority 100 within \d+\.\d s, until `evenkeel resume VI_1`\n$/,
  );
  assert.equal(moved.code, 0);
  await lb01.is('backup');
  await lb02.is('active');
  assert.match(
    lb01.command('handover', '--all').out,
    /^VI_1: is backup here, and active on 192\.168\.15\.6: there is nothing to hand over\n$/,
  );

  // It does not preempt until it is told to.
  await client.served(1_000);
  assert.equal((await lb02.router()).state, 'active');
  assert.equal(lb01.command('resume', 'VI_1').out, 'VI_1: takes part as configured again\n');
  await lb01.is('active');

  lb01.process.child.kill('SIGTERM');
  await lb02.is('active');
  assert.equal(await lb01.process.exit, 0);
  await client.served(200);
  await client.stop();
  // That nothing at all is lost is ha-moves.test.ts's matter, with a client that does not judge by time. For silence a node
  // would wait for 720 ms.
  const { outages } = client;
  assert.ok(
    outages.all.every(({ fromMs, toMs }) => toMs !== null && toMs - fromMs < 600 + outages.blindMs),
    JSON.stringify(outages.all),
  );
  assert.equal(outages.outcomes().refused, undefined);

  const nobody = lb02.command('handover', 'VI_1');
  assert.equal(nobody.out, 'VI_1: nobody took over: it stays active here\n');
  assert.equal(nobody.code, 1);
  assert.match(lb02.command('handover', 'VI_9').err, /there is no virtual router VI_9; there is VI_1/);
});

test(
  'a failing script gives the address up, after its recover command was tried; programs run in order',
  lab,
  async (t) => {
    const { pair, nodes } = await startPair(t, (directory) => {
      const note = (role: string): string =>
        `[ /bin/sh, -c, 'echo "$EVENKEEL_NODE $*" >> ${directory}/notified', ${role} ]`;
      return `
    track:
      - script:
          run: [ /bin/sh, -c, 'ip addr show eth0 | grep -qF 192.168.15.6 || test ! -e ${directory}/ill' ]
          recover: [ /bin/sh, -c, 'test ! -e ${directory}/incurable && rm ${directory}/ill' ]
          interval: 200ms
          timeout: 10s
          fall: 2
          user: root
    notify: { active: ${note('a')}, backup: ${note('b')}, fault: ${note('f')}, stop: ${note('s')}, user: root }
`;
    });
    const { lb01, lb02 } = nodes;
    // Only lb01 ever is.
    const ill = join(pair.network.directory, 'ill');
    await lb01.is('active');
    writeFileSync(ill, '');
    await lb01.said(/script sh fails \(exit code 1\): running \/bin\/sh -c test .* once/);
    // The first failure was told before the cure began; this is told after it.
    while (existsSync(ill) || (await lb01.router()).tracked[0].detail !== 'exit code 0') await sleep(50);

    writeFileSync(join(pair.network.directory, 'incurable'), '');
    writeFileSync(ill, '');
    await lb01.said(/script sh: \/bin\/sh -c test .* failed: exit code 1/);
    await lb01.is('fault');
    const [tracked] = (await lb01.router()).tracked;
    assert.equal(tracked.isUp, false);
    assert.match(tracked.detail, /exit code 1/);
    assert.match(lb01.command('status').out, /^ {2}fault {6}script sh$/m);
    rmSync(ill);
    await lb01.is('active');
    await lb02.is('backup');
    const notified = readFileSync(join(pair.network.directory, 'notified'), 'utf8').trim().split('\n');
    const own = notified.filter((line) => line.startsWith('lb01 ')).map((line) => line.split(' ').slice(1).join(' '));
    assert.deepEqual(own, [
      'INSTANCE VI_1 BACKUP 150',
      'INSTANCE VI_1 MASTER 150',
      'INSTANCE VI_1 FAULT 150',
      'INSTANCE VI_1 BACKUP 150',
      'INSTANCE VI_1 MASTER 150',
    ]);
  },
);

test('the routers of a group are handed over together, and it is said of each how long that took', lab, async (t) => {
  const { nodes } = await startPair(
    t,
    () => `
    group: both
  VI_2:
    interface: eth0
    router-id: 51
    priority: { lb01: 150, lb02: 100 }
    advertise: 200ms
    addresses: [ 192.168.15.4/24 ]
    group: both
`,
  );
  assert.match(nodes.lb01.command('handover').err, /several virtual routers: write one of VI_1, VI_2, or --all/);
  const { out, code } = nodes.lb01.command('handover', 'VI_2');
  assert.match(
    out,
    /^VI_1: handed over to 192\.168\.15\.6 of priority 100 within .*\nVI_2: handed over to 192\.168\.15\.6 .*\n$/,
  );
  assert.equal(code, 0);
  assert.match(nodes.lb01.command('handover', 'VI_1').out, /^VI_1: is backup here.*\nVI_2: is backup here.*\n$/);
});

test('a proxy that hangs gives the address to the other node, and it comes back when all is well', lab, async (t) => {
  const { pair, nodes } = await startPair(t, () => '');
  const { lb01, lb02 } = nodes;
  const proxy = pair.processes('lb01').find((pid) => commandLineOf(pid).startsWith('evenkeel: proxy'))!;
  process.kill(proxy, 'SIGSTOP');
  await lb02.is('active');
  assert.match((await lb01.router()).account?.fault ?? '', /^proxy$/);
  // The keeper replaces it.
  await lb01.is('active');
  assert.equal(existsSync(`/proc/${proxy}`), false);
});

test('nothing that runs is shown as running when it does not', lab, async (t) => {
  const { nodes } = await startPair(t, () => '');
  const { lb01, lb02 } = nodes;
  process.kill(lb01.process.pid, 'SIGSTOP');
  const hung = lb01.command('status');
  assert.equal(hung.code, 1);
  assert.match(hung.err, /no answer within 3 s: the instance hangs/);
  process.kill(lb01.process.pid, 'SIGKILL');
  await lb01.said(/the keeper is gone: the addresses are handed over, and its proxies serve on until the next start/);
  const dead = lb01.command('status');
  assert.equal(dead.code, 1);
  assert.match(dead.err, /^evenkeel: evenkeel is not running: nothing listens on /);
  assert.equal(dead.out, '');
  await lb02.is('active');
});

test('`ha` without listeners is keepalived’s part alone', lab, async (t) => {
  const pair = await Pair.create([process.execPath, program]);
  t.after(() => pair.remove());
  const file = join(pair.network.directory, 'evenkeel.yaml');
  writeFileSync(file, HA);
  const node = new RunningNode(pair, 'lb01', file);
  await node.said(/ready: VI_1 on eth0/);
  await node.is('active');
  node.process.child.kill('SIGTERM');
  assert.equal(await node.process.exit, 0);
});

test('a second evenkeel for the same addresses does not start', lab, async (t) => {
  const pair = await Pair.create([process.execPath, program]);
  t.after(() => pair.remove());
  const file = join(pair.network.directory, 'evenkeel.yaml');
  // Without listeners, whose ports would tell.
  writeFileSync(file, HA);
  const first = new RunningNode(pair, 'lb01', file);
  await first.said(/ready: VI_1 on eth0/);
  await first.is('active');
  const second = new RunningNode(pair, 'lb01', file);
  assert.equal(await second.process.exit, 1);
  assert.match(second.process.output, /cannot start: another evenkeel answers on \S+lb01\.sock: stop that one first/);
  assert.deepEqual(
    (await first.router()).changes.map(({ to }) => to),
    ['active', 'backup'],
  );
});

function fileWith(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-ha-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'evenkeel.yaml');
  writeFileSync(file, text);
  return file;
}

test('a node that the file has no values for does not start, and is told how to say which it is', (t) => {
  const file = fileWith(t, CONFIGURATION);
  const named = evenkeel('run', file, '--node', 'lb03');
  assert.equal(named.code, 1);
  assert.match(named.err, /this is node `lb03`, and the file has values for lb01, lb02 only; write `node: lb01`/);
  const unnamed = evenkeel('run', file);
  assert.equal(unnamed.code, 1);
  assert.match(
    unnamed.err,
    /this is node `.*`, and the file has values for .* only; write `node: .*` or start it with `--node /,
  );
});

test('a key file that cannot be used keeps it from starting, and check says so', (t) => {
  const unicast = '    unicast: { peers: [ 192.168.15.6 ], key: /nowhere/vrrp.key }\n';
  const file = fileWith(t, CONFIGURATION + unicast);
  const checked = evenkeel('check', file, '--node', 'lb01');
  assert.equal(checked.code, 1);
  assert.match(checked.err, /:\d+:\d+: the key file \/nowhere\/vrrp\.key cannot be used: there is no such file/);
  const run = evenkeel('run', file, '--node', 'lb01');
  assert.equal(run.code, 1);
  assert.match(run.err, /:\d+:\d+: the key file \/nowhere\/vrrp\.key cannot be used/);
});

test('a process without the rights that addresses need says which are missing', asRoot, async (t) => {
  const file = fileWith(t, CONFIGURATION);
  const through = ['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw', '--'];
  const run = Evenkeel.spawn(t, ['run', file, '--node', 'lb01'], { through });
  assert.equal(await run.exit, 1);
  assert.match(
    run.stderr,
    /a virtual address needs CAP_NET_RAW, which this process does not have; run it as root, or with systemd's /,
  );
});

test('programs that do not end do not keep evenkeel from ending: no longer than `grace`', lab, async (t) => {
  const { nodes } = await startPair(t, (directory) => {
    const command = (role: string): string =>
      `[ /bin/sh, -c, 'echo $EVENKEEL_NODE ${role} >> ${directory}/told; sleep 300', x ]`;
    return `
    notify: { active: ${command('active')}, backup: ${command('backup')}, stop: ${command('stop')}, user: root }
grace: 4s
`;
  });
  const { lb01, lb02 } = nodes;
  lb01.process.child.kill('SIGTERM');
  const from = performance.now();
  assert.equal(await lb01.process.exit, 0);
  const tookMs = performance.now() - from;
  // Their own time limits are a minute each.
  assert.ok(tookMs < 40_000, `${tookMs} ms`);
  assert.match(lb01.process.output, /VI_1: the program for \w+ is ended: another one waits, and evenkeel ends/);
  assert.match(lb01.process.output, /VI_1: the program for stop is ended: the time to stop is over/);
  await lb02.is('active');
});

test('a node that starts without a certificate leaves the address to its peer until it can be used', lab, async (t) => {
  const maker = new CertificateMaker();
  t.after(() => maker.remove());
  for (const name of ['first', 'shop']) maker.make(name, { names: [`${name}.example`] });
  const pairs = ['first', 'shop'].map(
    (name) => `{ certificate: ${maker.path(`${name}.pem`)}, key: ${maker.path(`${name}.key`)} }`,
  );
  const web = `web: { bind: "*:443", tls: { certificates: [ ${pairs.join(', ')} ] }, routes: [ { respond: {} } ] }`;
  const { pair, nodes } = await startPair(t, () => '', `listeners: { ${web} }\n${HA}`);
  const { lb01, lb02 } = nodes;
  lb01.process.child.kill('SIGTERM');
  await lb01.process.exit;
  await lb02.is('active');
  renameSync(maker.path('shop.key'), maker.path('away.key'));
  const again = new RunningNode(pair, 'lb01', join(pair.network.directory, 'evenkeel.yaml'));
  await again.said(/VI_1: started without a certificate of a listener: leaves its addresses to a peer/);
  await again.said(/ready/);
  // Longer than it takes to preempt.
  await sleep(3_000);
  await again.is('backup');
  assert.match(again.command('status').out, /^ {2}held back {2}started without a certificate of a listener/m);
  renameSync(maker.path('away.key'), maker.path('shop.key'));
  await again.is('active');
  await lb02.is('backup');
});
