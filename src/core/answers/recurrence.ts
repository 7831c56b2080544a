/**
 * What happens again and again, told seldom: the first of its kind at once, and then, while there are more, one line a minute
 * with their number. Pure: reports and the time come in, what to tell comes out. As bounded as the keys that come in.
 */

/** From one telling of a kind to the next. */
export const TELL_INTERVAL_MS = 60_000;

export interface Telling<T> {
  readonly subject: T;
  readonly count: number;
  /** In which time; 0: it is the first. */
  readonly withinMs: number;
  /** One of them, for who wants to look closer. */
  readonly sample: string;
}

interface Pending<T> {
  readonly subject: T;
  count: number;
  sample: string;
  sinceMs: number;
}

export class Recurrence<T> {
  private readonly pending = new Map<string, Pending<T>>();

  /** It happened `count` times more. What to tell now, or null. */
  handle(now: number, key: string, subject: T, count: number, sample: string): Telling<T> | null {
    const known = this.pending.get(key);
    if (known !== undefined) {
      known.count += count;
      known.sample = sample;
      return null;
    }
    this.pending.set(key, { subject, count: 0, sample: '', sinceMs: now });
    return { subject, count, withinMs: 0, sample };
  }

  /** What is due. What was quiet for a whole interval is forgotten, so that its next is a first one again. */
  due(now: number): Telling<T>[] {
    const tellings: Telling<T>[] = [];
    for (const [key, each] of this.pending) {
      const withinMs = now - each.sinceMs;
      if (withinMs < TELL_INTERVAL_MS) continue;
      if (each.count === 0) {
        this.pending.delete(key);
        continue;
      }
      tellings.push({ subject: each.subject, count: each.count, withinMs, sample: each.sample });
      each.count = 0;
      each.sample = '';
      each.sinceMs = now;
    }
    return tellings;
  }

  /** When `due` should be called next. Infinity: when something else has come in. */
  get nextDeadline(): number {
    let deadline = Infinity;
    for (const { sinceMs } of this.pending.values()) deadline = Math.min(deadline, sinceMs + TELL_INTERVAL_MS);
    return deadline;
  }
}
