/**
 * Runs the operator's programs when the role of a virtual router changes, for each router as LatestProgram does. They delay nothing:
 * the address has moved before they begin.
 *
 * The states are those that keepalived calls INIT, BACKUP, MASTER and FAULT; the finer ones of evenkeel are not told.
 */
import type { NotifyPlan } from '../../config/plan/ha.ts';
import type { State } from '../../core/vrrp/states.ts';
import type { RoleChange } from '../../vip/status.ts';
import type { Log } from '../log/log.ts';
import type { RunCommand } from './command.ts';
import type { CommandUser } from './command-user.ts';
import { LatestProgram, type Notice } from './latest-program.ts';

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

export class Notifier {
  private options: NotifierOptions;
  private readonly programs: LatestProgram;
  private role: Role = 'stop';

  constructor(options: NotifierOptions) {
    this.options = options;
    this.programs = new LatestProgram(options);
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
    this.programs.handle(role, this.noticeOf(role, change));
  }

  /** Nothing runs, and nothing waits to be run. */
  get isIdle(): boolean {
    return this.programs.isIdle;
  }

  /** See LatestProgram. */
  finish(withinMs: number): Promise<void> {
    return this.programs.finish(withinMs);
  }

  /** Ends what runs, and runs nothing more. */
  stop(): void {
    this.programs.stop();
  }

  private noticeOf(role: Role, { cause, detail, priority }: RoleChange): Notice | null {
    const { name, plan, user, environment } = this.options;
    const command = plan[role];
    if (command === null) return null;
    return {
      state: role,
      command: [...command, ...this.argumentsFor(role, priority)],
      user,
      timeoutMs: plan.timeoutMs,
      environment: {
        ...environment,
        EVENKEEL_ROUTER: name,
        EVENKEEL_ROLE: role,
        EVENKEEL_CAUSE: cause,
        EVENKEEL_DETAIL: detail,
        EVENKEEL_PRIORITY: `${priority}`,
      },
    };
  }

  private argumentsFor(role: Role, priority: number): readonly string[] {
    const { told } = this.options.plan;
    return told === null ? [] : [told.whose, told.name, KEEPALIVED_STATES[role], `${told.priority ?? priority}`];
  }
}
