/**
 * Keeps the proxies alive and gives them their plans: performs what core/fleet decides. It decides nothing itself.
 */
import type { Board } from '../../base/board.ts';
import {
  Fleet,
  type FleetAccount,
  type FleetAction,
  type FleetEvent,
  LOOK_INTERVAL_MS,
} from '../../core/fleet/fleet.ts';
import type { KeeperMessage, ProxyEvent, ProxyMessage } from '../../port/control.ts';
import type { Log } from '../log/log.ts';
import { LostLines } from '../log/lost-lines.ts';
import type { ProxyChild, ProxyChildHandler } from './proxy-child.ts';
import type { SessionEnd } from './session-moves.ts';
import { PlanRefusal } from '../apply-error.ts';
import { StartError } from '../start-error.ts';

export interface SupervisorOptions {
  readonly board: Board;
  readonly log: Log;
  /** Starts the process that fills the place of `worker`, with this row of the board. */
  readonly spawn: (row: number, worker: number, handler: ProxyChildHandler) => ProxyChild;
  /** What is sent with the plan `generation` to a proxy that serves as `worker`. */
  readonly descriptorsOf: (generation: number, worker: number) => readonly number[];
  /** What is sent to it before, of sessions of UDP that it takes over. They are closed then. */
  readonly takeSessionEnds: (worker: number) => readonly SessionEnd[];
  readonly closeDescriptor: (descriptor: number) => void;
  /** The process of this row uses nothing of before `generation`. */
  readonly onApplied: (row: number, generation: number) => void;
  /** It uses nothing any more. */
  readonly onGone: (row: number) => void;
  /** The program on disk is no longer this one: nothing can be started from there. */
  readonly onOtherProgram: () => void;
  readonly onEvent: (event: ProxyEvent, worker: number) => void;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** How a proxy's process stands. */
export interface ProxyAccount extends FleetAccount {
  /** 0: there is no process. */
  readonly pid: number;
}

interface Waiter {
  readonly generation: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class Supervisor {
  private readonly options: SupervisorOptions;
  private readonly fleet: Fleet;
  private readonly children = new Map<number, ProxyChild>();
  private readonly lostLines: LostLines;
  private readonly looking: NodeJS.Timeout;
  private wakeUp: NodeJS.Timeout | undefined;
  private waiters: Waiter[] = [];
  private readonly over: Promise<number>;
  private settleOver: (cut: number) => void = () => undefined;
  private isOutlived = false;

  /** Processes at a time, finishing ones included: as many as the board has rows. */
  constructor(options: SupervisorOptions) {
    this.options = options;
    this.fleet = new Fleet(options.board.shape.rows);
    this.lostLines = new LostLines(options.board, options.log, options.now);
    this.over = new Promise((resolve) => {
      this.settleOver = resolve;
    });
    this.looking = setInterval(() => this.look(), LOOK_INTERVAL_MS);
  }

  /**
   * Resolves when every living proxy serves by this plan. Rejects with StartError if none ever can; with PlanRefusal if one says so that
   * serves by another, and then waits for a plan.
   */
  apply(generation: number, workers: number, drainMs: number): Promise<void> {
    const applied = new Promise<void>((resolve, reject) => this.waiters.push({ generation, resolve, reject }));
    this.fleet.handlePlan(this.options.now(), generation, workers, drainMs);
    this.act();
    return applied;
  }

  /**
   * Lets every proxy finish. Resolves when all are gone, with the number of those that had something left. May be called again, to
   * have them finish sooner. `keepsIdle`: clients between requests are not sent away.
   */
  drain(graceMs: number, keepsIdle = false): Promise<number> {
    this.fleet.handleStop(this.options.now(), graceMs, keepsIdle);
    this.act();
    return this.over;
  }

  /** From now on every proxy serves on if this process ends without a word. */
  outlive(): void {
    this.isOutlived = true;
    for (const child of this.children.values()) child.send({ type: 'serve-on' });
  }

  /** These addresses are on another machine now: no proxy waits for clients that came to them. */
  abandon(addresses: readonly string[]): void {
    for (const child of this.children.values()) child.send({ type: 'abandon', addresses });
  }

  /** Ends every proxy at once. */
  kill(): void {
    this.fleet.handleKill();
    this.act();
  }

  /** Tells the proxy that serves as `worker`, or finishes what it had then. */
  tell(worker: number, message: KeeperMessage): void {
    for (const account of this.fleet.accounts()) {
      if (account.worker === worker) this.children.get(account.row)?.send(message);
    }
  }

  /** The proxy that serves, or will serve, as `worker` is to send sessions there. False: there is none. */
  sendSessionEnd(worker: number, end: SessionEnd): boolean {
    const place = this.fleet.accounts().find((each) => each.worker === worker && each.state !== 'draining');
    return place !== undefined && this.children.get(place.row)?.handSessions('out', [end]) === true;
  }

  /** Tells every proxy that has read what it was told before. The others do without. */
  advise(message: KeeperMessage): void {
    for (const child of this.children.values()) child.advise(message);
  }

  accounts(): readonly ProxyAccount[] {
    return this.fleet.accounts().map(({ worker, row, state, restarts, lastEnd }) => {
      return { worker, row, state, restarts, lastEnd, pid: this.children.get(row)?.pid ?? 0 };
    });
  }

  // --- inside ---

  private look(): void {
    const { board, now } = this.options;
    this.fleet.handleLook(now(), (row) => board.worker(row).heartbeat);
    this.lostLines.look();
    this.act();
  }

  private act(): void {
    for (const action of this.fleet.takeActions()) this.perform(action);
    clearTimeout(this.wakeUp);
    const startAt = this.fleet.nextStart();
    if (startAt < Infinity) this.wakeUp = setTimeout(() => this.look(), Math.max(0, startAt - this.options.now()));
  }

  private perform(action: FleetAction): void {
    switch (action.kind) {
      case 'spawn':
        return this.spawn(action.row, action.worker, action.generation);
      case 'apply':
        return this.send(action.row, action.worker, action.generation);
      case 'drain':
        return this.children
          .get(action.row)
          ?.send({ type: 'drain', withinMs: action.withinMs, keepsIdle: action.keepsIdle });
      case 'kill':
        return this.children.get(action.row)?.kill();
      case 'acknowledge':
        return this.options.onApplied(action.row, action.generation);
      case 'clear':
        this.children.delete(action.row);
        this.lostLines.handleEnd(action.row);
        this.options.board.worker(action.row).clearGauges();
        return this.options.onGone(action.row);
      case 'tell':
        return this.handleFleetEvent(action.event);
    }
  }

  private spawn(row: number, worker: number, generation: number): void {
    const { log, now } = this.options;
    const child = this.options.spawn(row, worker, {
      handleMessage: (message) => this.handleMessage(row, worker, message),
      handleChannelError: (reason) => log.warn(`proxy ${worker}: control channel: ${reason}`),
      handleDeaf: () => {
        this.fleet.handleInvalid(row, 'does not read what it is told');
        this.actLater();
      },
      handleOtherProgram: () => this.options.onOtherProgram(),
      handleExit: (reason) => {
        this.fleet.handleExit(now(), row, reason);
        this.act();
      },
    });
    this.children.set(row, child);
    this.send(row, worker, generation);
    if (this.isOutlived) child.send({ type: 'serve-on' });
  }

  private send(row: number, worker: number, generation: number): void {
    const descriptors = this.options.descriptorsOf(generation, worker);
    const ends = this.options.takeSessionEnds(worker);
    if (ends.length > 0) this.children.get(row)?.handSessions('in', ends);
    for (const { descriptor } of ends) this.options.closeDescriptor(descriptor);
    if (this.children.get(row)?.apply(generation, descriptors) !== false) return;
    this.fleet.handleRefused(this.options.now(), row, generation, 'its sockets cannot be sent to it');
    this.actLater();
  }

  /** What is asked for now is performed after what is being performed. */
  private actLater(): void {
    setImmediate(() => this.act());
  }

  private handleMessage(row: number, worker: number, message: ProxyMessage | null): void {
    const { log, now } = this.options;
    switch (message?.type) {
      case undefined:
        this.fleet.handleInvalid(row, 'sent an invalid control message');
        break;
      case 'log':
        log[message.level](`proxy ${worker}: ${message.message}`);
        return;
      case 'event':
        this.options.onEvent(message.event, worker);
        if (message.event.kind !== 'cut') return;
        this.fleet.handleCut(row);
        break;
      case 'applied':
        this.fleet.handleApplied(now(), row, message.generation);
        break;
      case 'refused':
        if (message.fault === 'plan') this.fleet.handlePlanRefused(row, message.generation, message.reason);
        else this.fleet.handleRefused(now(), row, message.generation, message.reason);
    }
    this.act();
  }

  private handleFleetEvent(event: FleetEvent): void {
    const { log } = this.options;
    switch (event.kind) {
      case 'started':
        return;
      case 'start-failed':
        for (const { reject } of this.waiters.splice(0)) reject(new StartError(event.reason));
        return;
      case 'applied':
        for (const { resolve } of this.waiters.filter(({ generation }) => generation <= event.generation)) resolve();
        this.waiters = this.waiters.filter(({ generation }) => generation > event.generation);
        return;
      case 'serving':
        log.info(`proxy ${event.worker} serves again`, { startMs: Math.round(event.tookMs) });
        return;
      case 'ended': {
        const when = event.restartMs === 0 ? 'at once' : `in ${event.restartMs} ms`;
        log.error(`proxy ${event.worker} ended (${event.reason}); another one starts ${when}`);
        return;
      }
      case 'refused': {
        const refused = this.waiters.filter(({ generation }) => generation === event.generation);
        this.waiters = this.waiters.filter((waiter) => !refused.includes(waiter));
        for (const { reject } of refused) reject(new PlanRefusal(event.reason));
        if (refused.length === 0) log.error(`a proxy cannot apply the configuration: ${event.reason}`);
        return;
      }
      case 'replaced':
        log.error(
          `proxy ${event.worker} cannot apply the configuration (${event.reason}); another one takes its place`,
        );
        return;
      case 'invalid':
        log.error(`proxy ${event.worker} ${event.reason}; ending it`);
        return;
      case 'silent': {
        const forMs = Math.round(event.silenceMs);
        log.error(`proxy ${event.worker} hangs: no sign of life for ${forMs} ms; ending it`);
        return;
      }
      case 'overdue':
        log.warn(`proxy ${event.worker} had connections left when its time to finish was over: ended`);
        return;
      case 'over':
        clearInterval(this.looking);
        clearTimeout(this.wakeUp);
        this.lostLines.stop();
        for (const { reject } of this.waiters.splice(0)) reject(new StartError('ended during the start'));
        this.settleOver(event.cut);
    }
  }
}

/** `1 proxy`, `2 proxies` */
export function proxyCount(count: number): string {
  return `${count} ${count === 1 ? 'proxy' : 'proxies'}`;
}
