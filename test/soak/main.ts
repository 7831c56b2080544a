/**
 * `npm run soak`: a pair in network namespaces, with traffic of every kind to its virtual address, while it is reloaded, upgraded, killed,
 * handed over and stopped in turns at random, and both nodes are scraped each second. docs/soak.md; as root.
 *
 *   -- --minutes N    so long (60)
 *   -- --rest S       between two orders, in seconds (5)
 *   -- --seed N       of the orders and the files
 */
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import type { StatusDocument } from '../../src/api/status.ts';
import { Prng } from '../../src/base/prng.ts';
import { ADDRESSES, BALANCERS, type Balancer, Pair, VIRTUAL_ADDRESS, WEB_SERVERS } from '../../src/lab/pair.ts';
import type { AddressChange } from '../../src/lab/address-watch.ts';
import { refusalOfLab } from '../../src/lab/system.ts';
import type { Footprint } from '../campaign/footprint.ts';
import { clientsOf } from '../campaign/processes.ts';
import type { Failure } from '../campaign/traffic.ts';
import { program } from '../evenkeel.ts';
import { fileOf, HTTP_PORT, ROUTER, SERVER_PORTS, TCP_PORT } from './file.ts';
import type { LoadReport } from './load.ts';
import { SoakNode } from './node.ts';
import { Carriers } from './carriers.ts';
import { type Deed, excuseOf, type Order, ORDERS } from './orders.ts';
import { renderPage, type SoakResult } from './page.ts';

const PAGE = fileURLToPath(new URL('../../../docs/benchmarks/soak.md', import.meta.url));
const LOAD = fileURLToPath(new URL('load.js', import.meta.url));
const SERVER = fileURLToPath(new URL('server.js', import.meta.url));
/** All serve again within this time. */
const SETTLE_MS = 120_000;
/** The load says what has failed that often, and sessions find out what has ended. */
const TOLD_MS = 1_500;
const SCRAPE_MS = 1_000;
const ASKED_MS_MAX = 1_000;
/** What has been so for so long stays so. */
const CALM_MS = 1_500;
/** What V8 has not collected yet (docs/campaigns.md). */
const UNCOLLECTED_KIB = 24 * 1_024;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rest: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
  },
});

class Soak {
  readonly deeds: Deed[] = [];
  readonly failures: Failure[] = [];
  readonly excused: Record<string, number> = {};
  readonly footprints: Record<Balancer, Footprint[]> = { lb01: [], lb02: [] };
  readonly scrapeMs: number[] = [];
  /** When, of whom, and why. */
  readonly scrapesFailed: string[] = [];
  private readonly prng = new Prng(Number(values.seed));
  private readonly pair: Pair;
  private readonly nodes: Readonly<Record<Balancer, SoakNode>>;
  private unjudged: Failure[] = [];
  private done: LoadReport['done'] = {};
  private readonly deck: Order[] = [];
  /** An order is about it that keeps it from answering. */
  private absent: Balancer | null = null;
  private readonly carriers: Carriers;
  /** Under way, or the last one. */
  private order: Order = 'reload';

  static async begin(): Promise<Soak> {
    let soak: Soak | null = null;
    const pair = await Pair.create([process.execPath, program], (change) => soak?.handleMove(change));
    try {
      for (const host of WEB_SERVERS) {
        await started(pair, host, [SERVER, ADDRESSES[host], ...SERVER_PORTS.map(String)]);
      }
      const nodes = { lb01: new SoakNode(pair, 'lb01'), lb02: new SoakNode(pair, 'lb02') };
      const first = fileOf(new Prng(0), pair.network.directory);
      await Promise.all(BALANCERS.map((host) => (nodes[host].write(first), nodes[host].start())));
      const begun = new Soak(pair, nodes);
      await begun.settle();
      soak = begun;
      await soak.beginLoad();
      return soak;
    } catch (error) {
      await pair.remove();
      throw error;
    }
  }

  private constructor(pair: Pair, nodes: Soak['nodes']) {
    this.pair = pair;
    this.nodes = nodes;
    this.carriers = new Carriers(pair);
  }

  /** The better node comes back by consent, and one that is told to go has all the time it needs. */
  private handleMove({ host, isHeld }: AddressChange): void {
    const isPlanned = host === 'lb02' || this.order === 'hand over' || this.order === 'stop and start';
    if (isHeld) this.carriers.endGap();
    else this.carriers.lose(isPlanned ? 'planned move' : 'unplanned move', host as Balancer);
  }

  private async beginLoad(): Promise<void> {
    const command = [process.execPath, LOAD, VIRTUAL_ADDRESS, String(HTTP_PORT), String(TCP_PORT)];
    const load = this.pair.run('client', command, { hasChannel: true });
    await new Promise<void>((resolve, reject) => {
      load.child.on('message', ({ done, failures }: LoadReport) => {
        this.done = done;
        this.unjudged.push(...failures);
        resolve();
      });
      void load.exit.then((code) => reject(new Error(`the clients ended (${code}):\n${load.output}`)));
    });
  }

  /** One order, and what has failed by then. */
  async turn(): Promise<void> {
    const order = this.next();
    const host = order === 'hand over' ? 'lb01' : BALANCERS[this.prng.below(BALANCERS.length)];
    const beganAt = Date.now();
    this.absent = order.startsWith('kill') || order.startsWith('stop') || order === 'upgrade' ? host : null;
    this.order = order;
    await this.perform(order, host);
    const settledAt = await this.settle();
    this.absent = null;
    this.deeds.push({ order, host, beganAt, settledAt });
    await sleep(TOLD_MS);
    this.judge();
    await sleep(Number(values.rest) * 1_000);
    for (const each of BALANCERS) this.footprints[each].push(await this.nodes[each].footprint());
  }

  /** Each of them once, in any order, before one comes again. */
  private next(): Order {
    if (this.deck.length === 0) this.deck.push(...ORDERS);
    return this.deck.splice(this.prng.below(this.deck.length), 1)[0];
  }

  private async perform(order: Order, host: Balancer): Promise<void> {
    const node = this.nodes[host];
    const pick = (count: number): number => this.prng.below(count);
    switch (order) {
      case 'reload':
        node.write(fileOf(this.prng, this.pair.network.directory));
        await node.ask('POST', '/v1/reload');
        break;
      case 'upgrade':
        this.carriers.lose('upgrade', host);
        await node.ask('POST', '/v1/upgrade');
        break;
      case 'kill a proxy':
        await this.replaced(node, [
          node.killProxy(pick, (proxy) => {
            this.carriers.loseProxy(host, clientsOf(proxy, [HTTP_PORT, TCP_PORT]));
          }),
        ]);
        break;
      case 'kill the keeper':
        node.killKeeper((await node.status()).pid);
        await until(() => Promise.resolve(!node.isRunning), 'the keeper is gone');
        await node.start();
        break;
      case 'hand over':
        // to the other one, and back
        await node.ask('POST', `/v1/routers/${ROUTER}/hand-over`);
        await until(() => this.isActive('lb02'), 'lb02 has the address');
        await node.ask('POST', `/v1/routers/${ROUTER}/resume`);
        break;
      case 'stop and start':
        await node.stop();
        await node.start();
        break;
      case 'kill a node':
        node.killAll(() => {
          // who connects while it is stopped has the connection, and nobody at its other end
          if (host === 'lb01') this.carriers.beginGap();
          this.carriers.lose('node', host);
        });
        if (host === 'lb01') await until(() => this.isActive('lb02'), 'lb02 has the address');
        await until(() => Promise.resolve(!node.isRunning), 'the node is gone');
        await node.start();
        break;
    }
  }

  /** The node has noticed that these are gone. */
  private async replaced(node: SoakNode, pids: readonly number[]): Promise<void> {
    await until(
      async () => (await node.status()).proxies.every(({ pid }) => !pids.includes(pid)),
      'a proxy is replaced',
    );
  }

  /** All serve, the better node has the address, and it stays so. */
  private async settle(): Promise<number> {
    let since = Infinity;
    await until(async () => {
      const isWell = await this.isWell().catch(() => false);
      since = isWell ? Math.min(since, Date.now()) : Infinity;
      return Date.now() - since >= CALM_MS;
    }, 'all serve again');
    return Date.now();
  }

  private async isWell(): Promise<boolean> {
    const both = await Promise.all(BALANCERS.map((host) => this.nodes[host].status()));
    const serve = both.every(({ proxies }) => proxies.every(({ state }) => state === 'serving'));
    return serve && stateOf(both[0]) === 'active' && stateOf(both[1]) === 'backup';
  }

  private async isActive(host: Balancer): Promise<boolean> {
    return stateOf(await this.nodes[host].status()) === 'active';
  }

  private judge(): void {
    for (const failure of this.unjudged.splice(0)) {
      const excuse = excuseOf(failure, this.carriers.losses);
      if (excuse === null) this.failures.push(failure);
      else this.excused[excuse] = (this.excused[excuse] ?? 0) + 1;
    }
  }

  /** Both nodes, each second, as Prometheus does. */
  scrape(): NodeJS.Timeout {
    return setInterval(() => {
      for (const host of BALANCERS) {
        const beganAt = performance.now();
        this.nodes[host].text('GET', '/metrics').then(
          () => this.scrapeMs.push(performance.now() - beganAt),
          (error: Error) => {
            // what a node is not asked in time is given up by it
            if (this.absent === host || this.carriers.lateMsMax > ASKED_MS_MAX) return;
            this.scrapesFailed.push(`${new Date().toISOString()} ${host}: ${error.message}`);
          },
        );
      }
    }, SCRAPE_MS);
  }

  /** For people: what was lost in the lifetime of a connection, and whether it was among that. */
  lossesNear({ port, sinceMs }: Failure): readonly object[] {
    const near = this.carriers.losses.filter(({ untilMs }) => untilMs >= sinceMs);
    return near.map(({ cause, atMs, lateMs, ports, untilMs }) => ({
      lateMs,
      cause,
      atMs,
      untilMs,
      of: ports.size,
      isIn: ports.has(port),
    }));
  }

  result(): SoakResult {
    const { deeds, done, excused, failures, footprints, scrapeMs, scrapesFailed } = this;
    return { deeds, done, excused, failures, footprints, scrapeMs, scrapesFailed: scrapesFailed.length };
  }

  async end(): Promise<void> {
    this.carriers.stop();
    await this.pair.remove();
  }
}

async function started(pair: Pair, host: string, command: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const server = pair.run(host, [process.execPath, ...command], { onLine: () => resolve() });
    void server.exit.then((code) => reject(new Error(`${host} ended (${code}):\n${server.output}`)));
  });
}

function stateOf({ ha }: StatusDocument): string | undefined {
  return ha?.routers[0].state;
}

/** What rejects is not so yet. */
async function until(is: () => Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + SETTLE_MS; !(await is().catch(() => false)); await sleep(100)) {
    if (Date.now() > deadline) throw new Error(`it never was so: ${what}`);
  }
}

/** What has grown from the first half to the second one. */
function growths({ footprints }: SoakResult): readonly string[] {
  return BALANCERS.flatMap((host) =>
    (['keeperKib', 'proxyKib'] as const).flatMap((of) => {
      const all = footprints[host].map((each) => each[of]);
      const half = Math.ceil(all.length / 2);
      const [before, after] = [all.slice(0, half), all.slice(half)].map((some) => Math.max(...some));
      return after > before + UNCOLLECTED_KIB ? [`${host}: ${of} grew from ${before} to ${after}`] : [];
    }),
  );
}

const refusal = refusalOfLab();
if (refusal !== null) {
  console.error(refusal);
  process.exit(1);
}
const soak = await Soak.begin();
const scrapes = soak.scrape();
let fault: string | null = null;
try {
  const end = Date.now() + Number(values.minutes) * 60_000;
  while (Date.now() < end && soak.failures.length === 0) {
    await soak.turn();
    const { order, host } = soak.deeds.at(-1)!;
    console.log(`${new Date().toISOString()} ${host}: ${order}; failed: ${soak.failures.length}`);
  }
} catch (error) {
  fault = (error as Error).message;
} finally {
  clearInterval(scrapes);
  await soak.end();
}
const result = soak.result();
const faults = [
  ...(fault === null ? [] : [fault]),
  ...(result.failures.length > 0 ? [`${result.failures.length} requests and sessions failed`] : []),
  ...(result.scrapesFailed > 0 ? [`${result.scrapesFailed} scrapes failed`] : []),
  ...growths(result),
];
const machine = `${cpus().length} cores, Linux ${release().split('.', 2).join('.')}, Node ${process.version}`;
writeFileSync(PAGE, renderPage(result, { machine, minutes: Number(values.minutes), seed: values.seed, faults }));
for (const each of faults) console.error(each);
for (const each of soak.scrapesFailed.slice(0, 5)) console.error(each);
for (const failure of result.failures.slice(0, 5)) console.error(failure, soak.lossesNear(failure));
console.log(faults.length === 0 ? `no fault; the report is ${PAGE}` : `${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
