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

const NOTHING: Counts = { requests: 0, failed: 0 };

export class ErrorWatch {
  /** Of the last minute. */
  private samples: Sample[] = [];
  private isLooking = false;
  /** The share that failed before the change. */
  private before = 0;
  /** Behind it. */
  private since = NOTHING;

  /** Counts that are less than the last ones are of a program that began anew, or one of its listeners is gone: what is between them is not known. */
  handleCounts({ failed, requests }: Counts, nowMs: number): void {
    const last = this.samples.at(-1);
    const isLess = last !== undefined && (requests < last.requests || failed < last.failed);
    if (isLess) this.samples = [];
    else if (last !== undefined && this.isLooking) {
      const { since } = this;
      this.since = {
        requests: since.requests + requests - last.requests,
        failed: since.failed + failed - last.failed,
      };
    }
    this.samples.push({ requests, failed, atMs: nowMs });
    this.samples = this.samples.filter(({ atMs }) => nowMs - atMs <= BEFORE_MS);
  }

  /** From now on it is looked whether they rise. */
  begin(): void {
    const { samples } = this;
    const [first = NOTHING] = samples;
    const last = samples.at(-1) ?? NOTHING;
    this.before = shareOf({ requests: last.requests - first.requests, failed: last.failed - first.failed });
    this.since = NOTHING;
    this.isLooking = true;
  }

  end(): void {
    this.isLooking = false;
    this.since = NOTHING;
  }

  /** How they rise, for people. Null: they do not. */
  get rise(): string | null {
    const { before, since } = this;
    const share = shareOf(since);
    if (since.failed < FAILED_MIN || share <= TIMES * before + MORE) return null;
    return `${percent(share)} of the requests are answered with a 5xx, and ${percent(before)} were before`;
  }
}

function shareOf({ failed, requests }: Counts): number {
  return failed / Math.max(1, requests);
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}
