/**
 * Runs a check of the operator's again and again, and its recover command when that is wanted; what the results mean is
 * core/track/script.ts's matter. Where a run cannot begin because the last one does not end, that is a failure too.
 */
import type { Command } from '../../config/words/command.ts';
import type { ScriptPlan } from '../../config/plan/ha.ts';
import { nextRunMs, ScriptTrack } from '../../core/track/script.ts';
import type { Log } from '../log/log.ts';
import { type CommandResult, describeResult, type RunCommand, type RunningCommand } from './command.ts';
import type { CommandUser } from './command-user.ts';
import type { WatchMemory } from './heritage.ts';
import { Verdict, type Watch, type WatchStatus } from './watch.ts';

export interface ScriptWatchOptions {
  readonly plan: ScriptPlan;
  /** For the log: `script check-nginx.sh`. */
  readonly name: string;
  /** A text: why it cannot be run as the user it is meant for. */
  readonly user: CommandUser | null | string;
  readonly run: RunCommand;
  readonly log: Log;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** After SIGKILL. Who is still there then waits in the kernel, for a disk that does not answer. */
const KILLED_MS_MAX = 1_000;

export class ScriptWatch implements Watch {
  private readonly options: ScriptWatchOptions;
  private readonly track: ScriptTrack;
  private readonly verdict = new Verdict();
  private running: RunningCommand | null = null;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(options: ScriptWatchOptions) {
    const { rise, fall, recover } = options.plan;
    this.options = options;
    this.track = new ScriptTrack({ rise, fall, hasRecover: recover !== null });
  }

  start(onVerdict: (isUp: boolean) => void, memory: WatchMemory | null): void {
    if (memory !== null) this.track.restore(memory.isUp);
    this.verdict.start(this.options.now(), onVerdict, memory);
    void this.runCheck();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.running?.end();
  }

  status(): WatchStatus {
    return this.verdict.status();
  }

  private async runCheck(): Promise<void> {
    const { plan, now } = this.options;
    const beganMs = now();
    const result = await this.runOnce(plan.run, plan.timeoutMs);
    if (this.isStopped) return;
    this.track.handleCheck(result.isPassed);
    if (this.track.next === 'recover') await this.recover(result);
    else this.tell(result);
    if (this.isStopped) return;
    const atMs = this.track.next === 'check-now' ? now() : nextRunMs(beganMs, plan.intervalMs, now());
    this.timer = setTimeout(() => void this.runCheck(), Math.max(0, atMs - now()));
  }

  private async recover(failure: CommandResult): Promise<void> {
    const { plan, log, name } = this.options;
    const command = plan.recover!;
    log.warn(`${name} fails (${describeResult(failure)}): running ${command.join(' ')} once`);
    await this.endLast();
    if (this.isStopped) return;
    const result = await this.runOnce(command, plan.recoverTimeoutMs);
    if (this.isStopped) return;
    this.track.handleRecovery(result.isPassed);
    if (!result.isPassed) log.warn(`${name}: ${command.join(' ')} failed: ${describeResult(result)}`);
    this.tell(failure);
  }

  /** One at a time. */
  private runOnce(command: Command, timeoutMs: number): Promise<CommandResult> {
    const { user, run } = this.options;
    if (typeof user === 'string') return Promise.resolve(failure(user));
    if (this.running !== null && !this.running.isGone) {
      return Promise.resolve(failure('the last run has not ended, though it was told to'));
    }
    this.running = run({ command, user, timeoutMs, environment: {} });
    return this.running.result;
  }

  /** A check that failed because its time was over may still be there, and what is to cure it cannot wait for its manners. */
  private async endLast(): Promise<void> {
    const { running } = this;
    if (running === null || running.isGone) return;
    running.end();
    const limit = new Promise<void>((resolve) => {
      this.timer = setTimeout(resolve, KILLED_MS_MAX);
    });
    await Promise.race([running.gone, limit]);
    clearTimeout(this.timer);
  }

  private tell(result: CommandResult): void {
    const { log, name, now } = this.options;
    const before = this.verdict.status().isUp;
    const { isUp, streak } = this.track;
    if (!this.verdict.handle(now(), isUp, result.isPassed ? 'exit code 0' : describeResult(result))) return;
    const runs = streak === 1 ? '' : `, ${streak} times`;
    if (isUp === false) log.warn(`${name} fails${runs}: ${describeResult(result)}`);
    else if (before !== null) log.info(`${name} recovered`);
  }
}

function failure(reason: string): CommandResult {
  return { isPassed: false, reason, output: '' };
}
