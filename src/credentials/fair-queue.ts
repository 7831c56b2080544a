/** What waits for its turn, by whose it is: each of them in turn, whoever has more. Bounded; of what is too much, it falls on who has the most. */
export class FairQueue<T> {
  private readonly itemsMax: number;
  private readonly byOwner = new Map<string, T[]>();
  private count = 0;

  constructor(itemsMax: number) {
    this.itemsMax = itemsMax;
  }

  /** The item that is to be given up for it: the last one of who has the most, which may be itself. Null: there is room. */
  push(owner: string, item: T): T | null {
    const own = this.byOwner.get(owner);
    if (own === undefined) this.byOwner.set(owner, [item]);
    else own.push(item);
    if (++this.count <= this.itemsMax) return null;
    let most = owner;
    for (const [name, { length }] of this.byOwner) if (length > this.byOwner.get(most)!.length) most = name;
    const items = this.byOwner.get(most)!;
    const dropped = items.pop() as T;
    if (items.length === 0) this.byOwner.delete(most);
    this.count--;
    return dropped;
  }

  /** Whose turn it is goes to the end. Null: it is empty. */
  shift(): T | null {
    for (const [owner, items] of this.byOwner) {
      const item = items.shift() as T;
      this.byOwner.delete(owner);
      if (items.length > 0) this.byOwner.set(owner, items);
      this.count--;
      return item;
    }
    return null;
  }
}
