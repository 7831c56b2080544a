/**
 * Follows the number in a file by reading it ten times a second, however it is replaced, and where nobody tells of changes. Reads
 * are made elsewhere than on this process's loop: a disk that does not answer holds nothing up, and the last number counts on.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemReason } from '../../base/system-error.ts';
import type { FilePlan } from '../../config/plan/ha.ts';
import { parseTrackedNumber } from '../../core/track/file.ts';
import type { Log } from '../log/log.ts';
import type { WatchMemory } from './heritage.ts';
import { LOOK_INTERVAL_MS } from './look-watch.ts';
import { readStart } from './number-file.ts';
import { Verdict, type Watch, type WatchStatus } from './watch.ts';

export class FileWatch implements Watch {
  private readonly name: string;
  private readonly plan: FilePlan;
  private readonly log: Log;
  private readonly now: () => number;
  private readonly verdict = new Verdict();
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  /** `now`: milliseconds of a monotonic clock. */
  constructor(name: string, plan: FilePlan, log: Log, now: () => number) {
    this.name = name;
    this.plan = plan;
    this.log = log;
    this.now = now;
  }

  /** Of a predecessor it counts that there was one, which has written what is written at first. What the number was is in the file. */
  start(onVerdict: (isUp: boolean) => void, memory: WatchMemory | null): void {
    this.verdict.start(this.now(), onVerdict, null);
    void this.follow(memory === null);
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  status(): WatchStatus {
    return this.verdict.status();
  }

  private async follow(isFirst: boolean): Promise<void> {
    if (isFirst) await this.initialise();
    await this.look();
  }

  private async look(): Promise<void> {
    const { path } = this.plan;
    const { text, problem } = await readStart(path);
    if (this.isStopped) return;
    const before = this.verdict.status().value;
    const value = parseTrackedNumber(text) ?? before ?? 0;
    const detail = problem === null ? `it says ${value}` : `it counts as 0: ${problem}`;
    if (this.verdict.handle(this.now(), true, detail, value) && before !== null) {
      this.log.info(`${this.name}: it said ${before}, and ${detail}`);
    }
    this.timer = setTimeout(() => void this.look(), LOOK_INTERVAL_MS);
  }

  private async initialise(): Promise<void> {
    const { path, init } = this.plan;
    if (init === null) return;
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, `${init.value}\n`, { flag: init.isOverwriting ? 'w' : 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
      this.log.error(`${this.name}: it cannot be written (${systemReason(error)})`);
    }
  }
}
