/**
 * What a router's priority and its right to take part depend on: interfaces, scripts, processes, the data plane. Who
 * watches them, and how often, is not decided here; the verdicts come in.
 */
import { assert } from '../../base/assert.ts';
import { PRIORITY_OWNER } from '../../wire/vrrp/advert.ts';
import type { TrackedSettings } from './settings.ts';

/** The highest priority of a router that does not own the addresses (section 5.2.4). */
const PRIORITY_MAX = 254;

/**
 * Null: no verdict yet. What faults then holds the router back; what weighs does not weigh. Pending is what was added to a
 * router that takes part: until its first verdict it changes nothing.
 */
type Verdict = boolean | null | 'pending';

export class Tracking {
  private settings: readonly TrackedSettings[];
  private verdicts: Verdict[];
  /** What is added to the priority while there is a verdict; null: what the weight and the verdict say. */
  private amounts: (number | null)[];

  constructor(settings: readonly TrackedSettings[]) {
    this.settings = settings;
    this.verdicts = settings.map(() => null);
    this.amounts = settings.map(() => null);
  }

  /** Other things are tracked from now on. What has the name of one that was tracked is the same one. */
  apply(settings: readonly TrackedSettings[]): void {
    const known = new Map(this.settings.map(({ name }, i) => [name, this.verdicts[i]]));
    const amounts = new Map(this.settings.map(({ name }, i) => [name, this.amounts[i]]));
    this.settings = settings;
    this.amounts = settings.map(({ name }) => amounts.get(name) ?? null);
    this.verdicts = settings.map(({ name }) => {
      const verdict = known.get(name);
      return verdict === undefined ? 'pending' : verdict;
    });
  }

  /** With an amount, what is not up is a fault, whatever it weighs. */
  set(index: number, isUp: boolean, amount: number | null = null): void {
    assert(index >= 0 && index < this.settings.length, 'no such tracked thing');
    this.verdicts[index] = isUp;
    this.amounts[index] = amount;
  }

  /** The name of something that is down, or has no verdict yet, and of weight 0 or with an amount; or null. */
  get fault(): string | null {
    for (let i = 0; i < this.settings.length; i++) {
      const isUp = this.verdicts[i];
      const canFault = this.settings[i].weight === 0 || this.amounts[i] !== null;
      if (canFault && isUp !== true && isUp !== 'pending') return this.settings[i].name;
    }
    return null;
  }

  /** The priority with all weights, 1..254; an owner's is not changed by weights. */
  priority(base: number): number {
    if (base === PRIORITY_OWNER) return base;
    let priority = base;
    for (let i = 0; i < this.settings.length; i++) {
      const { weight } = this.settings[i];
      priority += this.amounts[i] ?? (this.verdicts[i] === weight > 0 ? weight : 0);
    }
    return Math.min(Math.max(priority, 1), PRIORITY_MAX);
  }

  /** Every tracked thing with its verdict, for people. */
  list(): { name: string; weight: number; isUp: boolean | null }[] {
    return this.settings.map(({ name, weight }, i) => {
      const isUp = this.verdicts[i];
      return { name, weight, isUp: isUp === 'pending' ? null : isUp };
    });
  }
}
