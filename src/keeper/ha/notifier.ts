/**
 * Runs the operator's programs when the role of a virtual router changes: for each router one at a time, in the order of the
 * changes, so that what runs last belongs to what is. They delay nothing: the address has moved before they begin.
 *
 * The states are those that keepalived calls INIT, BACKUP, MASTER and FAULT; the finer ones of evenkeel are not told.
 */
import type { Command, HaRouterPlan } from '../../config/ha-plan.ts';
import type { State } from '../../core/vrrp/states.ts';
import type { RoleChange } from '../../vip/status.ts';
import type { Log } from '../log.ts';
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
const KEEPALIVED_STATES: Readonly<Record<Role, string>> = {
  active: 'MASTER',
  backup: 'BACKUP',
  fault: 'FAULT',
  stop: 'STOP',
};

/** More changes than this while one program runs: the oldest are left out. */
const WAITING_MAX = 16;

export interface NotifierOptions {
  readonly plan: HaRouterPlan;
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
  readonly priority: number;
}

export class Notifier {
  private readonly options: NotifierOptions;
  private readonly waiting: Notice[] = [];
  private role: Role = 'stop';
  private running: RunningCommand | null = null;
  private whenIdle: (() => void)[] = [];
  private isRunning = false;

  constructor(options: NotifierOptions) {
    this.options = options;
  }

  handleChange(change: RoleChange, priority: number): void {
    const role = roleOf(change.to);
    if (role === this.role) return;
    this.role = role;
    const command = this.options.plan.notify[role];
    if (command === null) return;
    this.waiting.push({ role, command, change, priority });
    if (this.waiting.length > WAITING_MAX) {
      const [left] = this.waiting.splice(0, 1);
      this.options.log.warn(
        `${this.options.plan.name}: ${left.command[0]} for ${left.role} is left out: too many wait`,
      );
    }
    if (!this.isRunning) void this.runAll();
  }

  /** Resolves when nothing runs or waits any more. */
  async idle(): Promise<void> {
    if (!this.isRunning) return;
    await new Promise<void>((resolve) => this.whenIdle.push(resolve));
  }

  /** Ends what runs, and runs nothing more. */
  stop(): void {
    this.waiting.length = 0;
    this.running?.end();
  }

  private async runAll(): Promise<void> {
    this.isRunning = true;
    for (let notice = this.waiting.shift(); notice !== undefined; notice = this.waiting.shift())
      await this.runOne(notice);
    this.isRunning = false;
    for (const resolve of this.whenIdle.splice(0)) resolve();
  }

  private async runOne({ role, command, change, priority }: Notice): Promise<void> {
    const { plan, user, run, log } = this.options;
    const what = `${plan.name}: ${command[0]} for ${role}`;
    if (typeof user === 'string') {
      log.error(`${what} is not run: ${user}`);
      return;
    }
    const running = run({
      command: [...command, 'INSTANCE', plan.name, KEEPALIVED_STATES[role], `${priority}`],
      user,
      timeoutMs: plan.notify.timeoutMs,
      environment: {
        ...this.options.environment,
        EVENKEEL_ROUTER: plan.name,
        EVENKEEL_ROLE: role,
        EVENKEEL_CAUSE: change.cause,
        EVENKEEL_DETAIL: change.detail,
        EVENKEEL_PRIORITY: `${priority}`,
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
}
