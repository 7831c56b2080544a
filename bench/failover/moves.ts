/**
 * Planned moves of the address under connections that begin all the time: how many of them fail, or are slow. What a move
 * costs is at most a connection or two, so it takes many moves and several clients to see it.
 *
 *   node dist/bench/failover/moves.js [--moves 40] [--event hand-over|preempt|stop] [--advertise 100] [--family 4|6]
 *       [--virtual-mac] [--clients 3] [--interval 1] [--deadline 500]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DEFAULT_HA, EvenkeelNode } from '../../src/lab/evenkeel-node.ts';
import { monotonicMs } from '../../src/lab/clock.ts';
import { sweepLabs } from '../../src/lab/janitor.ts';
import { type Balancer, Pair, VIRTUAL_ADDRESS, VIRTUAL_ADDRESS_6 } from '../../src/lab/pair.ts';

const program = [process.execPath, fileURLToPath(new URL('../../src/main.js', import.meta.url))];

/** Until what a move left unfinished is finished, at both nodes. */
const REST_MS = 900;
const WARM_MS = 2000;

const { values: options } = parseArgs({
  options: {
    moves: { type: 'string', default: '40' },
    event: { type: 'string', default: 'hand-over' },
    advertise: { type: 'string', default: '100' },
    family: { type: 'string', default: '4' },
    'virtual-mac': { type: 'boolean', default: false },
    clients: { type: 'string', default: '3' },
    interval: { type: 'string', default: '1' },
    deadline: { type: 'string', default: '500' },
  },
});

await sweepLabs();
const pair = await Pair.create(program);
try {
  await main();
} finally {
  await pair.remove();
}

async function main(): Promise<void> {
  const family = options.family === '6' ? 6 : 4;
  const ha = {
    ...DEFAULT_HA,
    family,
    hasVirtualMac: options['virtual-mac'],
    intervalMs: Number(options.advertise),
  } as const;
  const said: { readonly atMs: number; readonly line: string }[] = [];
  const node = (host: Balancer): EvenkeelNode =>
    new EvenkeelNode(pair, host, program, (line) => said.push({ atMs: monotonicMs(), line: `${host}: ${line}` }));
  const nodes = { lb01: node('lb01'), lb02: node('lb02') };
  await nodes.lb01.start(ha);
  await nodes.lb02.start(ha);
  await reaches(nodes.lb01, 'active');
  await reaches(nodes.lb02, 'backup');
  const address = family === 4 ? VIRTUAL_ADDRESS : VIRTUAL_ADDRESS_6;
  const clients = Array.from({ length: Number(options.clients) }, () =>
    pair.startClient(Number(options.interval), address, Number(options.deadline)),
  );
  await Promise.all(clients.map((client) => client.served(300)));
  // Once there and back: a proxy that has served nothing yet is slow at first.
  for (const [from, to] of [
    [nodes.lb01, nodes.lb02],
    [nodes.lb02, nodes.lb01],
  ]) {
    await from.handOver();
    await reaches(to, 'active');
    await sleep(WARM_MS);
  }
  await Promise.all(clients.map((client) => client.served(300)));
  for (const client of clients) client.restart();
  let holder: Balancer = 'lb01';
  const movedMs: number[] = [];
  for (let move = 0; move < Number(options.moves); move++) {
    const other: Balancer = holder === 'lb01' ? 'lb02' : 'lb01';
    const [from, to] = [nodes[holder], nodes[other]];
    let restart: (() => Promise<void>) | null = null;
    if (options.event === 'preempt' && holder === 'lb02') await to.resume();
    else if (options.event === 'stop') {
      restart = async () => {
        await from.stop();
        await from.start(ha);
      };
      from.askToStop();
    } else await from.handOver();
    await reaches(to, 'active');
    movedMs.push(monotonicMs());
    if (restart !== null) {
      await restart();
      // lb01 takes it back as soon as it is there.
      if (holder === 'lb01') {
        await reaches(nodes.lb01, 'active');
        await sleep(WARM_MS);
        holder = 'lb02';
      }
    }
    await sleep(REST_MS);
    holder = holder === 'lb01' ? 'lb02' : 'lb01';
  }
  await Promise.all(clients.map((client) => client.settled()));
  const failed = clients.flatMap(({ outages }) => outages.all);
  const answered = clients.reduce((sum, { outages }) => sum + outages.answered, 0);
  console.log(
    JSON.stringify({ ...options, answered, failed: failed.reduce((sum, { failed: count }) => sum + count, 0) }),
  );
  for (const { fromMs, toMs, outcomes } of failed) {
    const move = movedMs.findLastIndex((atMs) => atMs < fromMs + REST_MS / 2);
    const sinceMs = Math.round(fromMs - (movedMs[move] ?? fromMs));
    console.log(
      `move ${move + 1}, ${sinceMs} ms after it was seen, for ${toMs === null ? '?' : Math.round(toMs - fromMs)} ms: ${JSON.stringify(outcomes)}`,
    );
  }
  const [first] = failed;
  for (const { atMs, line } of said) {
    const sinceMs = Math.round(atMs - first?.fromMs);
    if (Math.abs(sinceMs) < 1000) console.log(`${sinceMs} ms from the first failure: ${line}`);
  }
  await Promise.all(clients.map((client) => client.stop()));
}

async function reaches(node: EvenkeelNode, state: string): Promise<void> {
  while ((await node.status())?.state !== state) await sleep(20);
}
