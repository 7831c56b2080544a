/** Which node has which client's connection to the virtual address, as the kernel of each says. */
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { BALANCERS, type Balancer, type Pair } from '../../src/lab/pair.ts';
import { connectionsIn, connectionsSeenBy, tableOf, TABLES } from '../campaign/processes.ts';
import { HTTP_PORT, TCP_PORT } from './file.ts';
import type { Cause, Loss } from './orders.ts';

const LOOK_MS = 1_000;
const LATE_WINDOWS = 3;
const PORTS = [HTTP_PORT, TCP_PORT];

interface Sight {
  readonly atMs: number;
  readonly ports: ReadonlySet<number>;
}

const NOTHING: Sight = { atMs: 0, ports: new Set() };

export class Carriers {
  readonly losses: Loss[] = [];
  private readonly pair: Pair;
  private readonly last: Record<Balancer, Sight> = { lb01: NOTHING, lb02: NOTHING };
  private readonly timer: NodeJS.Timeout;
  private gap: Loss | null = null;
  private readonly delays = monitorEventLoopDelay({ resolution: 10 });
  /** Of the last seconds, the newest first. */
  private lateMs: readonly number[] = [];

  constructor(pair: Pair) {
    this.pair = pair;
    this.delays.enable();
    this.timer = setInterval(() => {
      this.noteDelay();
      for (const host of BALANCERS) void this.lookInTime(host);
    }, LOOK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** So late has this process run in the last seconds. */
  get lateMsMax(): number {
    return Math.max(0, this.delays.max / 1e6, ...this.lateMs);
  }

  private noteDelay(): void {
    this.lateMs = [this.delays.max / 1e6, ...this.lateMs].slice(0, LATE_WINDOWS);
    this.delays.reset();
    const sinceMs = Date.now() - LATE_WINDOWS * LOOK_MS;
    for (const loss of this.losses) {
      if (loss.atMs >= sinceMs) loss.lateMs = Math.max(loss.lateMs, this.lateMsMax);
    }
  }

  /** All that the node has now may end. */
  lose(cause: Cause, host: Balancer): void {
    const before = this.last[host];
    const { atMs, ports } = this.look(host);
    // One that began since then may have ended by now.
    const unseenFromMs = this.pair.watch.holders().includes(host) || cause.endsWith('move') ? before.atMs : atMs;
    this.note({ cause, atMs, ports: new Set([...before.ports, ...ports]), unseenFromMs });
  }

  /** What this proxy has, which is stopped; and what no proxy has accepted yet, which may be in its queue. */
  loseProxy(host: Balancer, accepted: readonly number[]): void {
    const queued = this.connections(host).flatMap(({ client, inode }) => (inode === '0' ? [client] : []));
    this.note({ cause: 'proxy', ports: new Set([...accepted, ...queued]), ...atOnce() });
  }

  /** Nobody has the address until the gap ends. */
  beginGap(): void {
    this.gap = this.note({ cause: 'gap', ports: new Set(), ...atOnce(), untilMs: Number.POSITIVE_INFINITY });
  }

  endGap(): void {
    if (this.gap !== null) this.gap.untilMs = Date.now();
    this.gap = null;
  }

  private note(loss: Omit<Loss, 'untilMs' | 'lateMs'> & { readonly untilMs?: number }): Loss {
    const noted = { untilMs: loss.atMs, lateMs: 0, ...loss };
    this.losses.push(noted);
    return noted;
  }

  /** Without a wait of this process for the kernel, which goes through all connections of the machine. */
  private async lookInTime(host: Balancer): Promise<void> {
    const atMs = Date.now();
    const tables = await Promise.all(TABLES.map((table) => readFile(tableOf(this.observer(host), table), 'utf8')));
    if (this.last[host].atMs > atMs) return;
    this.last[host] = {
      atMs,
      ports: new Set(tables.flatMap((text) => connectionsIn(text, PORTS)).map(({ client }) => client)),
    };
  }

  private look(host: Balancer): Sight {
    const sight = { atMs: Date.now(), ports: new Set(this.connections(host).map(({ client }) => client)) };
    this.last[host] = sight;
    return sight;
  }

  private connections(host: Balancer): ReturnType<typeof connectionsSeenBy> {
    return connectionsSeenBy(this.observer(host), PORTS);
  }

  /** A process in its network namespace that is always there. */
  private observer(host: Balancer): number {
    return this.pair.watch.pids[BALANCERS.indexOf(host)];
  }
}

function atOnce(): Pick<Loss, 'atMs' | 'unseenFromMs'> {
  const atMs = Date.now();
  return { atMs, unseenFromMs: atMs };
}
