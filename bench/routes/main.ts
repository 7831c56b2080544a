/**
 * `npm run bench:routes`: what a reload of ten thousand routes costs. A few of them change, or all; the row says how long it took
 * from the signal until all proxies served by the new ones, the longest turn of the keeper's loop and of a proxy meanwhile (by the
 * wall, and the longest by the processor), and what steady requests had to wait, with and without a reload. See docs/benchmarks.md.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort } from '../../src/io/contract/free-port.ts';
import { privateBytes, waitForPort } from '../process.ts';
import { Bystanders, formatLatency, type Latency } from '../stalled/bystanders.ts';
import { configurationOf } from './configuration.ts';

const { values: options } = parseArgs({
  options: {
    routes: { type: 'string', default: '10000' },
    upstreams: { type: 'string', default: '200' },
    workers: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    engine: { type: 'string', default: 'uring' },
    /** Loaded file by file: parts of it are watched. */
    program: { type: 'string', default: join(import.meta.dirname, '../../src/main.js') },
  },
});

const SIZE = { routes: Number(options.routes), upstreams: Number(options.upstreams) };
/** How long requests are watched around a reload. */
const WATCH_S = 4;
/** Of all routes, those that a round changes. */
const CHANGES = [10, SIZE.routes];

interface Row {
  readonly changed: number;
  readonly appliedMs: number;
  readonly keeper: LongestTurn;
  readonly proxy: LongestTurn;
  readonly latency: Latency;
}

/** Not of one turn. */
interface LongestTurn {
  readonly wallMs: number;
  readonly processorMs: number;
}

class Subject {
  private readonly child: ChildProcess;
  private readonly file: string;
  private readonly turns: string;
  private readonly port: number;
  private readonly server: string;
  private said = '';
  private wake: () => void = () => undefined;

  constructor(port: number, server: string) {
    this.port = port;
    this.server = server;
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-routes-'));
    this.file = join(directory, 'evenkeel.yaml');
    this.turns = mkdtempSync(join(directory, 'turns-'));
    this.write(0, 0);
    const folder = dirname(options.program);
    const probe = join(import.meta.dirname, 'turn-probe.js');
    const env = {
      ...process.env,
      NODE_OPTIONS: `--import=${probe}`,
      EVENKEEL_TURNS: this.turns,
      EVENKEEL_PROGRAM_FOLDER: folder,
    };
    const args = ['run', this.file, '--engine', options.engine, '--workers', options.workers];
    this.child = spawn(process.execPath, [options.program, ...args, '--socket', join(directory, 'control.sock')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (data: Buffer) => {
        this.said += data.toString();
        this.wake();
      });
    }
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  write(changed: number, round: number): void {
    writeFileSync(this.file, configurationOf(this.port, [this.server], SIZE, changed, round));
  }

  /** Resolves when it has said this since the last call. */
  async hasSaid(pattern: RegExp): Promise<void> {
    for (;;) {
      const found = pattern.exec(this.said);
      if (found !== null) {
        this.said = this.said.slice(found.index + found[0].length);
        return;
      }
      if (this.child.exitCode !== null) throw new Error(`evenkeel ended: ${this.said.slice(-2000)}`);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  async reload(): Promise<number> {
    const began = performance.now();
    this.child.kill('SIGHUP');
    await this.hasSaid(/reload by SIGHUP: listener web: routes changed\n/);
    return performance.now() - began;
  }

  /** Of processes of this kind since a time, in milliseconds since 1970. */
  longestTurn(kind: string, since: number): LongestTurn {
    const turns = readdirSync(this.turns)
      .filter((name) => name.startsWith(kind))
      .flatMap((name) => readFileSync(join(this.turns, name), 'utf8').trim().split('\n'))
      .map((line) => line.split(' ').map(Number))
      .filter(([at]) => at >= since);
    const longest = (of: number): number => turns.reduce((most, turn) => Math.max(most, turn[of]), 0);
    return { wallMs: longest(1), processorMs: longest(2) };
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    if (this.child.exitCode === null) await once(this.child, 'exit');
  }
}

async function main(): Promise<void> {
  const backend = fork(join(import.meta.dirname, '../stalled/server-process.js'));
  const [ports] = (await once(backend, 'message')) as [[number, number]];
  const port = await freePort();
  const began = performance.now();
  const subject = new Subject(port, `127.0.0.1:${ports[0]}`);
  const bystanders = new Bystanders({ port, isTls: false, opensNew: true });
  try {
    await subject.hasSaid(/ready: .*\n/);
    await waitForPort(port);
    console.log(
      `${SIZE.routes} routes, ${options.workers} proxies: ready in ${Math.round(performance.now() - began)} ms`,
    );
    await bystanders.measure(2);
    const before = await bystanders.measure(WATCH_S);
    console.log(`\n${HEAD}`);
    console.log(`| none | | | | ${requests(before)} |`);
    let round = 0;
    for (const changed of CHANGES) {
      const rows: Row[] = [];
      for (let i = 0; i < Number(options.rounds); i++) rows.push(await measure(subject, bystanders, changed, ++round));
      for (const row of rows) console.log(line(row));
    }
    await sleep(10_000);
    console.log(`\nthe keeper has ${Math.round(privateBytes([subject.pid]) / 2 ** 20)} MiB of its own 10 s later`);
  } finally {
    bystanders.close();
    await subject.stop();
    backend.kill();
  }
}

async function measure(subject: Subject, bystanders: Bystanders, changed: number, round: number): Promise<Row> {
  subject.write(changed, round);
  const since = performance.timeOrigin + performance.now();
  const watched = bystanders.measure(WATCH_S);
  await sleep(200);
  const appliedMs = await subject.reload();
  const latency = await watched;
  const [keeper, proxy] = ['keeper', 'proxy'].map((kind) => subject.longestTurn(kind, since));
  return { changed, appliedMs, keeper, proxy, latency };
}

const HEAD = `| routes changed | signal to applied | keeper's longest turn (processor) | proxy's longest turn (processor) | requests: p50 / p99 / max ms |
|---|---|---|---|---|`;

function requests(latency: Latency): string {
  return `${formatLatency(latency)}${latency.failed === 0 ? '' : `, ${latency.failed} failed`}`;
}

function line(row: Row): string {
  const turns = [row.keeper, row.proxy].map(({ wallMs, processorMs }) => `${time(wallMs)} (${time(processorMs)})`);
  return `| ${row.changed} | ${[time(row.appliedMs), ...turns].join(' | ')} | ${requests(row.latency)} |`;
}

function time(ms: number): string {
  return `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
}

await main();
