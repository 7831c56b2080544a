/**
 * Programs that tell the outside how something is: one at a time, and what runs last belongs to what is. What was overtaken while
 * another one ran is not told any more.
 */
import type { Command } from '../../config/words/command.ts';
import type { Log } from '../log/log.ts';
import type { RunCommand, RunningCommand } from './command.ts';
import type { CommandUser } from './command-user.ts';

export interface Notice {
  /** What it tells: `active`, `down`. */
  readonly state: string;
  readonly command: Command;
  /** Null: this process's own. A text: why it cannot be. */
  readonly user: CommandUser | null | string;
  readonly timeoutMs: number;
  readonly environment: Readonly<Record<string, string>>;
}

export interface LatestProgramOptions {
  /** What it is told of. */
  readonly name: string;
  readonly run: RunCommand;
  readonly log: Log;
  /** Nothing runs any more, and nothing waits to be run. */
  readonly onIdle?: () => void;
}

export class LatestProgram {
  private readonly options: LatestProgramOptions;
  /** What is told when the program that runs has ended. */
  private waiting: Notice | null = null;
  /** What is being told; null: nothing. */
  private telling: string | null = null;
  private running: RunningCommand | null = null;
  private whenIdle: (() => void)[] = [];

  constructor(options: LatestProgramOptions) {
    this.options = options;
  }

  /** So it is now. `notice`: what is run for it; null: nothing. */
  handle(state: string, notice: Notice | null): void {
    this.dropWaiting(`${state} followed`);
    // What is told again while it is being told has not changed.
    if (notice === null || state === this.telling) return;
    this.waiting = notice;
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
    this.options.log.info(`${this.options.name}: ${waiting.command[0]} for ${waiting.state} is not run: ${why}`);
  }

  private endRunning(why: string): void {
    if (this.running === null) return;
    this.options.log.warn(`${this.options.name}: the program for ${this.telling} is ended: ${why}`);
    this.running.end();
  }

  private async runAll(): Promise<void> {
    for (let notice = this.waiting; notice !== null; notice = this.waiting) {
      this.waiting = null;
      this.telling = notice.state;
      await this.runOne(notice);
    }
    this.telling = null;
    for (const resolve of this.whenIdle.splice(0)) resolve();
    this.options.onIdle?.();
  }

  private async runOne({ state, command, user, timeoutMs, environment }: Notice): Promise<void> {
    const { name, run, log } = this.options;
    const what = `${name}: ${command[0]} for ${state}`;
    if (typeof user === 'string') {
      log.error(`${what} is not run: ${user}`);
      return;
    }
    const running = run({ command, user, timeoutMs, environment });
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
