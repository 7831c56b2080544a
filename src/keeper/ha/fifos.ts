/**
 * The FIFOs that changes of roles are written into, a line each, as keepalived writes them, and the programs that read them.
 * Nothing here waits: what finds no room is lost, counted, and told once.
 */
import type { FifoPlan } from '../../config/plan/ha.ts';
import type { FifoEnd, FifoOwner } from '../../port/host.ts';
import { isSamePlan } from '../../vip/plan.ts';
import type { Log } from '../log/log.ts';
import type { RunCommand, RunningCommand } from './command.ts';
import type { CommandUser } from './command-user.ts';

/** A reader that ends is started again, but not faster than this. */
const RESTART_MS = 1_000;
/** The longest that there is for a timer: a reader runs until it ends. */
const UNLIMITED_MS = 2 ** 31 - 1;

export interface FifosOptions {
  readonly open: (path: string, owner: FifoOwner | null) => FifoEnd | string;
  readonly run: RunCommand;
  readonly userFor: (names: readonly string[] | null) => CommandUser | null | string;
  readonly log: Log;
}

export class Fifos {
  private readonly options: FifosOptions;
  private readonly fifos = new Map<string, Fifo>();
  private isRead = false;

  constructor(options: FifosOptions) {
    this.options = options;
  }

  /** These there are from now on; one of a path, of which the first counts. */
  apply(plans: readonly FifoPlan[]): void {
    const wanted = new Map(plans.toReversed().map((plan) => [plan.path, plan]));
    for (const [path, fifo] of this.fifos) {
      if (isSamePlan(wanted.get(path), fifo.plan)) continue;
      fifo.close(true);
      this.fifos.delete(path);
    }
    for (const [path, plan] of wanted) {
      if (this.fifos.has(path)) continue;
      const fifo = new Fifo(plan, this.options);
      this.fifos.set(path, fifo);
      if (this.isRead) fifo.startReading();
    }
  }

  /** Readers are started from now on: there is no other keeper that has its own. */
  startReading(): void {
    this.isRead = true;
    for (const fifo of this.fifos.values()) fifo.startReading();
  }

  write(path: string, line: string): void {
    this.fifos.get(path)?.write(line);
  }

  /** `isRemoved`: nobody goes on with them. */
  close(isRemoved: boolean): void {
    for (const fifo of this.fifos.values()) fifo.close(isRemoved);
    this.fifos.clear();
  }
}

class Fifo {
  readonly plan: FifoPlan;
  private readonly options: FifosOptions;
  private end: FifoEnd | null = null;
  private lost = 0;
  private reader: RunningCommand | null = null;
  private restart: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(plan: FifoPlan, options: FifosOptions) {
    this.plan = plan;
    this.options = options;
    this.open();
  }

  write(line: string): void {
    if (this.end?.isThere === false) {
      this.end.close(false);
      this.end = null;
    }
    if (this.end === null && !this.open()) return;
    const problem = this.end!.write(`${line}\n`);
    const { log } = this.options;
    if (problem === null) {
      if (this.lost > 0) log.info(`FIFO ${this.plan.path} is read again; lines that were lost: ${this.lost}`);
      this.lost = 0;
    } else if (this.lost++ === 0) log.warn(`FIFO ${this.plan.path}: lines are lost (${problem})`);
  }

  startReading(): void {
    const { reader, path, user: names } = this.plan;
    if (reader === null || this.isClosed) return;
    const { run, userFor, log } = this.options;
    const user = userFor(names);
    if (typeof user === 'string') {
      log.error(`FIFO ${path}: ${reader[0]} is not run: ${user}`);
      return;
    }
    this.reader = run({ command: [...reader, path], user, timeoutMs: UNLIMITED_MS, environment: {} });
    void this.follow(this.reader, reader[0]);
  }

  close(isRemoved: boolean): void {
    this.isClosed = true;
    clearTimeout(this.restart);
    this.end?.close(isRemoved);
    this.end = null;
    this.reader?.end();
  }

  private async follow(reader: RunningCommand, program: string): Promise<void> {
    const { reason } = await reader.result;
    await reader.gone;
    if (this.isClosed) return;
    this.options.log.warn(`FIFO ${this.plan.path}: ${program} has ended (${reason}) and is started again`);
    this.restart = setTimeout(() => this.startReading(), RESTART_MS);
  }

  private open(): boolean {
    const { path, user: names } = this.plan;
    const user = this.options.userFor(names);
    const end = typeof user === 'string' ? user : this.options.open(path, user);
    if (typeof end !== 'string') {
      this.end = end;
      return true;
    }
    if (this.lost++ === 0) this.options.log.error(`FIFO ${path} cannot be opened: ${end}`);
    return false;
  }
}
