/**
 * Keeps the proxies alive: starts them, starts again what ends, ends what hangs, and lets them finish at the end.
 *
 * A proxy counts as serving from its `ready` until its process is gone. What it left on the status board while it died is
 * cleared before another one takes its row.
 */
import { systemReason } from '../base/system-error.ts';
import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { type Board, WORKER_STARTING } from '../base/board.ts';
import { HeartbeatWatch } from '../core/heartbeat.ts';
import { RestartPolicy } from '../core/restart.ts';
import {
  ControlLines,
  encodeControl,
  type KeeperMessage,
  parseProxyMessage,
  type ProxyEvent,
} from '../port/control.ts';
import { CONTROL_DESCRIPTOR } from './handover.ts';
import { logOutput } from './child-output.ts';
import type { Log } from './log.ts';
import { StartError } from './start-error.ts';

export interface SupervisorOptions {
  readonly workers: number;
  readonly board: Board;
  readonly log: Log;
  /** Starts the process of a proxy, whose control channel is its descriptor CONTROL_DESCRIPTOR. */
  readonly spawn: (index: number) => ChildProcess;
  readonly onEvent: (event: ProxyEvent, proxyIndex: number) => void;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

const LOOK_INTERVAL_MS = 250;
/** A turn takes microseconds; a collection of garbage, at worst, a tenth of a second. */
const SILENCE_MS_MAX = 3_000;
/** Node's own start on a busy machine. */
const START_MS_MAX = 20_000;
/** If no proxy ever served and one failed this often, none will. */
const START_FAILURES_MAX = 3;

/** How a proxy's process stands. */
export interface ProxyAccount {
  /** `ended`: its process is gone and the next one has not been started yet. */
  readonly state: 'starting' | 'serving' | 'draining' | 'ended';
  /** 0: there is no process. */
  readonly pid: number;
  /** How often it has ended and was started again. */
  readonly restarts: number;
  /** Of the last process that ended, and when; null: none has. */
  readonly lastEnd: { readonly reason: string; readonly atMs: number } | null;
}

interface Worker {
  readonly index: number;
  readonly policy: RestartPolicy;
  child: ChildProcess | null;
  isReady: boolean;
  startedAt: number;
  restarts: number;
  lastEnd: ProxyAccount['lastEnd'];
  watch: HeartbeatWatch;
  restart: NodeJS.Timeout | undefined;
}

export class Supervisor {
  private readonly options: SupervisorOptions;
  private readonly workers: readonly Worker[];
  private phase: 'starting' | 'serving' | 'ending' = 'starting';
  private looking: NodeJS.Timeout | undefined;
  private settleStart: ((failure: StartError | null) => void) | null = null;
  private settleEnd: (() => void) | null = null;

  constructor(options: SupervisorOptions) {
    this.options = options;
    this.workers = Array.from({ length: options.workers }, (_, index) => ({
      index,
      policy: new RestartPolicy(),
      child: null,
      isReady: false,
      startedAt: 0,
      restarts: 0,
      lastEnd: null,
      watch: new HeartbeatWatch(LOOK_INTERVAL_MS),
      restart: undefined,
    }));
  }

  /** Resolves when every proxy serves; rejects with StartError, ending what runs, if they cannot. */
  async start(): Promise<void> {
    this.looking = setInterval(() => this.look(), LOOK_INTERVAL_MS);
    const failure = await new Promise<StartError | null>((resolve) => {
      this.settleStart = resolve;
      for (const worker of this.workers) this.spawn(worker);
    });
    this.settleStart = null;
    if (failure !== null) {
      this.kill();
      throw failure;
    }
    this.phase = 'serving';
  }

  accounts(): readonly ProxyAccount[] {
    return this.workers.map((worker) => {
      const { child, restarts, lastEnd } = worker;
      return { state: this.stateOf(worker), pid: child?.pid ?? 0, restarts, lastEnd };
    });
  }

  private stateOf({ child, isReady }: Worker): ProxyAccount['state'] {
    if (child === null) return 'ended';
    if (this.phase === 'ending') return 'draining';
    return isReady ? 'serving' : 'starting';
  }

  /** Tells every proxy to finish. Resolves when all are gone, with the number of those that had to be killed. */
  async drain(graceMs: number): Promise<number> {
    this.end();
    this.broadcast({ type: 'drain' });
    let killed = 0;
    const ended = new Promise<void>((resolve) => {
      this.settleEnd = resolve;
    });
    const grace = setTimeout(() => {
      killed = this.workers.filter(({ child }) => child !== null).length;
      this.kill();
    }, graceMs);
    this.checkEnd();
    await ended;
    clearTimeout(grace);
    return killed;
  }

  /** Tells it every proxy; one that is still starting reads it when it gets there. */
  broadcast(message: KeeperMessage): void {
    for (const { child } of this.workers) send(child, message);
  }

  /** Ends every proxy at once. */
  kill(): void {
    this.end();
    for (const { child } of this.workers) child?.kill('SIGKILL');
  }

  // --- inside ---

  private end(): void {
    this.phase = 'ending';
    clearInterval(this.looking);
    for (const worker of this.workers) clearTimeout(worker.restart);
  }

  private spawn(worker: Worker): void {
    const { log, now } = this.options;
    worker.isReady = false;
    worker.startedAt = now();
    if (worker.lastEnd !== null) worker.restarts++;
    worker.watch = new HeartbeatWatch(LOOK_INTERVAL_MS);
    const child = this.options.spawn(worker.index);
    worker.child = child;
    let isGone = false;
    const gone = (reason: string): void => {
      if (isGone) return;
      isGone = true;
      this.handleGone(worker, reason);
    };
    child.on('exit', (code, signal) => gone(signal === null ? `exit code ${code}` : `killed by ${signal}`));
    child.on('error', (error) => gone(systemReason(error)));

    logOutput(child.stderr, `proxy ${worker.index}`, log);
    const lines = new ControlLines();
    const control = child.stdio[CONTROL_DESCRIPTOR] as Duplex | undefined;
    control?.on('data', (data: Buffer) => {
      lines.push(data, 0, data.length, (line) => this.handleLine(worker, line));
    });
    // It breaks when the process dies, which `exit` tells.
    control?.on('error', (error) => log.warn(`proxy ${worker.index}: control channel: ${systemReason(error)}`));
  }

  private handleLine(worker: Worker, line: string | null): void {
    const { log } = this.options;
    const message = line === null ? null : parseProxyMessage(line);
    if (message === null) {
      log.error(`proxy ${worker.index} sent an invalid control message`);
    } else if (message.type === 'log') {
      log[message.level](`proxy ${worker.index}: ${message.message}`);
    } else if (message.type === 'event') {
      this.options.onEvent(message.event, worker.index);
    } else {
      this.handleReady(worker);
    }
  }

  private handleReady(worker: Worker): void {
    worker.isReady = true;
    if (this.phase === 'serving') {
      const tookMs = Math.round(this.options.now() - worker.startedAt);
      this.options.log.info(`proxy ${worker.index} serves again`, { pid: worker.child?.pid ?? 0, startMs: tookMs });
    } else if (this.phase === 'starting' && this.workers.every(({ isReady }) => isReady)) {
      this.settleStart?.(null);
    }
  }

  private handleGone(worker: Worker, reason: string): void {
    const { board, log, now } = this.options;
    const pid = worker.child?.pid ?? 0;
    const ranMs = now() - worker.startedAt;
    worker.child = null;
    worker.isReady = false;
    worker.lastEnd = { reason, atMs: now() };
    board.worker(worker.index).clearGauges();
    if (this.phase === 'ending') return this.checkEnd();

    const delayMs = worker.policy.handleExit(ranMs);
    const { failures } = worker.policy;
    if (this.phase === 'starting' && failures >= START_FAILURES_MAX) {
      return this.settleStart?.(
        new StartError(`proxy ${worker.index} ended ${failures} times at its start: ${reason}`),
      );
    }
    const when = delayMs === 0 ? 'at once' : `in ${delayMs} ms`;
    log.error(`proxy ${worker.index} ended (${reason}); another one starts ${when}`, { pid });
    if (delayMs === 0) this.spawn(worker);
    else worker.restart = setTimeout(() => this.spawn(worker), delayMs);
  }

  /** Ends proxies that do not beat; their end starts others. */
  private look(): void {
    const { board, log, now } = this.options;
    for (const worker of this.workers) {
      if (worker.child === null) continue;
      const row = board.worker(worker.index);
      const isStarting = !worker.isReady || row.state === WORKER_STARTING;
      const silenceMs = worker.watch.handleLook(now(), row.heartbeat);
      if (silenceMs < (isStarting ? START_MS_MAX : SILENCE_MS_MAX)) continue;
      log.error(`proxy ${worker.index} hangs: no sign of life for ${Math.round(silenceMs)} ms; ending it`, {
        pid: worker.child.pid ?? 0,
      });
      worker.watch = new HeartbeatWatch(LOOK_INTERVAL_MS);
      worker.child.kill('SIGKILL');
    }
  }

  private checkEnd(): void {
    if (this.workers.every(({ child }) => child === null)) this.settleEnd?.();
  }
}

function send(child: ChildProcess | null, message: KeeperMessage): void {
  const control = child?.stdio[CONTROL_DESCRIPTOR] as Duplex | undefined;
  if (control?.writable === true) control.write(encodeControl(message));
}

/** `1 proxy`, `2 proxies` */
export function proxyCount(count: number): string {
  return `${count} ${count === 1 ? 'proxy' : 'proxies'}`;
}
