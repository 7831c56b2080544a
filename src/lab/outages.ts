/** What a client went through: in which stretches of time requests failed. Pure; requests come in the order they began. */

/** How a request ended. */
export const OUTCOMES = ['answered', 'refused', 'reset', 'no answer', 'wrong answer', 'unreachable'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Outage {
  /** When the first request began that failed. */
  readonly fromMs: number;
  /** When the first request began that was answered again; null: none was yet. */
  toMs: number | null;
  failed: number;
  /** How many failed in which way. */
  readonly outcomes: Partial<Record<Outcome, number>>;
}

export class Outages {
  readonly all: Outage[] = [];
  answered = 0;
  failed = 0;
  private current: Outage | null = null;
  private lastMs = Number.NaN;
  /** The longest time between the starts of two requests: the client sees no outage that is shorter. */
  blindMs = 0;

  add(startedMs: number, outcome: Outcome): void {
    this.blindMs = Math.max(this.blindMs, Number.isNaN(this.lastMs) ? 0 : startedMs - this.lastMs);
    this.lastMs = startedMs;
    if (outcome === 'answered') {
      this.answered++;
      if (this.current !== null) this.current.toMs = startedMs;
      this.current = null;
      return;
    }
    this.failed++;
    if (this.current === null) {
      this.current = { fromMs: startedMs, toMs: null, failed: 0, outcomes: {} };
      this.all.push(this.current);
    }
    this.current.failed++;
    this.current.outcomes[outcome] = (this.current.outcomes[outcome] ?? 0) + 1;
  }

  /** Requests fail now. */
  get isDown(): boolean {
    return this.current !== null;
  }

  longestMs(nowMs: number): number {
    return this.all.reduce((longest, outage) => Math.max(longest, lengthOf(outage, nowMs)), 0);
  }

  totalMs(nowMs: number): number {
    return this.all.reduce((total, outage) => total + lengthOf(outage, nowMs), 0);
  }

  /** `3,601 no answer, 12 refused` */
  outcomes(): Partial<Record<Outcome, number>> {
    const sum: Partial<Record<Outcome, number>> = {};
    for (const { outcomes } of this.all) {
      for (const [outcome, count] of Object.entries(outcomes) as [Outcome, number][]) {
        sum[outcome] = (sum[outcome] ?? 0) + count;
      }
    }
    return sum;
  }
}

export function lengthOf({ fromMs, toMs }: Outage, nowMs: number): number {
  return (toMs ?? nowMs) - fromMs;
}
