/**
 * When to tell the segment where the addresses are now (gratuitous ARP, unsolicited neighbour advertisements).
 *
 * A frame that is lost leaves a cache wrong for minutes, so rounds are repeated, further and further apart: the second
 * one covers a last answer of a predecessor that had not yet heard of its successor, the next ones loss and ports that are
 * still learning, the later ones a spanning tree or a switch that came back, and the refresh everything else, for example
 * a rival that this router never heard. keepalived sends five at once and five after five seconds; at once, they share one
 * fate.
 */
import { US_PER_S } from './intervals.ts';

/** Rounds after an event, from the event on. */
const ROUNDS_US = [0, 5_000, 50_000, 250_000, US_PER_S, 5 * US_PER_S];
/** Between rounds when nothing happens. */
const REFRESH_US = 60 * US_PER_S;
/** A rival that advertises every 10 ms must not start a hundred bursts a second. */
const BURST_GAP_US = US_PER_S;

export class Announcer {
  private burstUs = Number.NEGATIVE_INFINITY;
  private nextRound = 0;
  /** When the next round is due; Infinity while there is nothing to announce. */
  deadlineUs = Number.POSITIVE_INFINITY;

  /** The addresses were just taken: a burst from now on. */
  begin(nowUs: number): void {
    this.burstUs = nowUs;
    this.nextRound = 0;
    this.deadlineUs = nowUs;
  }

  /** Someone may have learned otherwise: another burst, unless one began less than a second ago. */
  repeat(nowUs: number): void {
    if (nowUs - this.burstUs >= BURST_GAP_US) this.begin(nowUs);
  }

  /** The addresses are not held any more. */
  end(): void {
    this.burstUs = Number.NEGATIVE_INFINITY;
    this.deadlineUs = Number.POSITIVE_INFINITY;
  }

  /** Whether a round is due; if so it counts as sent. */
  isDue(nowUs: number): boolean {
    if (nowUs < this.deadlineUs) return false;
    do this.nextRound++;
    while (this.nextRound < ROUNDS_US.length && this.burstUs + ROUNDS_US[this.nextRound] <= nowUs);
    this.deadlineUs = this.nextRound < ROUNDS_US.length ? this.burstUs + ROUNDS_US[this.nextRound] : nowUs + REFRESH_US;
    return true;
  }
}
