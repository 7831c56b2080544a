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

type Wanted = readonly (readonly [name: string, count: number])[];

/** Places for those that have none yet. */
interface Given {
  readonly ranges: ReadonlyMap<string, SlotRange>;
  /** They rest no more. */
  readonly taken: ReadonlySet<Resting>;
  /** What is left of those. */
  readonly rest: readonly Resting[];
  readonly used: number;
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
    for (const [name, count] of wanted) {
      const own = this.owned.get(name);
      if (own?.count === count) owned.set(name, own);
    }
    const others = [...wanted].filter(([name]) => !owned.has(name));
    const free = this.resting.filter(this.isReusable(isQuiet));
    const given = this.giveWhole(others, free) ?? this.givePieces(others, free);
    if (given === null) return null;
    const kept = new Set(owned.values());
    for (const [name, range] of given.ranges) owned.set(name, range);
    const commit = (): void => {
      this.resting = [...this.resting.filter((one) => !given.taken.has(one)), ...given.rest];
      for (const [name, range] of this.owned) {
        if (!kept.has(range)) this.resting.push({ name, range, since: generation });
      }
      this.owned = owned;
      this.used = given.used;
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

  private isReusable(isQuiet: (range: SlotRange) => boolean): (one: Resting) => boolean {
    // By all readers.
    const acknowledged = Math.min(...this.acknowledged.values());
    return ({ range, since }) => since <= acknowledged && isQuiet(range);
  }

  /** Places that were given in just such rows before, those first that have rested for longest, and new ones. */
  private giveWhole(wanted: Wanted, free: readonly Resting[]): Given | null {
    const byCount = new Map<number, Resting[]>();
    for (const one of free.toReversed()) {
      const known = byCount.get(one.range.count);
      if (known === undefined) byCount.set(one.range.count, [one]);
      else known.push(one);
    }
    const ranges = new Map<string, SlotRange>();
    const taken = new Set<Resting>();
    let { used } = this;
    for (const [name, count] of wanted) {
      const former = byCount.get(count)?.pop();
      if (former === undefined) {
        if (used + count > this.capacity) return null;
        ranges.set(name, { first: used, count, epoch: 0 });
        used += count;
      } else {
        taken.add(former);
        ranges.set(name, { ...former.range, epoch: former.range.epoch + 1 });
      }
    }
    return { ranges, taken, rest: [], used };
  }

  /** The same where there is room, but in other rows: of all that is free rows are made anew, and the longest are given first. */
  private givePieces(wanted: Wanted, free: readonly Resting[]): Given | null {
    const unused = { first: this.used, count: this.capacity - this.used, epoch: -1 };
    const rows: { first: number; count: number; epoch: number }[] = [];
    for (const { first, count, epoch } of [...free.map(({ range }) => range), unused].toSorted(
      (one, other) => one.first - other.first,
    )) {
      const row = rows.at(-1);
      if (row !== undefined && row.first + row.count === first) {
        row.count += count;
        row.epoch = Math.max(row.epoch, epoch);
      } else rows.push({ first, count, epoch });
    }
    const ranges = new Map<string, SlotRange>();
    for (const [name, count] of wanted.toSorted(([, one], [, other]) => other - one)) {
      const row = rows.find((each) => each.count >= count);
      if (row === undefined) return null;
      ranges.set(name, { first: row.first, count, epoch: row.epoch + 1 });
      row.first += count;
      row.count -= count;
    }
    const used = Math.max(this.used, ...Array.from(ranges.values(), ({ first, count }) => first + count));
    const rest = rows.flatMap(({ first, count, epoch }) => {
      const range = { first, count: Math.min(first + count, used) - first, epoch };
      return range.count > 0 ? [{ name: null, range, since: 0 }] : [];
    });
    return { ranges, taken: new Set(free), rest, used };
  }
}

function rangeOf(first: number): SlotRange {
  return { first, count: 1, epoch: 0 };
}
