/** The network of the lab: what is cut is cut, what is observed is true, and nothing is left, however it ends. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Network } from '../src/lab/network.ts';
import { Pair, VIRTUAL_ADDRESS } from '../src/lab/pair.ts';
import { commandLineOf, type HostProcess, processesIn, signalAll } from '../src/lab/processes.ts';
import { refusalOfLab, runTool } from '../src/lab/system.ts';
import { program, WAIT_MS } from './evenkeel.ts';

const skip = refusalOfLab() ?? false;

/** Nobody listens there: a refusal is what comes from a host that is reached. */
async function isReached(network: Network, from: string, address: string): Promise<boolean> {
  const attempt = `exec 2>&1; timeout 0.4 bash -c 'exec 3<> /dev/tcp/${address}/9' || true`;
  const said = await runTool('ip', ['netns', 'exec', network.namespace(from), 'bash', '-c', attempt]);
  return said.includes('refused');
}

/** A link that is healed is learnt by ARP in its own time. */
async function becomesReached(network: Network, from: string, address: string): Promise<boolean> {
  const deadline = performance.now() + WAIT_MS;
  while (performance.now() < deadline) if (await isReached(network, from, address)) return true;
  return false;
}

test(
  'cuts of a link, a partition, one direction and only adverts do what they say; healing ends them',
  { skip },
  async (t) => {
    const network = await Network.create();
    t.after(() => network.remove());
    await network.addHosts({ a: ['10.9.0.1/24'], b: ['10.9.0.2/24'], c: ['10.9.0.3/24'] });
    const ways = [
      ['a', '10.9.0.2'],
      ['a', '10.9.0.3'],
      ['b', '10.9.0.3'],
    ] as const;
    const reach = async (...wanted: boolean[]): Promise<void> => {
      for (const [i, [from, to]] of ways.entries()) {
        const reached = wanted[i] ? becomesReached : isReached;
        assert.equal(await reached(network, from, to), wanted[i], `${from} to ${to}`);
      }
    };
    const carrier = async (): Promise<boolean> =>
      !(await network.ip('a', ['link', 'show', 'eth0'])).includes('NO-CARRIER');
    await reach(true, true, true);
    await network.cutLink('a');
    await reach(false, false, true);
    assert.equal(await carrier(), false);
    await network.heal();
    await reach(true, true, true);
    await network.isolate('a');
    await reach(false, false, true);
    assert.equal(await carrier(), true);
    await network.heal();
    await network.cut([{ from: 'b', to: 'a', what: 'everything' }]);
    await reach(false, true, true);
    await network.heal();
    await network.cut([{ from: 'b', to: 'a', what: 'vrrp' }]);
    await reach(true, true, true);
  },
);

test('the client sees an outage, and the watch who has the address', { skip }, async (t) => {
  const pair = await Pair.create([process.execPath, program]);
  t.after(() => pair.remove());
  const { network, watch } = pair;
  const server = (host: string): HostProcess => pair.run(host, [process.execPath, program, '__lab-web', host]);
  server('lb01');
  const other = server('lb02');
  await network.ip('lb02', ['address', 'add', `${VIRTUAL_ADDRESS}/24`, 'dev', 'eth0']);
  const client = pair.startClient(5);
  await client.served(100);
  client.restart();
  assert.deepEqual(watch.holders(), ['lb02']);
  assert.equal((await pair.path()).port, 'lb02');

  signalAll([other.pid], 'SIGKILL');
  await other.exit;
  await client.settled();
  assert.equal(client.outages.isDown, true);
  server('lb02');
  await client.served(100);
  assert.equal(client.outages.all.length, 1);
  const kinds = Object.keys(client.outages.outcomes());
  assert.ok(
    kinds.every((kind) => kind === 'refused' || kind === 'reset'),
    kinds.join(),
  );
  await client.stop();
});

const OWNER = `
  import { Pair } from ${JSON.stringify(new URL('../src/lab/pair.js', import.meta.url).href)};
  const pair = await Pair.create([process.execPath, ${JSON.stringify(program)}]);
  pair.startClient(100);
  console.log(pair.network.id);
  await new Promise((resolve) => setTimeout(resolve, 1e9));
`;

for (const signal of ['SIGKILL', 'SIGINT'] as const) {
  test(`nothing of a lab is left after ${signal}`, { skip }, async (t) => {
    const owner = spawn(process.execPath, ['--input-type=module', '-e', OWNER], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => owner.kill('SIGKILL'));
    const [data] = (await once(owner.stdout, 'data')) as [Buffer];
    const id = data.toString().trim();
    // Started is not yet arrived there.
    let pids: readonly number[] = [];
    while (pids.length === 0) {
      await delay(5);
      pids = processesIn(`${id}-client`);
    }
    owner.kill(signal);
    const isLeft = (): boolean =>
      existsSync(`/tmp/${id}`) || readdirSync('/run/netns').some((name) => name.startsWith(id));
    while (isLeft()) await delay(20);
    // One that nobody has waited for yet is there, but has no command line any more.
    assert.deepEqual(pids.map(commandLineOf), ['']);
  });
}
