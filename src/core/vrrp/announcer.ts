/**
 * When to tell the segment where the addresses are now (gratuitous ARP, unsolicited neighbour advertisements).
 *
 * A frame that is lost leaves a cache wrong for minutes, so rounds are repeated, further and further apart: the second
 * one covers a last answer of a predecessor that had not yet heard of its successor, the next ones loss and ports that are
 * still learning, the later ones a spanning tree or a switch that came back, and the refresh everything else, for example
 * a rival that this router never heard. keepalived sends five at once and five after five seconds; at once, they share one
 * fate.
 *
 * While anything says that somebody else has the addresses too, or had them until a moment ago, rounds go on each second:
 * a rival may turn caches at any time, and one that yields says nothing.
 */
import { US_PER_S } from './intervals.ts';

/** Rounds after an event, from the event on. */
const ROUNDS_US = [0, 5_000, 50_000, 250_000, US_PER_S, 5 * US_PER_S];
/** Between rounds when nothing happens. */
const REFRESH_US = 60 * US_PER_S;
/** Between rounds while the addresses are contested: a rival that advertises every 10 ms must not start a hundred a second. */
const CONTESTED_GAP_US = US_PER_S;
/** For how long after the last sign of a rival, in intervals and at least in time: keepalived repeats itself after 5 s. */
const CONTESTED_INTERVALS = 5;
const CONTESTED_US_MIN = 6 * US_PER_S;

/** After the last sign of a rival it may still be there for so long. */
export function contestedForUs(intervalUs: number): number {
  return Math.max(CONTESTED_INTERVALS * intervalUs, CONTESTED_US_MIN);
}

export class Announcer {
  private contestedForUs = 0;
  private burstUs = Number.NEGATIVE_INFINITY;
  private nextRound = 0;
  private contestedUntilUs = Number.NEGATIVE_INFINITY;
  /** When the next round is due; Infinity while there is nothing to announce. */
  deadlineUs = Number.POSITIVE_INFINITY;

  constructor(intervalUs: number) {
    this.apply(intervalUs);
  }

  /** The interval is another one now. */
  apply(intervalUs: number): void {
    this.contestedForUs = contestedForUs(intervalUs);
  }

  /** The addresses were just taken: a burst from now on. */
  begin(nowUs: number): void {
    this.burstUs = nowUs;
    this.nextRound = 0;
    this.deadlineUs = nowUs;
  }

  /** Somebody else has the addresses, or may have had them: a burst, unless one began less than a second ago, and rounds. */
  contest(nowUs: number): void {
    const isNew = nowUs >= this.contestedUntilUs;
    this.contestedUntilUs = nowUs + this.contestedForUs;
    if (isNew && nowUs - this.burstUs >= CONTESTED_GAP_US) this.begin(nowUs);
    else this.deadlineUs = Math.min(this.deadlineUs, nowUs + CONTESTED_GAP_US);
  }

  private isContested(nowUs: number): boolean {
    return nowUs < this.contestedUntilUs;
  }

  /** The addresses are not held any more. */
  end(): void {
    this.burstUs = Number.NEGATIVE_INFINITY;
    this.contestedUntilUs = Number.NEGATIVE_INFINITY;
    this.deadlineUs = Number.POSITIVE_INFINITY;
  }

  /** Whether a round is due; if so it counts as sent. */
  isDue(nowUs: number): boolean {
    if (nowUs < this.deadlineUs) return false;
    while (this.nextRound < ROUNDS_US.length && this.burstUs + ROUNDS_US[this.nextRound] <= nowUs) this.nextRound++;
    const nextUs = this.nextRound < ROUNDS_US.length ? this.burstUs + ROUNDS_US[this.nextRound] : nowUs + REFRESH_US;
    this.deadlineUs = this.isContested(nowUs) ? Math.min(nextUs, nowUs + CONTESTED_GAP_US) : nextUs;
    return true;
  }
}
