/**
 * `npm run lab`: a tour of what can happen to a pair, without hands: each event on two evenkeel nodes, and what the client
 * and the kernels saw of it, as a table. To play with the same pair: `evenkeel lab`. Beside keepalived: `npm run bench:failover`; `--classic`
 * takes the files of a classic pair as they are.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { refusalOfClassic } from '../test/classic-balancer.ts';
import { showClassic } from './classic.ts';
import { DEFAULT_HA, downIntervalMs, EvenkeelNode, type HaOptions } from '../src/lab/evenkeel-node.ts';
import { sweepLabs } from '../src/lab/janitor.ts';
import { FIRST, makeReady, measure, type Measured, type NodePair } from '../src/lab/measure.ts';
import { type Balancer, Pair } from '../src/lab/pair.ts';
import { killAtOnce, signalAll } from '../src/lab/processes.ts';
import { refusalOfLab } from '../src/lab/system.ts';

const program = [process.execPath, fileURLToPath(new URL('../../bin/evenkeel', import.meta.url))];

interface Stop {
  readonly title: string;
  /** What differs from the defaults. */
  readonly ha?: Partial<HaOptions>;
  happen(pair: Pair, node: EvenkeelNode): Promise<void>;
}

const strike = (part: Parameters<EvenkeelNode['pids']>[0], signal: NodeJS.Signals): Stop['happen'] => {
  return async (_, node) => {
    if (signal === 'SIGKILL') killAtOnce(node.pids(part));
    else signalAll(node.pids(part), signal);
  };
};
/** Both serve on and reach everybody, but hear no advert of each other: what a firewall does that was not told of VRRP. */
const deafen: Stop['happen'] = (pair) =>
  pair.network.cut([
    { from: 'lb01', to: 'lb02', what: 'vrrp' },
    { from: 'lb02', to: 'lb01', what: 'vrrp' },
  ]);
const isolate: Stop['happen'] = (pair) => pair.network.isolate(FIRST);

const STOPS: readonly Stop[] = [
  { title: 'kill -9 of all of the active node', happen: strike('node', 'SIGKILL') },
  { title: 'all of the active node frozen', happen: strike('node', 'SIGSTOP') },
  { title: 'kill -9 of its vip process alone', happen: strike('owner', 'SIGKILL') },
  { title: 'kill -9 of its keeper alone', happen: async (_, node) => void signalAll([node.pid], 'SIGKILL') },
  { title: 'its link cut', happen: (pair) => pair.network.cutLink(FIRST) },
  { title: 'clean stop', happen: async (_, node) => node.askToStop() },
  { title: 'planned hand-over', happen: (_, node) => node.handOver() },
  { title: 'web proxy killed', happen: strike('proxy', 'SIGKILL') },
  { title: 'web proxy hangs', happen: strike('proxy', 'SIGSTOP') },
  { title: 'adverts lost, no guard', ha: { probesAddress: false }, happen: deafen },
  { title: 'adverts lost, guard arp-probe', ha: { probesAddress: true }, happen: deafen },
  { title: 'active node cut off, no guard', ha: { probesAddress: false }, happen: isolate },
  { title: 'active node cut off, guard gateway', ha: { probesAddress: false, guardsGateway: true }, happen: isolate },
];

const { values: options } = parseArgs({
  options: {
    interval: { type: 'string', default: '1000' },
    only: { type: 'string', default: '' },
    classic: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) {
  console.log('npm run lab -- [--classic] [--interval 1000] [--only TEXT]');
} else {
  const refusal = refusalOfLab() ?? (options.classic ? refusalOfClassic() : null);
  if (refusal === null) await (options.classic ? showClassic(program, options.only) : main(Number(options.interval)));
  else {
    console.error(refusal);
    process.exitCode = 1;
  }
}

async function main(intervalMs: number): Promise<void> {
  await sweepLabs();
  const down = Math.round(downIntervalMs(intervalMs));
  console.log(`adverts every ${intervalMs} ms: a backup takes over after ${down} ms of silence`);
  console.log('how long requests fail, how many, how long two have the address, its moves\n');
  console.log(row('', 'fail for', 'failed', 'two have it', 'moves'));
  const pair = await Pair.create(program);
  try {
    for (const stop of STOPS.filter(({ title }) => title.includes(options.only))) {
      console.log(show(stop.title, await visit(pair, stop, intervalMs)));
    }
  } finally {
    await pair.remove();
  }
}

async function visit(pair: Pair, stop: Stop, intervalMs: number): Promise<Measured> {
  const settings = { ...DEFAULT_HA, ...stop.ha, intervalMs };
  const nodes = { lb01: new EvenkeelNode(pair, 'lb01', program), lb02: new EvenkeelNode(pair, 'lb02', program) };
  const started = new Set<Balancer>();
  const nodePair: NodePair = {
    start: async (host) => {
      started.add(host);
      await nodes[host].start(settings);
    },
    // Both anew for every stop of the tour: the guards differ.
    isWhole: (host) =>
      started.has(host) && nodes[host].pids('owner').length > 0 && nodes[host].pids('proxy').length > 0,
  };
  await makeReady(pair, nodePair);
  return measure(pair, intervalMs, () => stop.happen(pair, nodes[FIRST]));
}

function show(title: string, { gapMs, requests, failed, twoHoldersMs, isSplit, moves }: Measured): string {
  const two = twoHoldersMs === 0 ? 'no' : `${Math.round(twoHoldersMs)} ms${isSplit ? ', no end' : ''}`;
  return row(title, `${Math.round(gapMs)} ms`, `${failed} of ${requests}`, two, `${moves}`);
}

function row(title: string, gap: string, failed: string, two: string, moves: string): string {
  return title.padEnd(34) + gap.padStart(9) + failed.padStart(13) + two.padStart(17) + moves.padStart(6);
}
