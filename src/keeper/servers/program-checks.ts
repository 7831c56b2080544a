/**
 * Checks of servers by programs of the operator's: who runs them, a few at a time, and what their end says. Those that hang
 * are ended, with all that they started (ha/command.ts); one that cannot be ended is not run a second time.
 */
import { type Address, addressText } from '../../base/address.ts';
import type { Command } from '../../config/words/command.ts';
import type { HealthPlan } from '../../config/plan/health.ts';
import { type CommandResult, describeResult, type RunCommand, type RunningCommand } from '../ha/command.ts';
import type { CommandUser, CommandUsers } from '../ha/command-user.ts';
import { checkedPlace, type ProbeResult } from './probe.ts';
import { Turns } from './turns.ts';

export interface ProgramChecksOptions {
  readonly run: RunCommand;
  readonly users: Pick<CommandUsers, 'of'>;
}

type ProgramProbe = Extract<HealthPlan['probe'], { kind: 'run' }>;

/** Programs that run at the same time; the others wait for their turn. */
export const PROGRAMS_MAX = 32;

export class ProgramChecks {
  private readonly options: ProgramChecksOptions;
  private readonly running = new Set<RunningCommand>();
  /** Whose time is over, and whose processes are not gone. */
  private readonly overdue = new Set<string>();
  private readonly turns = new Turns(PROGRAMS_MAX, PROGRAMS_MAX);
  private isStopped = false;

  constructor(options: ProgramChecksOptions) {
    this.options = options;
  }

  /** Never rejects. After `stop` it may never resolve. */
  async check(health: HealthPlan, probe: ProgramProbe, address: Address): Promise<ProbeResult> {
    const { timeoutMs } = health;
    const user = this.options.users.of(probe.users);
    if (typeof user === 'string') return { isPassed: false, reason: user };
    const command = filled(probe.command, checkedPlace(health, address));
    const endTurn = await this.turn(`${addressText(address)} ${command[0]}`);
    try {
      return await this.runOnce(command, user, timeoutMs, probe.saysWeight);
    } finally {
      endTurn();
    }
  }

  /** Ends what runs, and begins nothing more. */
  stop(): void {
    this.isStopped = true;
    for (const running of this.running) running.end();
  }

  // --- inside ---

  /** Resolves when it is its turn, with what ends that; after `stop` never. */
  private turn(asker: string): Promise<() => void> {
    return new Promise((resolve) => {
      const end = this.turns.take(asker, () => {
        if (!this.isStopped) resolve(() => end());
      });
    });
  }

  private async runOnce(
    command: Command,
    user: CommandUser | null,
    timeoutMs: number,
    saysWeight: boolean,
  ): Promise<ProbeResult> {
    const key = JSON.stringify([user?.name, command]);
    if (this.overdue.has(key)) {
      return { isPassed: false, reason: 'the last run has not ended, though it was told to' };
    }
    const running = this.options.run({ command, user, timeoutMs, environment: {} });
    this.running.add(running);
    const gone = this.forget(running, key);
    const result = await running.result;
    if (running.isGone) await gone;
    else this.overdue.add(key);
    return verdictOf(result, saysWeight);
  }

  private async forget(running: RunningCommand, key: string): Promise<void> {
    await running.gone;
    this.running.delete(running);
    this.overdue.delete(key);
  }
}

function filled([program, ...args]: Command, { host, port }: Address): Command {
  const values: Readonly<Record<string, string>> = { address: host, port: `${port}` };
  return [program, ...args.map((text) => text.replace(/\{(address|port)\}/g, (_, name: string) => values[name]))];
}

/** Exit codes from 2 on, less this, are weights. */
const WEIGHT_FROM = 2;

function verdictOf(result: CommandResult, saysWeight: boolean): ProbeResult {
  if (result.isShortage === true) return { isPassed: null, reason: result.reason };
  const { exitCode = 0 } = result;
  if (saysWeight && exitCode >= WEIGHT_FROM)
    return { isPassed: true, reason: describeResult(result), weight: exitCode - WEIGHT_FROM };
  return { isPassed: result.isPassed, reason: describeResult(result) };
}
