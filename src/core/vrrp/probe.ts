/**
 * Asking whether anybody holds the addresses before taking them: RFC 5227 section 2.1.1 (IPv4) and RFC 4862 section 5.4
 * (IPv6), at the pace of a failover. Three questions 40 ms apart and 70 ms for the last answer: those RFCs' seconds are
 * meant for a host that has all the time it wants.
 */
import { US_PER_S } from './intervals.ts';

const QUESTIONS = 3;
const SPACING_US = 40_000;
const ANSWER_US = 70_000;
/** All of it. */
export const PROBE_US = (QUESTIONS - 1) * SPACING_US + ANSWER_US;
/** After an answer: the holder may be a machine that is being switched off. */
const RETRY_US = US_PER_S;

export class Probe {
  private asked = 0;
  /** When something is due; Infinity while not probing, and when nobody answered. */
  deadlineUs = Number.POSITIVE_INFINITY;
  /** Everything was asked and nobody answered. */
  isClear = false;
  isRunning = false;
  /** It is clear although somebody answered. */
  isOverruled = false;

  start(nowUs: number): void {
    this.asked = 0;
    this.isClear = false;
    this.isOverruled = false;
    this.isRunning = true;
    this.deadlineUs = nowUs;
  }

  cancel(): void {
    this.isRunning = false;
    this.isClear = false;
    this.isOverruled = false;
    this.deadlineUs = Number.POSITIVE_INFINITY;
  }

  /** Somebody answered: ask again later. */
  handleAnswer(nowUs: number): void {
    this.start(nowUs);
    this.deadlineUs = nowUs + RETRY_US;
  }

  /** Whoever answered does not serve: as if nobody had. */
  overrule(): void {
    this.cancel();
    this.isClear = true;
    this.isOverruled = true;
  }

  /** Whether to ask now; if so it counts as asked. */
  shouldAsk(nowUs: number): boolean {
    if (nowUs < this.deadlineUs) return false;
    if (this.asked === QUESTIONS) {
      this.isRunning = false;
      this.isClear = true;
      this.deadlineUs = Number.POSITIVE_INFINITY;
      return false;
    }
    this.asked++;
    this.deadlineUs = nowUs + (this.asked === QUESTIONS ? ANSWER_US : SPACING_US);
    return true;
  }
}
