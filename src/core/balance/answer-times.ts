/**
 * How long the endpoints of one tier take to answer, as one proxy has seen it: for each a mean that new times change, and that is
 * forgotten while nobody asks.
 *
 * A slow endpoint gets nothing, and so nobody would ever learn that it has become quick: half of what is known of it is forgotten in each HALF_LIFE_MS since
 * it was picked last, until its turn comes. With that turn what was known counts again, so that one that is silent by now gets one try, and
 * not all there are. Of what nothing is known is thought to be as quick as the quickest.
 */
import type { Endpoint } from './balancer.ts';
import type { Tier } from './tier.ts';

/** A new time counts for one part in so many, and for more the longer there was none. */
const MEMORY = 16;
export const HALF_LIFE_MS = 1000;
const MS_MAX = 1e9;

interface Answers {
  readonly identity: string;
  /** NaN: none has come yet. */
  meanMs: number;
  notedAt: number;
  /** Picked, or heard of. */
  usedAt: number;
}

export class AnswerTimes {
  /** By position. */
  private readonly all: readonly Answers[];
  private readonly bySlot: ReadonlyMap<number, Answers>;
  private unknownCount: number;
  /** While there are unknown ones: what is thought of them. */
  private leastMs = 0;

  /** What `previous` knew of an endpoint that is where it was holds on. */
  constructor(tier: Tier, endpoints: readonly Endpoint[], previous: AnswerTimes | null) {
    this.all = Array.from(tier.numbers, (number) => {
      const { slot, identity } = endpoints[number];
      const known = previous?.bySlot.get(slot);
      return known?.identity === identity ? known : { identity, meanMs: NaN, notedAt: 0, usedAt: 0 };
    });
    this.bySlot = new Map(this.all.map((answers, position) => [tier.slots[position], answers]));
    this.unknownCount = this.all.filter(isUnknown).length;
    this.leastMs = this.findLeast();
  }

  /** The endpoint in this slot has answered after so long. */
  note(slot: number, now: number, tookMs: number): void {
    const answers = this.bySlot.get(slot);
    if (answers === undefined) return;
    const before = answers.meanMs;
    if (isUnknown(answers)) {
      this.unknownCount--;
      answers.meanMs = tookMs;
    } else {
      const kept = (1 - 1 / MEMORY) * keptFrom(answers.notedAt, now);
      answers.meanMs = tookMs + (answers.meanMs - tookMs) * kept;
    }
    answers.notedAt = now;
    answers.usedAt = now;
    if (this.unknownCount === 0) return;
    if (answers.meanMs <= this.leastMs) this.leastMs = answers.meanMs;
    // only the quickest can make it longer
    else if (before === this.leastMs) this.leastMs = this.findLeast();
  }

  handlePick(position: number, now: number): void {
    this.all[position].usedAt = now;
  }

  /** In whole milliseconds, 1 or more: what differs by less is the same. */
  expectedMs(position: number, now: number): number {
    const answers = this.all[position];
    // where nothing is known of any it is the same for all
    const ms = isUnknown(answers) ? this.leastMs : answers.meanMs * keptFrom(answers.usedAt, now);
    return ms > 1 ? Math.min(Math.round(ms), MS_MAX) : 1;
  }

  private findLeast(): number {
    return this.all.reduce(
      (least, answers) => (isUnknown(answers) ? least : Math.min(least, answers.meanMs)),
      Infinity,
    );
  }
}

function isUnknown({ meanMs }: Answers): boolean {
  return Number.isNaN(meanMs);
}

function keptFrom(at: number, now: number): number {
  return 2 ** ((at - now) / HALF_LIFE_MS);
}
