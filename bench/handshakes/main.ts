/**
 * `npm run bench:handshakes`: what those who have a TLS connection get while a crowd makes handshakes. One row per proxy and kind of crowd:
 * latency of small requests before and beside it, and what the crowd got. Proxies take turns, so that a busy machine is as busy for each.
 * See docs/tls.md.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, contenders, LOAD_CORE, startBackends } from '../contenders.ts';
import { killAll } from '../process.ts';
import { Bystanders, formatLatency, type Latency, medianLatency } from '../stalled/bystanders.ts';
import type { CrowdKind, CrowdReport } from './crowd-process.ts';

const { values: options } = parseArgs({
  options: {
    rate: { type: 'string', default: '500' },
    kinds: { type: 'string', default: 'steady,bursts,flood' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
});

interface Round {
  readonly before: Latency;
  readonly beside: Latency;
  readonly crowd: CrowdReport;
}

const HEAD = `| proxy | crowd | before: p50 / p99 / max ms | beside it | failed | handshakes/s | of one: p50 / p99 ms | failed |
|---|---|---|---|---|---|---|---|`;

async function main(): Promise<void> {
  // what measures, and what is started from here, leaves the proxies' core alone
  execFileSync('taskset', ['-acp', String(LOAD_CORE), String(process.pid)], { stdio: 'ignore' });
  const seconds = Number(options.seconds);
  const backends = await startBackends();
  const all = contenders('').filter(({ isBare }) => isBare !== true);
  const started = await Promise.all(all.map((contender) => contender.start()));
  console.log(HEAD);
  for (const kind of options.kinds.split(',') as CrowdKind[]) {
    const rounds = new Map<Contender, Round[]>(all.map((contender) => [contender, []]));
    for (let i = 0; i < Number(options.rounds); i++) {
      for (const [contender, own] of rounds) own.push(await measure(contender, kind, seconds));
    }
    for (const [contender, own] of rounds) console.log(line(contender, kind, own, seconds));
  }
  for (const one of [...started, backends]) await one.stop();
}

async function measure({ ports }: Contender, kind: CrowdKind, seconds: number): Promise<Round> {
  const bystanders = new Bystanders({ port: ports.tls, isTls: true, opensNew: false });
  let crowd: ChildProcess | null = null;
  try {
    await bystanders.measure(1);
    const before = await bystanders.measure(seconds);
    crowd = fork(join(import.meta.dirname, 'crowd-process.js'), [kind, `${ports.tls}`, options.rate]);
    await sleep(1000);
    await ask(crowd);
    const beside = await bystanders.measure(seconds);
    return { before, beside, crowd: await ask(crowd) };
  } finally {
    bystanders.close();
    crowd?.kill('SIGKILL');
  }
}

/** What became of it since it was asked last. */
async function ask(crowd: ChildProcess): Promise<CrowdReport> {
  crowd.send('report');
  const [report] = (await once(crowd, 'message')) as [CrowdReport];
  return report;
}

function line({ name }: Contender, kind: CrowdKind, rounds: readonly Round[], seconds: number): string {
  const before = medianLatency(rounds.map((round) => round.before));
  const beside = medianLatency(rounds.map((round) => round.beside));
  const crowds = rounds.map(({ crowd }) => crowd).sort((a, b) => a.p99 - b.p99);
  const { done, failed, p50, p99 } = crowds[rounds.length >> 1];
  const cells = [
    name,
    kind,
    formatLatency(before),
    formatLatency(beside),
    `${beside.failed} of ${beside.count}`,
    (done / seconds).toFixed(0),
    [p50, p99].map((ms) => ms.toFixed(1)).join(' / '),
    `${failed}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

if (options.help) {
  console.log('npm run bench:handshakes -- [--rate 500] [--kinds steady,bursts,flood] [--seconds 5] [--rounds 3]');
} else {
  try {
    await main();
  } finally {
    killAll();
  }
}
