/** Two balancers that announce the same address by BIRD to a router that sends to both: who is not well, or not alive, is not sent to. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { AnnouncementView } from '../src/api/announcements.ts';
import { askStatus } from '../src/commands/control-client.ts';
import { askSocket } from './control-socket.ts';
import { Evenkeel } from './evenkeel.ts';
import { ADDRESS, ANNOUNCED, Fleet, LEAVING } from './fleet/lab.ts';
import { peerSkip, run } from './peers.ts';
import { until } from './waiting.ts';

const skip = process.getuid?.() === 0 ? peerSkip(null, 'bird', 'birdc', 'curl', 'ip', 'sysctl').skip : 'needs root';

class Node {
  readonly name: string;
  readonly evenkeel: Evenkeel;
  /** As tracked: other than 0 is a failure. */
  readonly weightFile: string;

  static async start(t: TestContext, fleet: Fleet, name: string, more = ''): Promise<Node> {
    const weightFile = join(fleet.network.directory, `${name}.weight`);
    writeFileSync(weightFile, '0');
    const yaml = `
listeners: { web: { bind: "*:80", routes: [{ respond: { body: "${name}" } }] } }
announce:
  web:
    addresses: [${ADDRESS}${more}]
    interface: ${ANNOUNCED}
    graceful: { interface: ${LEAVING}, for: 1s }
    life: 6s
    convergence: 1s
    bird: ${fleet.birdSocket(name)}
    track: [{ proxy: true }, { file: ${weightFile} }]
`;
    const through = ['ip', 'netns', 'exec', fleet.network.namespace(name)];
    const evenkeel = await Evenkeel.start(t, yaml, { workers: 1, through, hasSocket: true });
    return new Node(name, evenkeel, weightFile);
  }

  private constructor(name: string, evenkeel: Evenkeel, weightFile: string) {
    this.name = name;
    this.evenkeel = evenkeel;
    this.weightFile = weightFile;
  }

  order(method: 'GET' | 'POST', path: string): Promise<unknown> {
    return askSocket(`${this.evenkeel.file}.sock`, method, path);
  }

  async view(): Promise<AnnouncementView> {
    return (await askStatus(`${this.evenkeel.file}.sock`)).announce!.announcements[0];
  }
}

test(
  'a fleet: announced while well, withdrawn by whatever end, and not by a reload or an upgrade',
  { skip },
  async (t) => {
    const fleet = await Fleet.create({ nodes: ['lb01', 'lb02'] });
    t.after(() => fleet.remove());
    const lb01 = await Node.start(t, fleet, 'lb01');
    const lb02 = await Node.start(t, fleet, 'lb02');
    await fleet.hasWays('lb01', 'lb02');

    // both have clients, and say whom they are known to
    const answered = new Set<string | null>();
    await until(async () => answered.add(await fleet.ask()).has('lb01') && answered.has('lb02'));
    await until(async () => (await lb01.view()).told.some(({ session }) => session === 'edge'));
    const { daemons } = (await askStatus(`${lb01.evenkeel.file}.sock`)).announce!;
    assert.deepEqual(
      daemons.map(({ problem, hasDirect, sessions }) => [
        problem,
        hasDirect,
        sessions.map(({ neighborAs }) => neighborAs),
      ]),
      [[null, true, [65_100]]],
    );

    await t.test('check says what the routing daemon lacks', async () => {
      const { file } = lb01.evenkeel;
      const inside = ['netns', 'exec', fleet.network.namespace('lb01'), process.execPath, 'bin/evenkeel'];
      const well = await run('ip', [...inside, 'check', file, '--socket', `${file}.sock`]);
      assert.deepEqual([well.code, well.stderr], [0, '']);
      const other = join(fleet.network.directory, 'other.yaml');
      writeFileSync(
        other,
        `listeners: { web: { bind: "*:80", routes: [{ respond: {} }] } }
announce:
  a: { addresses: [192.0.2.11], interface: eth0, bird: ${fleet.birdSocket('router')} }
  b: { addresses: [192.0.2.12], interface: anycast9, bird: /nowhere/bird.ctl }
`,
      );
      const { stderr } = await run('ip', [...inside, 'check', other, '--socket', `${file}.sock`]);
      for (const said of [
        /`eth0` has neighbours, .* \[announce-interface-with-neighbours\]/,
        /tells nobody of routes: it has no protocol `direct` that is up, .* \[no-bgp-session\]/,
        /no network interface `anycast9`; .* \[no-announce-interface\]/,
        /BIRD does not answer at `\/nowhere\/bird.ctl`: .* \[no-answer-of-bird\]/,
      ])
        assert.match(stderr, said);
    });

    await t.test('a drain goes by way of the community', async () => {
      const drained = lb02.order('POST', '/v1/node/drain');
      await lb02.evenkeel.said(/announcement web: announced to leaving: drain/);
      await until(() => fleet.birdOf('router').output.includes('graceful shutdown of lb02'));
      await drained;
      await fleet.hasWays('lb01');
      await lb02.evenkeel.said(/leaving to converging: moved/);
      await lb02.evenkeel.said(/converging to withdrawn: converged/);
      await until(() => !hasRoute(fleet, 'lb02'));
      assert.equal((await lb02.view()).obstacle, 'this node is drained');
      await lb02.order('POST', '/v1/node/enable');
      await fleet.hasWays('lb01', 'lb02');
    });

    await t.test('what is tracked fails', async () => {
      writeFileSync(lb02.weightFile, '1');
      await fleet.hasWays('lb01');
      await lb02.evenkeel.said(/announced to converging: fault, file /);
      writeFileSync(lb02.weightFile, '0');
      await fleet.hasWays('lb01', 'lb02');
    });

    await t.test('a reload and an upgrade withdraw nothing', async () => {
      const before = routeOf(fleet, 'lb01');
      writeFileSync(lb01.evenkeel.file, `# again\n${await textOf(lb01)}`);
      await lb01.order('POST', '/v1/reload');
      await lb01.order('POST', '/v1/upgrade');
      await lb01.evenkeel.said(/withdrawn to announced: adopted/);
      await until(async () => (await lb01.view()).heldAgeMs !== null);
      assert.equal(routeOf(fleet, 'lb01'), before, 'the router was told of it once');
    });

    await t.test('killed, and frozen, while BIRD lives', async () => {
      const { pid } = await askStatus(`${lb01.evenkeel.file}.sock`);
      process.kill(pid, 'SIGKILL');
      lb02.evenkeel.signal('SIGSTOP');
      await fleet.hasWays();
      lb02.evenkeel.signal('SIGCONT');
      await lb02.evenkeel.said(/announced to withdrawn: stalled, their life was not lengthened for/);
      await fleet.hasWays('lb02');
    });

    await t.test('a stop withdraws, and ends when routers have heard', async () => {
      lb02.evenkeel.signal('SIGTERM');
      assert.equal(await lb02.evenkeel.exit, 0);
      assert.equal(hasRoute(fleet, 'lb02'), false);
      await fleet.hasWays();
    });
  },
);

/** As the router has it, with when it was told of it. */
function routeOf(fleet: Fleet, node: string): string | undefined {
  return new RegExp(`\\[${node} .*?\\]`).exec(fleet.bird('router', 'show', 'route', ADDRESS))?.[0];
}

function hasRoute(fleet: Fleet, node: string): boolean {
  return routeOf(fleet, node) !== undefined;
}

async function textOf({ evenkeel }: Node): Promise<string> {
  return (await import('node:fs/promises')).readFile(evenkeel.file, 'utf8');
}
