/**
 * What the log says, for who asks the admin API: the last events in a ring, each with a cursor. Whoever follows reads the ring at their own pace;
 * who is too slow is told how many they have missed.
 */
import type { EventView } from '../../api/events.ts';
import { redacted } from '../../config/redact.ts';
import type { LogLevel } from '../../port/control.ts';
import type { Log, LogDetails } from '../log/log.ts';
import { NotNowError } from './app.ts';

const EVENTS_MAX = 1_000;
const FOLLOWERS_MAX = 64;
/** Nobody takes the places of all others. */
const FOLLOWERS_OF_ONE_MAX = 16;
/** So that who follows knows that this end is there, and this end that they are. */
const HEARTBEAT_MS = 15_000;

interface Follower {
  /** By token or user; null: by none. */
  readonly by: string | null;
  /** Nobody reads any more. */
  hasLeft: boolean;
  /** Null: it does not wait. */
  wake: (() => void) | null;
}

export class Events {
  /** A cursor of another process is none of this one's. */
  private readonly boot: string;
  private readonly now: () => number;
  private readonly ring: EventView[] = [];
  /** How many there have been. */
  private count = 0;
  private readonly followers = new Set<Follower>();
  private isClosed = false;

  /** `now`: milliseconds since 1970. */
  constructor(now: () => number) {
    this.now = now;
    this.boot = Math.floor(now()).toString(36);
  }

  /** The same log, of which this hears everything. */
  over(log: Log): Log {
    const put = (level: LogLevel, message: string, details: LogDetails | undefined): void => {
      log[level](message, details);
      this.push(level, message, details ?? {});
    };
    return {
      info: (message, details) => put('info', message, details),
      warn: (message, details) => put('warn', message, details),
      error: (message, details) => put('error', message, details),
    };
  }

  /** Those behind the cursor, the oldest first; all that there are if it is another process's. */
  after(cursor: string | null, limit: number): { readonly events: readonly EventView[]; readonly missed: number } {
    const wanted = this.numberOf(cursor);
    const first = this.count - this.ring.length;
    const begin = Math.max(wanted, first);
    const events = this.ring.slice(begin - first, begin - first + limit);
    return { events, missed: begin - wanted };
  }

  /**
   * As server-sent events. `by`: who follows, as whoever lets them in calls them. Counts from the first that is read until this
   * process gives way, or whoever reads it goes. Throws if too many follow already.
   */
  follow(cursor: string | null, by: string | null): AsyncIterable<string> {
    if (this.followers.size >= FOLLOWERS_MAX)
      throw new NotNowError(`${FOLLOWERS_MAX} follow already, which is as many as may`);
    const own = [...this.followers].filter((each) => each.by === by).length;
    if (own >= FOLLOWERS_OF_ONE_MAX)
      throw new NotNowError(`${own} follow already with this token or as this user, which is as many as may`);
    const follower: Follower = { by, hasLeft: false, wake: null };
    const stream = this.stream(cursor, follower);
    const leave = (): Promise<IteratorResult<string, void>> => {
      follower.hasLeft = true;
      follower.wake?.();
      return stream.return();
    };
    return { [Symbol.asyncIterator]: () => ({ next: () => stream.next(), return: leave }) };
  }

  /** Whoever follows is to ask again: another process is in charge. */
  close(): void {
    this.isClosed = true;
    this.wake();
  }

  private async *stream(cursor: string | null, follower: Follower): AsyncGenerator<string, void> {
    this.followers.add(follower);
    try {
      let at = cursor;
      yield ': evenkeel\n\n';
      while (!this.isClosed && !follower.hasLeft) {
        const { events, missed } = this.after(at, EVENTS_MAX);
        if (missed > 0) yield `event: missed\ndata: ${JSON.stringify({ count: missed })}\n\n`;
        for (const event of events) yield `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
        at = events.at(-1)?.id ?? at ?? this.idOf(this.count);
        if (events.length === 0 && !(await another(follower))) yield ': still here\n\n';
      }
    } finally {
      this.followers.delete(follower);
    }
  }

  private push(level: LogLevel, message: string, details: LogDetails): void {
    this.count++;
    const id = this.idOf(this.count);
    const shown = redacted({ message, details }) as Pick<EventView, 'message' | 'details'>;
    this.ring.push({ id, at: new Date(this.now()).toISOString(), level, ...shown });
    if (this.ring.length > EVENTS_MAX) this.ring.shift();
    this.wake();
  }

  private wake(): void {
    for (const { wake } of this.followers) wake?.();
  }

  private idOf(number: number): string {
    return `${this.boot}.${number}`;
  }

  /** How many whoever has this cursor has seen. */
  private numberOf(cursor: string | null): number {
    const [boot, number] = (cursor ?? '').split('.');
    const seen = Number(number);
    if (boot !== this.boot || !Number.isInteger(seen) || seen < 0) return this.count - this.ring.length;
    return Math.min(seen, this.count);
  }
}

/** Resolves when it is woken; false: it was not for a while. */
function another(follower: Follower): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (is: boolean): void => {
      clearTimeout(timer);
      follower.wake = null;
      resolve(is);
    };
    const timer = setTimeout(() => end(false), HEARTBEAT_MS).unref();
    follower.wake = () => end(true);
  });
}
