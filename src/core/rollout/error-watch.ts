/**
 * Whether requests fail more often than before. Pure: counts come in, as they are at a time.
 *
 * Errors rise when, since the change, at least `FAILED_MIN` requests have failed, and these are a larger share than twice the one before and
 * one of a hundred more: a site that never fails is stopped at one of a hundred, and one of which a tenth fails at a fifth.
 */
export interface Counts {
  readonly requests: number;
  /** Of these, answered with a 5xx. */
  readonly failed: number;
}

export const FAILED_MIN = 10;
const BEFORE_MS = 60_000;
const TIMES = 2;
const MORE = 0.01;

interface Sample extends Counts {
  readonly atMs: number;
}

export class ErrorWatch {
  /** Of the last minute before the change, and from then on all. */
  private samples: Sample[] = [];
  /** The last one before the change; null: nothing has changed. */
  private change: Sample | null = null;

  /** Counts of a program that began anew are less than before: what was is forgotten. */
  handleCounts({ failed, requests }: Counts, nowMs: number): void {
    const last = this.samples.at(-1);
    if (last !== undefined && requests < last.requests) {
      this.samples = [];
      if (this.change !== null) this.change = { requests: 0, failed: 0, atMs: nowMs };
    }
    this.samples.push({ requests, failed, atMs: nowMs });
    if (this.change === null) this.samples = this.samples.filter(({ atMs }) => nowMs - atMs <= BEFORE_MS);
    else this.samples = [this.samples[0], this.samples.at(-1)!];
  }

  /** From now on it is looked whether they rise. */
  begin(): void {
    this.change = this.samples.at(-1) ?? { requests: 0, failed: 0, atMs: 0 };
  }

  end(): void {
    this.change = null;
  }

  /** How they rise, for people. Null: they do not. */
  get rise(): string | null {
    const { change } = this;
    const last = this.samples.at(-1);
    const first = this.samples[0];
    if (change === null || last === undefined) return null;
    const failed = last.failed - change.failed;
    const share = failed / Math.max(1, last.requests - change.requests);
    const before = Math.max(0, change.failed - first.failed) / Math.max(1, change.requests - first.requests);
    if (failed < FAILED_MIN || share <= TIMES * before + MORE) return null;
    return `${percent(share)} of the requests are answered with a 5xx, and ${percent(before)} were before`;
  }
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}
