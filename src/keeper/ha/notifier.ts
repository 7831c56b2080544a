/**
 * Runs the operator's programs when the role of a virtual router changes: for each router one at a time, and what runs last
 * belongs to what is. A change that was overtaken while another program ran is not told any more. They delay nothing: the
 * address has moved before they begin.
 *
 * The states are those that keepalived calls INIT, BACKUP, MASTER and FAULT; the finer ones of evenkeel are not told.
 */
import type { Command } from '../../config/command.ts';
import type { NotifyPlan } from '../../config/ha-plan.ts';
import type { State } from '../../core/vrrp/states.ts';
import type { RoleChange } from '../../vip/status.ts';
import type { Log } from '../log/log.ts';
import type { RunCommand, RunningCommand } from './command.ts';
import type { CommandUser } from './command-user.ts';

/** What is told to the outside. */
export type Role = 'active' | 'backup' | 'fault' | 'stop';

export function roleOf(state: State): Role {
  if (state === 'active' || state === 'leaving') return 'active';
  if (state === 'backup' || state === 'claiming') return 'backup';
  return state === 'fault' ? 'fault' : 'stop';
}

/** As scripts written for keepalived expect it. */
export const KEEPALIVED_STATES: Readonly<Record<Role, string>> = {
  active: 'MASTER',
  backup: 'BACKUP',
  fault: 'FAULT',
  stop: 'STOP',
};

export interface NotifierOptions {
  /** The router's. */
  readonly name: string;
  readonly plan: NotifyPlan;
  /** Null: this process's own. A text: why it cannot be. */
  readonly user: CommandUser | null | string;
  readonly run: RunCommand;
  readonly log: Log;
  /** Besides what belongs to the change: of the node and the router. */
  readonly environment: Readonly<Record<string, string>>;
}

interface Notice {
  readonly role: Role;
  readonly command: Command;
  readonly change: RoleChange;
}

export class Notifier {
  private options: NotifierOptions;
  /** What is told when the program that runs has ended. */
  private waiting: Notice | null = null;
  private role: Role = 'stop';
  /** What is being told; null: nothing. */
  private telling: Role | null = null;
  private running: RunningCommand | null = null;
  private whenIdle: (() => void)[] = [];

  constructor(options: NotifierOptions) {
    this.options = options;
  }

  /** Goes by these from now on. What runs, or waits, was asked for by what was. */
  apply(options: NotifierOptions): void {
    this.options = options;
  }

  /** What was told already. */
  restore(state: State): void {
    this.role = roleOf(state);
  }

  handleChange(change: RoleChange): void {
    const role = roleOf(change.to);
    if (role === this.role) return;
    this.role = role;
    this.dropWaiting(`${role} followed`);
    const command = this.options.plan[role];
    // What is told again while it is being told has not changed.
    if (command === null || role === this.telling) return;
    this.waiting = { role, command, change };
    if (this.telling === null) void this.runAll();
  }

  /** Nothing runs, and nothing waits to be run. */
  get isIdle(): boolean {
    return this.telling === null;
  }

  /**
   * Resolves when nothing runs or waits any more, at the latest after so many milliseconds: what runs then is ended, and
   * before that, after half of them, what keeps another one waiting.
   */
  async finish(withinMs: number): Promise<void> {
    if (this.telling === null) return;
    const idle = new Promise<void>((resolve) => this.whenIdle.push(resolve));
    const hurry = setTimeout(() => {
      if (this.waiting !== null) this.endRunning('another one waits, and evenkeel ends');
    }, withinMs / 2);
    const end = setTimeout(() => {
      this.dropWaiting('the time to stop is over');
      this.endRunning('the time to stop is over');
    }, withinMs);
    await idle;
    clearTimeout(hurry);
    clearTimeout(end);
  }

  /** Ends what runs, and runs nothing more. */
  stop(): void {
    this.waiting = null;
    this.running?.end();
  }

  private dropWaiting(why: string): void {
    const { waiting } = this;
    if (waiting === null) return;
    this.waiting = null;
    this.options.log.info(`${this.options.name}: ${waiting.command[0]} for ${waiting.role} is not run: ${why}`);
  }

  private endRunning(why: string): void {
    if (this.running === null) return;
    this.options.log.warn(`${this.options.name}: the program for ${this.telling} is ended: ${why}`);
    this.running.end();
  }

  private async runAll(): Promise<void> {
    for (let notice = this.waiting; notice !== null; notice = this.waiting) {
      this.waiting = null;
      this.telling = notice.role;
      await this.runOne(notice);
    }
    this.telling = null;
    for (const resolve of this.whenIdle.splice(0)) resolve();
  }

  private async runOne({ role, command, change }: Notice): Promise<void> {
    const { name, plan, user, run, log } = this.options;
    const what = `${name}: ${command[0]} for ${role}`;
    if (typeof user === 'string') {
      log.error(`${what} is not run: ${user}`);
      return;
    }
    const running = run({
      command: [...command, ...this.argumentsFor(role, change.priority)],
      user,
      timeoutMs: plan.timeoutMs,
      environment: {
        ...this.options.environment,
        EVENKEEL_ROUTER: name,
        EVENKEEL_ROLE: role,
        EVENKEEL_CAUSE: change.cause,
        EVENKEEL_DETAIL: change.detail,
        EVENKEEL_PRIORITY: `${change.priority}`,
      },
    });
    this.running = running;
    const { isPassed, reason, output } = await running.result;
    if (!isPassed) {
      const line = output.slice(output.lastIndexOf('\n') + 1);
      log.error(`${what} failed: ${reason}${line === '' ? '' : `: ${line}`}`);
    }
    // Not beside the next one: after its time was over it is told to end, and then killed.
    await running.gone;
    this.running = null;
  }

  private argumentsFor(role: Role, priority: number): readonly string[] {
    const { told } = this.options.plan;
    return told === null ? [] : [told.whose, told.name, KEEPALIVED_STATES[role], `${told.priority ?? priority}`];
  }
}
