/** Whether adverts leave this machine. One that is not heard by anybody must not stay active beside one that is. */
import { DOWN_ADVERTS } from './intervals.ts';
import type { Observer } from './observer.ts';

export class Sending {
  /** Why they do not; null: they do. */
  problem: string | null = null;
  private sinceUs = Number.NEGATIVE_INFINITY;
  private readonly observer: Observer;

  constructor(observer: Observer) {
    this.observer = observer;
  }

  handle(problem: string | null, nowUs: number): void {
    if (problem === null) {
      this.problem = null;
      return;
    }
    if (this.problem === null) this.sinceUs = nowUs;
    this.problem = problem;
    this.observer.note('unsent', () => `this machine does not send adverts: ${problem}`, nowUs);
  }

  /** None has left for as long as peers wait for one. */
  isMute(intervalUs: number, nowUs: number): boolean {
    return this.problem !== null && nowUs - this.sinceUs >= DOWN_ADVERTS * intervalUs;
  }
}
