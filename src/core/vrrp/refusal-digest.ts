/**
 * Refused adverts as the machine is told of them: the first ones at once, and then once a second, by reason, with their
 * number. A flood costs a counter for each packet, and a text for each reason and second.
 */
import { formatIP } from '../../base/address.ts';
import type { RouterEvent } from './events.ts';
import { US_PER_S } from './intervals.ts';
import { type Refusal, REFUSALS } from './refusals.ts';

const GAP_US = US_PER_S;

export class RefusalDigest {
  /** When the next tick is due. */
  deadlineUs = Number.POSITIVE_INFINITY;
  /** How many there are of each, and how many of them were told. */
  private readonly totals: Readonly<Record<Refusal, number>>;
  private readonly told: Record<Refusal, number>;
  /** Where the first one came from that was not told. */
  private readonly senders = new Map<Refusal, string>();
  private toldUs = Number.NEGATIVE_INFINITY;

  constructor(totals: Readonly<Record<Refusal, number>>) {
    this.totals = totals;
    this.told = { ...totals };
  }

  /** One was refused, and has been counted. */
  note(reason: Refusal, source: Uint8Array, nowUs: number): void {
    if (this.senders.has(reason)) return;
    this.senders.set(reason, formatIP(source));
    this.deadlineUs = Math.max(nowUs, this.toldUs + GAP_US);
  }

  /** What the machine is to be told. */
  tick(nowUs: number): RouterEvent[] {
    if (nowUs < this.deadlineUs) return [];
    this.deadlineUs = Number.POSITIVE_INFINITY;
    this.toldUs = nowUs;
    const events = REFUSALS.flatMap((reason): RouterEvent[] => {
      const from = this.senders.get(reason);
      if (from === undefined) return [];
      const count = this.totals[reason] - this.told[reason];
      this.told[reason] = this.totals[reason];
      return [{ kind: 'refused', reason, from, count }];
    });
    this.senders.clear();
    return events;
  }
}
