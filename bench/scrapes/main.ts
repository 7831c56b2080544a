/**
 * `npm run bench:scrapes`: what clients get while a Prometheus reads the metrics each second of an evenkeel that has as many series as there may
 * be. Latency of small requests without and with it, in turns, so that a busy machine is as busy for both; and what a scrape takes, of the
 * keeper's processor time too. Keeper and proxy share a core: that is the worst case.
 * See docs/metrics.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { PROXY_CORE } from '../contenders.ts';
import { cpuMicroseconds, killAll, startPinned, waitForPort } from '../process.ts';
import type { Scrape } from './scraper.ts';
import { Bystanders, formatLatency, type Latency, medianLatency } from '../stalled/bystanders.ts';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '5' },
    help: { type: 'boolean', default: false },
  },
});

const [PORT, ADMIN] = [18_471, 18_472];
const INTERVAL_MS = 1_000;
const UPSTREAMS = 100;
const SERVERS = 20;
const ROUTES = 1_000;

function configuration(): string {
  const upstreams = Array.from({ length: UPSTREAMS }, (_, u) => {
    const servers = Array.from({ length: SERVERS }, (_, s) => `"127.1.${u}.${s + 1}:80"`);
    return `  u${u}: { servers: [ ${servers.join()} ] }`;
  });
  const routes = Array.from({ length: ROUTES }, (_, r) => {
    return `      - { match: { path: /r${r}/ }, upstream: u${r % UPSTREAMS} }`;
  });
  return `
admin: { bind: "127.0.0.1:${ADMIN}" }
listeners:
  web:
    bind: "127.0.0.1:${PORT}"
    routes:
      - { match: { path: /small }, respond: { body: ${'x'.repeat(62)} } }
${routes.join('\n')}
upstreams:
${upstreams.join('\n')}
`;
}

/** Scrapes again and again, in a thread of its own: who is measured waits for none of it. */
class Scraper {
  private readonly thread = new Worker(join(import.meta.dirname, 'scraper.js'), {
    workerData: { url: `http://127.0.0.1:${ADMIN}/metrics`, intervalMs: INTERVAL_MS },
  });

  async stop(): Promise<readonly Scrape[]> {
    this.thread.postMessage('stop', []);
    const [scrapes] = (await once(this.thread, 'message')) as [readonly Scrape[]];
    return scrapes;
  }
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  const file = join(folder, 'evenkeel.yaml');
  writeFileSync(file, configuration());
  const bin = join(import.meta.dirname, '../../../bin/evenkeel');
  const evenkeel = startPinned('evenkeel', PROXY_CORE, process.execPath, [bin, 'run', file, '--workers', '1']);
  await waitForPort(PORT);
  const seconds = Number(options.seconds);
  const bystanders = new Bystanders({ port: PORT, isTls: false, opensNew: false });
  const [without, beside]: [Latency[], Latency[]] = [[], []];
  const scrapes: Scrape[] = [];
  const keeper = evenkeel.pids().slice(0, 1);
  const spent = { without: 0, beside: 0 };
  await bystanders.measure(1);
  for (let round = 0; round < Number(options.rounds); round++) {
    const began = cpuMicroseconds(keeper);
    without.push(await bystanders.measure(seconds));
    const between = cpuMicroseconds(keeper);
    const scraper = new Scraper();
    beside.push(await bystanders.measure(seconds));
    scrapes.push(...(await scraper.stop()));
    spent.without += between - began;
    spent.beside += cpuMicroseconds(keeper) - between;
  }
  bystanders.close();
  const sorted = scrapes.toSorted((a, b) => a.tookMs - b.tookMs);
  console.log(
    '| series | a scrape takes, ms | of processor time | without: p50 / p99 / max ms | beside it | failed |\n|---|---|---|---|---|---|',
  );
  const { series, tookMs } = sorted[sorted.length >> 1];
  const failed = [...without, ...beside].reduce((sum, each) => sum + each.failed, 0);
  const latencies = [without, beside].map((all) => formatLatency(medianLatency(all)));
  const costMs = (spent.beside - spent.without) / 1_000 / scrapes.length;
  console.log(`| ${[series, tookMs.toFixed(0), costMs.toFixed(0), ...latencies, failed].join(' | ')} |`);
  await evenkeel.stop();
  rmSync(folder, { recursive: true, force: true });
}

if (options.help) {
  console.log('npm run bench:scrapes -- [--seconds 5] [--rounds 5]');
} else {
  try {
    await main();
  } finally {
    killAll();
  }
}
