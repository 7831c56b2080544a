/** Whose turn it is to have a question asked, or a program run: so many at a time, of each asker no more than its share, and askers in turn. */

interface Turn {
  readonly asker: string;
  /** Null: it has begun. */
  begin: (() => void) | null;
}

export class Turns {
  private readonly max: number;
  private readonly share: number;
  /** By asker, whose turn it is next first. */
  private readonly waiting = new Map<string, Turn[]>();
  /** By asker. */
  private readonly begun = new Map<string, number>();
  private count = 0;

  /** `share`: of one asker. */
  constructor(max: number, share: number) {
    this.max = max;
    this.share = share;
  }

  /** Calls `begin` when it is its turn, which may be at once. What it returns ends the turn, or the waiting for it; idempotent. */
  take(asker: string, begin: () => void): () => void {
    const turn: Turn = { asker, begin };
    const queue = this.waiting.get(asker);
    if (queue === undefined) this.waiting.set(asker, [turn]);
    else queue.push(turn);
    this.beginSome();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.end(turn);
    };
  }

  private end(turn: Turn): void {
    const { asker } = turn;
    if (turn.begin !== null) {
      this.setQueue(
        asker,
        this.queueOf(asker).filter((each) => each !== turn),
      );
      return;
    }
    this.count--;
    const left = (this.begun.get(asker) ?? 0) - 1;
    if (left > 0) this.begun.set(asker, left);
    else this.begun.delete(asker);
    this.beginSome();
  }

  private beginSome(): void {
    for (const [asker, queue] of this.waiting) {
      if (this.count >= this.max) return;
      const begun = this.begun.get(asker) ?? 0;
      if (begun >= this.share) continue;
      const [turn, ...rest] = queue;
      // behind all others, so that this loop comes to it again
      this.waiting.delete(asker);
      this.setQueue(asker, rest);
      this.count++;
      this.begun.set(asker, begun + 1);
      const { begin } = turn;
      turn.begin = null;
      begin?.();
    }
  }

  private queueOf(asker: string): readonly Turn[] {
    return this.waiting.get(asker) ?? [];
  }

  private setQueue(asker: string, queue: Turn[]): void {
    if (queue.length > 0) this.waiting.set(asker, queue);
    else this.waiting.delete(asker);
  }
}
