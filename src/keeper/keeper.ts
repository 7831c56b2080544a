/**
 * The control plane of one running load balancer: opens the listening sockets and the status board, starts the proxies and
 * keeps them alive, and keeps the server table true. Nothing of it is on a request's way; while it is busy, the
 * proxies serve on with what they know.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Address } from '../base/address.ts';
import { Board } from '../base/board.ts';
import { Prng } from '../base/prng.ts';
import { clientsServed } from '../core/descriptors.ts';
import type { Plan } from '../config/plan.ts';
import type { ProxyEvent } from '../port/control.ts';
import type { Host, ProcessUser, SharedMemory } from '../port/host.ts';
import {
  CONTROL_DESCRIPTOR,
  type DescriptorNumbers,
  type Handover,
  HANDOVER_DESCRIPTOR,
  numberDescriptors,
  TABLE_DESCRIPTOR,
} from './handover.ts';
import { HealthRegistry } from './health.ts';
import { bindText, closeListeners, descriptorsOf, type OpenListener, openListeners, openMore } from './listeners.ts';
import type { Log } from './log.ts';
import { askSystem, Names } from './names.ts';
import { probe } from './probe.ts';
import { StartError } from './start-error.ts';
import { type BeatAges, type DataPlaneStatus, dataPlaneStatus } from './status.ts';
import { proxyCount, Supervisor } from './supervisor.ts';
import { TrafficLog } from './traffic-log.ts';
import { findUnixFault } from './unix-reach.ts';

export interface KeeperOptions {
  readonly plan: Plan;
  readonly workers: number;
  readonly host: Host;
  readonly log: Log;
  /** Whom the proxies run as. Null: whoever this process is. */
  readonly user: ProcessUser | null;
  /** The program and its arguments that are a proxy; its index follows as the last one. */
  readonly proxyCommand: readonly [program: string, ...args: string[]];
  /** There is something else to do, so that it is right to have no listener: then nothing is started but health checks. */
  readonly mayBeIdle?: boolean;
}

/** How long the first answers for names may delay the start. They come when they come. */
const FIRST_NAMES_MS_MAX = 2_000;
/** How often a listener is tried again that could not be opened. */
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10_000;

export class Keeper {
  readonly board: Board;
  private readonly options: KeeperOptions;
  private readonly table: SharedMemory;
  private readonly rows: readonly SharedMemory[];
  private readonly health: HealthRegistry;
  private readonly names: Names;
  private readonly traffic: TrafficLog;
  private readonly supervisor: Supervisor;
  private listeners: readonly OpenListener[] = [];
  private handoverDescriptor = -1;
  private isStopping = false;
  private retry: NodeJS.Timeout | undefined;

  constructor(options: KeeperOptions) {
    const { plan, workers, host, log } = options;
    this.options = options;
    const shape = { servers: plan.serverSlots, listeners: plan.listeners.length, workers };
    const { tableBytes, rowBytes } = Board.sizesFor(shape);
    this.table = host.createSharedMemory('evenkeel-servers', tableBytes, 'creator');
    this.rows = Array.from({ length: workers }, (_, index) =>
      host.createSharedMemory(`evenkeel-proxy-${index}`, rowBytes, 'holder'),
    );
    this.board = Board.create({ table: this.table.buffer, rows: this.rows.map(({ buffer }) => buffer) }, shape);
    this.health = new HealthRegistry({
      plan,
      board: this.board,
      prng: new Prng(process.pid ^ Date.now()),
      log,
      // Where the proxies cannot go, the keeper's own success is none.
      makeProbe: (health, address, serverName) => {
        const reason = this.findFault(address);
        return reason === null ? probe(health, address, serverName) : Promise.resolve({ isPassed: false, reason });
      },
      now: monotonicMs,
    });
    this.traffic = new TrafficLog(plan, log, monotonicMs);
    this.names = new Names(askSystem, log, (hostname, answer) => this.health.handleName(hostname, answer));
    this.supervisor = new Supervisor({
      workers,
      board: this.board,
      log,
      spawn: (index) => this.spawnProxy(index),
      onEvent: (event, index) => this.handleEvent(event, index),
      now: monotonicMs,
    });
  }

  /** Resolves when every listener accepts, with what they listen on: `web *:80, mysql *:3306`. Rejects with StartError. */
  async start(): Promise<string> {
    const { plan, workers, host, log } = this.options;
    if (plan.listeners.length === 0) {
      if (this.options.mayBeIdle !== true) throw new StartError('the configuration has no listener');
      this.health.start();
      await this.firstNames();
      return '';
    }
    const opened = await openListeners(host, plan.listeners, workers, log);
    if (opened.listeners.every(({ binds }) => binds.length === 0)) {
      throw new StartError('no listener could be opened');
    }
    this.listeners = opened.listeners;
    this.warnOfDescriptors();
    this.warnOfFaults();
    this.writeHandover();
    this.health.start();
    try {
      await Promise.all([this.supervisor.start(), this.firstNames()]);
    } catch (error) {
      this.kill();
      throw error;
    }
    this.retryLater(RETRY_MS_MIN);
    return this.describeListeners();
  }

  /** Listeners of which no address could be opened. */
  get closedListeners(): readonly string[] {
    return this.listeners.filter(({ binds }) => binds.length === 0).map(({ plan }) => plan.name);
  }

  /** How everything stands. `ages` knows when each proxy gave its last sign of life. */
  status(ages: BeatAges): DataPlaneStatus {
    return dataPlaneStatus({
      plan: this.options.plan,
      board: this.board,
      ages,
      nowMs: monotonicMs(),
      listeners: this.listeners,
      isStopping: this.isStopping,
      proxies: this.supervisor.accounts(),
      health: this.health,
      failureOfName: (hostname) => this.names.failureOf(hostname),
    });
  }

  /** Stops accepting and lets the proxies finish. Resolves when they are gone. */
  async stop(): Promise<void> {
    const { plan, log } = this.options;
    this.isStopping = true;
    clearTimeout(this.retry);
    closeListeners(this.options.host, this.listeners);
    this.listeners = [];
    const killed = await this.supervisor.drain(plan.graceMs);
    if (killed > 0) log.warn(`${proxyCount(killed)} had connections left after ${plan.graceMs / 1000} s: ended`);
    this.release();
  }

  /** Ends everything now. */
  kill(): void {
    this.supervisor.kill();
    closeListeners(this.options.host, this.listeners);
    this.listeners = [];
    this.release();
  }

  // --- inside ---

  /** What listens, and what does not (yet). */
  private describeListeners(): string {
    const open = this.listeners
      .filter(({ binds }) => binds.length > 0)
      .map(({ plan, binds }) => `${plan.name} ${binds.map((bind) => bindText(bind.plan)).join(' ')}`);
    const missing = this.listeners.flatMap(({ plan, failures }) =>
      failures.map((bind) => `${plan.name} ${bindText(bind.plan)} (${bind.reason})`),
    );
    return open.join(', ') + (missing.length === 0 ? '' : `; not open: ${missing.join(', ')}`);
  }

  /** What the next proxy inherits. */
  private writeHandover(): void {
    const { plan, user, host } = this.options;
    if (this.handoverDescriptor >= 0) host.closeDescriptor(this.handoverDescriptor);
    const { descriptors } = this.numbers();
    const open = this.listeners.map(({ plan, binds }, listener) =>
      descriptors[listener].filter((_, i) => binds.some((bind) => bind.plan === plan.binds[i])),
    );
    const handover: Handover = { plan, user, ...this.numbers(), descriptors: open };
    this.handoverDescriptor = host.createUnnamedFile('evenkeel-plan', Buffer.from(JSON.stringify(handover)));
  }

  private numbers(): DescriptorNumbers {
    const counts = this.listeners.map(({ plan }) => plan.binds.length);
    return numberDescriptors(this.options.workers, counts);
  }

  /** What could not be opened may be free later: another program ends, a directory is made. */
  private retryLater(delayMs: number): void {
    if (this.isStopping || this.listeners.every(({ failures }) => failures.length === 0)) return;
    this.retry = setTimeout(() => {
      this.openMore();
      this.retryLater(Math.min(2 * delayMs, RETRY_MS_MAX));
    }, delayMs);
  }

  private openMore(): void {
    const { host, log } = this.options;
    const { descriptors } = this.numbers();
    this.listeners.forEach((listener, index) => {
      for (const bind of openMore(host, listener)) {
        log.info(`listener ${listener.plan.name} ${bindText(bind)} accepts now`);
        this.writeHandover();
        const descriptor = descriptors[index][listener.plan.binds.indexOf(bind)];
        this.supervisor.broadcast({ type: 'open', listener: index, descriptor });
      }
    });
  }

  /** Why the proxies cannot reach a server that the keeper may reach. */
  private findFault({ family, host }: Address): string | null {
    const { user } = this.options;
    return family !== 0 || user === null ? null : findUnixFault(host, user);
  }

  private warnOfFaults(): void {
    for (const { name, servers } of this.options.plan.upstreams) {
      for (const { target } of servers) {
        const reason = 'host' in target ? this.findFault(target) : null;
        if (reason !== null) this.options.log.warn(`upstream ${name}: the proxies cannot reach a server: ${reason}`);
      }
    }
  }

  private release(): void {
    clearTimeout(this.retry);
    this.health.stop();
    this.names.stop();
    this.traffic.stop();
  }

  /** Each connection of a client may need one to a server. */
  private warnOfDescriptors(): void {
    const { plan, host, log } = this.options;
    const limit = host.descriptorLimit();
    const connections = plan.listeners.reduce((sum, { limits }) => sum + limits.connections, 0);
    const served = clientsServed(limit);
    if (connections <= served) return;
    log.warn(
      `the limit of ${limit} open files lets each proxy serve ${served} connections at the same time, and its listeners may ` +
        `have ${connections} (\`limits.connections\`): raise LimitNOFILE to ${connections * 2} or more, or allow fewer`,
    );
  }

  private async firstNames(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise((resolve) => {
      timer = setTimeout(resolve, FIRST_NAMES_MS_MAX);
    });
    await Promise.race([this.names.start(this.health.hostnames()), timeout]);
    clearTimeout(timer);
  }

  private spawnProxy(index: number): ChildProcess {
    const [program, ...args] = this.options.proxyCommand;
    const stdio: (number | 'ignore' | 'pipe')[] = ['ignore', 'ignore', 'pipe'];
    stdio[CONTROL_DESCRIPTOR] = 'pipe';
    stdio[HANDOVER_DESCRIPTOR] = this.handoverDescriptor;
    stdio[TABLE_DESCRIPTOR] = this.table.readOnlyDescriptor;
    stdio.push(...this.rows.map((row, i) => (i === index ? row.descriptor : row.readOnlyDescriptor)));
    stdio.push(...descriptorsOf(this.listeners, index).map((descriptor) => descriptor ?? 'ignore'));
    // Its own session: what a terminal sends to the foreground group (Ctrl-C) is for the keeper to handle.
    return spawn(program, [...args, `${index}`], { stdio, detached: true });
  }

  private handleEvent(event: ProxyEvent, proxyIndex: number): void {
    const { log } = this.options;
    switch (event.kind) {
      case 'server-failed':
        return this.health.handleServerFailed(event.slot, event.count, event.reason);
      case 'answered':
        return this.traffic.handleAnswered(event);
      case 'shortage':
        return this.traffic.handleShortage(event);
      case 'accept-paused':
        return log.warn(`listener ${event.listener} does not accept for now: ${event.reason}`);
      case 'accept-resumed':
        return log.info(`listener ${event.listener} accepts again`);
      case 'memory-short':
        return log.warn(
          `proxy ${proxyIndex} is short of memory: ${event.large} of ${event.largeCount} large and ${event.small} of ` +
            `${event.smallCount} small buffers are in use; it ends the connections that have stood still for longest`,
        );
      case 'memory-recovered':
        return log.info(
          `proxy ${proxyIndex} has enough memory again, after ${event.seconds} s; it has ended ${event.shed} connections`,
        );
      case 'drained':
        return undefined;
    }
  }
}

function monotonicMs(): number {
  return performance.now();
}
