/** Lets so many through at a time; the others wait, in the order in which they came. */
export class Turnstile {
  private readonly max: number;
  private readonly waitingMax: number;
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(max: number, waitingMax: number) {
    this.max = max;
    this.waitingMax = waitingMax;
  }

  /** Nobody who has something new to ask should come now. */
  get isFull(): boolean {
    return this.waiting.length >= this.waitingMax;
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.inside >= this.max) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.inside++;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.inside--;
      else next();
    }
  }
}
