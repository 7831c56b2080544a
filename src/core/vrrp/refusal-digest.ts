/**
 * Refused adverts as the machine is told of them: the first ones at once, and then once a second, by reason, with their
 * number. A flood costs a counter for each packet, and a text for each reason and second.
 */
import { formatIP } from '../../base/address.ts';
import type { RouterEvent } from './events.ts';
import { US_PER_S } from './intervals.ts';
import { type Refusal, REFUSALS, refusalText } from './refusals.ts';

const GAP_US = US_PER_S;

export class RefusalDigest {
  /** When the next tick is due. */
  deadlineUs = Number.POSITIVE_INFINITY;
  /** How many there are of each, and how many of them were told. */
  private readonly totals: Readonly<Record<Refusal, number>>;
  private readonly told: Record<Refusal, number>;
  /** Of each, the first one that was not told. */
  private readonly firsts = new Map<Refusal, { readonly from: string; readonly leadUs: number }>();
  private toldUs = Number.NEGATIVE_INFINITY;

  constructor(totals: Readonly<Record<Refusal, number>>) {
    this.totals = totals;
    this.told = { ...totals };
  }

  /** One was refused, and has been counted. `leadUs`: of a stale one, by what its clock is ahead of this one. */
  note(reason: Refusal, source: Uint8Array, nowUs: number, leadUs: number): void {
    if (this.firsts.has(reason)) return;
    this.firsts.set(reason, { from: formatIP(source), leadUs });
    this.deadlineUs = Math.max(nowUs, this.toldUs + GAP_US);
  }

  /** What the machine is to be told. */
  tick(nowUs: number): RouterEvent[] {
    if (nowUs < this.deadlineUs) return [];
    this.deadlineUs = Number.POSITIVE_INFINITY;
    this.toldUs = nowUs;
    const events = REFUSALS.flatMap((reason): RouterEvent[] => {
      const first = this.firsts.get(reason);
      if (first === undefined) return [];
      const count = this.totals[reason] - this.told[reason];
      this.told[reason] = this.totals[reason];
      return [{ kind: 'refused', reason, from: first.from, why: refusalText(reason, first.leadUs), count }];
    });
    this.firsts.clear();
    return events;
  }
}
