/**
 * Places on the status board for things that are known by name. A server or a listener keeps its place for as long as a
 * configuration has it, whatever is added, removed or reordered around it, so that its counters, its health and the
 * connections in use stay its own. Pure.
 *
 * A place that was given up rests until nobody can mean its former owner by it any more: until every reader has acknowledged
 * a later generation, and the place is quiet (no connection is counted there). Its epoch grows each time it is given anew, so
 * that a report about the former owner is known to be one.
 */
import { assert } from '../base/assert.ts';

/** One place as who means it has it: another owner of the same slot has another epoch. */
export interface Place {
  readonly slot: number;
  readonly epoch: number;
}

/** `count` places in a row, from `first`. */
export interface SlotRange {
  readonly first: number;
  readonly count: number;
  /** How often `first` had been given before. */
  readonly epoch: number;
}

/** What `SlotTable.propose` would do. */
export interface Proposal {
  readonly ranges: ReadonlyMap<string, SlotRange>;
  /** Does it. Only the newest proposal may be carried out, and once. */
  commit(): void;
}

interface Resting {
  /** Its former owner's; null: that is not known. */
  readonly name: string | null;
  readonly range: SlotRange;
  /** The first generation without it. */
  readonly since: number;
}

/** A place that was given up, and is nobody else's yet. */
export interface LeftPlace extends Resting {
  readonly name: string;
}

export class SlotTable {
  readonly capacity: number;
  /** Places that were ever given lie below this. */
  used = 0;
  private owned = new Map<string, SlotRange>();
  private resting: Resting[] = [];
  private readonly acknowledged = new Map<number, number>();

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Before the first proposal: who has which place already, each a single one. Others below `used` rest until they are quiet. */
  restore(places: ReadonlyMap<string, number>, used: number): void {
    const taken = new Set(places.values());
    this.owned = new Map(Array.from(places, ([name, slot]) => [name, rangeOf(slot)]));
    this.used = used;
    this.resting = Array.from({ length: used }, (_, slot) => slot)
      .filter((slot) => !taken.has(slot))
      .map((slot) => ({ name: null, range: rangeOf(slot), since: 0 }));
  }

  /**
   * The places of `wanted` (how many each of these names needs) from `generation` on, which is higher than before. A name
   * that had as many keeps them. Null: there is not enough room.
   */
  propose(
    wanted: ReadonlyMap<string, number>,
    generation: number,
    isQuiet: (range: SlotRange) => boolean,
  ): Proposal | null {
    const owned = new Map<string, SlotRange>();
    const kept = new Set<SlotRange>();
    let { used } = this;
    const reusable = this.reusable(isQuiet);
    for (const [name, count] of wanted) {
      const own = this.owned.get(name);
      if (own?.count === count) {
        owned.set(name, own);
        kept.add(own);
      }
    }
    for (const [name, count] of wanted) {
      if (owned.has(name)) continue;
      const range = reusable.get(count)?.pop();
      if (range !== undefined) {
        owned.set(name, { ...range, epoch: range.epoch + 1 });
        kept.add(range);
        continue;
      }
      if (used + count > this.capacity) return null;
      owned.set(name, { first: used, count, epoch: 0 });
      used += count;
    }
    const commit = (): void => {
      this.resting = this.resting.filter(({ range }) => !kept.has(range));
      for (const [name, range] of this.owned) {
        if (!kept.has(range)) this.resting.push({ name, range, since: generation });
      }
      this.owned = owned;
      this.used = used;
    };
    return { ranges: owned, commit };
  }

  /** `reader` no longer uses anything of before `generation`. A reader counts from its first acknowledgement on. */
  acknowledge(reader: number, generation: number): void {
    assert(generation >= (this.acknowledged.get(reader) ?? generation), 'generations only grow');
    this.acknowledged.set(reader, generation);
  }

  /** `reader` is gone, and uses nothing any more. */
  forget(reader: number): void {
    this.acknowledged.delete(reader);
  }

  /** Quiet or not. */
  get left(): readonly LeftPlace[] {
    return this.resting.filter((one): one is LeftPlace => one.name !== null);
  }

  /** By how many there are in a row, those that have rested for longest last. */
  private reusable(isQuiet: (range: SlotRange) => boolean): ReadonlyMap<number, SlotRange[]> {
    const byCount = new Map<number, SlotRange[]>();
    // By all readers.
    const acknowledged = Math.min(...this.acknowledged.values());
    for (const { range, since } of this.resting.toReversed()) {
      if (since > acknowledged || !isQuiet(range)) continue;
      const known = byCount.get(range.count);
      if (known === undefined) byCount.set(range.count, [range]);
      else known.push(range);
    }
    return byCount;
  }
}

function rangeOf(first: number): SlotRange {
  return { first, count: 1, epoch: 0 };
}
