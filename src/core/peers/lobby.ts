/**
 * Who has connected and has not shown a key yet. There is room for so many. Beyond that somebody goes for whoever comes: of the address that
 * has the most the one that waits longest, and nobody from an address of a peer as long as there are others. So strangers push out each other.
 */
interface Visitor<T> {
  readonly visitor: T;
  readonly address: string;
  readonly isExpected: boolean;
}

export class Lobby<T> {
  private readonly room: number;
  /** Whoever came first is first. */
  private readonly visitors = new Map<string, Visitor<T>>();

  constructor(room: number) {
    this.room = room;
  }

  /** `isExpected`: peers have this address. Returns who has to go; null: nobody. */
  enter(key: string, visitor: T, address: string, isExpected: boolean): T | null {
    this.visitors.set(key, { visitor, address, isExpected });
    if (this.visitors.size <= this.room) return null;
    const leaving = this.choose();
    const { visitor: gone } = this.visitors.get(leaving) as Visitor<T>;
    this.visitors.delete(leaving);
    return gone;
  }

  /** It has shown its key, or is gone. */
  leave(key: string): void {
    this.visitors.delete(key);
  }

  private choose(): string {
    const all = [...this.visitors];
    const others = all.filter(([, { isExpected }]) => !isExpected);
    const candidates = others.length === 0 ? all : others;
    const counts = new Map<string, number>();
    for (const [, { address }] of candidates) counts.set(address, (counts.get(address) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const [key] = candidates.find(([, { address }]) => counts.get(address) === most) as [string, Visitor<T>];
    return key;
  }
}
