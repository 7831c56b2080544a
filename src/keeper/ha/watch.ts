/** Something that is watched: what they all have in common, whoever tells and however often. */
import { judgeNumber } from '../../core/track/file.ts';
import type { WatchMemory } from './heritage.ts';

export interface Watch {
  /** Begins; `onVerdict` is called at the first verdict and at every change. `memory`: the verdict so far; null: none. */
  start(onVerdict: (isUp: boolean) => void, memory: WatchMemory | null): void;
  stop(): void;
  status(): WatchStatus;
}

/** Times are milliseconds of the keeper's monotonic clock. */
export interface WatchStatus {
  /** Null: no verdict yet. */
  readonly isUp: boolean | null;
  /** The number in a file, which means to each router what its weight says; null: the verdict is all there is. */
  readonly value: number | null;
  /** Since when the verdict is what it is. */
  readonly sinceMs: number;
  /** When it was last looked at; null: never. */
  readonly seenMs: number | null;
  /** What was seen last, for people: `exit code 1`. */
  readonly detail: string;
}

/** The verdict of a watch as it changes. */
export class Verdict {
  private isUp: boolean | null = null;
  private value: number | null = null;
  private sinceMs = 0;
  private seenMs: number | null = null;
  private detail = 'not seen yet';
  private onVerdict: (isUp: boolean) => void = () => undefined;

  start(nowMs: number, onVerdict: (isUp: boolean) => void, memory: WatchMemory | null): void {
    this.sinceMs = nowMs;
    this.onVerdict = onVerdict;
    if (memory === null) return;
    const { isUp, sinceAgeMs, detail } = memory;
    this.isUp = isUp;
    this.sinceMs = nowMs - sinceAgeMs;
    this.detail = detail;
    onVerdict(isUp);
  }

  /** True if the verdict is now another one; null is none yet. */
  handle(nowMs: number, isUp: boolean | null, detail: string, value: number | null = null): boolean {
    this.seenMs = nowMs;
    this.detail = detail;
    if (isUp === null || (isUp === this.isUp && value === this.value)) return false;
    this.isUp = isUp;
    this.value = value;
    this.sinceMs = nowMs;
    this.onVerdict(isUp);
    return true;
  }

  status(): WatchStatus {
    const { isUp, value, sinceMs, seenMs, detail } = this;
    return { isUp, value, sinceMs, seenMs, detail };
  }
}

/** What it says to a router that has it with this weight. */
export function verdictFor({ isUp, value }: WatchStatus, weight: number): { isUp: boolean | null; amount?: number } {
  return value === null ? { isUp } : judgeNumber(value, weight);
}
