/**
 * The slots of one size: which are free, and how scarce they are. Free ones are kept last-in first-out.
 */

export const PLENTY = 0;
export const TIGHT = 1;
export const SHORT = 2;
export type Pressure = 0 | 1 | 2;

/** So many pieces of memory of one size, of which it is known how many are free. */
export class Stock {
  readonly count: number;
  readonly bytes: number;
  freeCount: number;
  /** As judged last. */
  pressure: Pressure = PLENTY;
  /** Free ones that are handed out all the same, to be filled: as judged last. */
  private posted = 0;
  private leastFree: number;

  constructor(count: number, bytes: number) {
    this.count = count;
    this.bytes = bytes;
    this.freeCount = count;
    this.leastFree = count;
  }

  /** Finds the pressure anew. It ends later than it began. */
  judge(posted: number): void {
    const free = this.freeCount + posted;
    this.posted = posted;
    if (free < this.leastFree) this.leastFree = free;
    const { count, pressure, reserve } = this;
    if (free < (pressure === SHORT ? 2 * reserve : reserve)) this.pressure = SHORT;
    else if (free < (pressure === PLENTY ? count >> 1 : (count >> 1) + 2 * reserve)) this.pressure = TIGHT;
    else this.pressure = PLENTY;
  }

  /** How many have to come back before they are not short any more. */
  get missing(): number {
    return this.pressure === SHORT ? 2 * this.reserve - this.freeCount - this.posted : 0;
  }

  /** There is enough for what is too large for its own size. */
  get canLend(): boolean {
    return this.freeCount > this.count >> 1;
  }

  get isExhausted(): boolean {
    return this.freeCount + this.posted <= 0;
  }

  /** In use, but for those that wait to be filled. */
  get used(): number {
    return this.count - this.freeCount - this.posted;
  }

  /** Most in use at any judgement. */
  get usedMax(): number {
    return this.count - this.leastFree;
  }

  private get reserve(): number {
    return this.count >> 4;
  }
}

export class Slots extends Stock {
  /** The number of the first one, and where it begins. */
  readonly first: number;
  readonly start: number;
  private readonly free: Int32Array;

  constructor(first: number, start: number, count: number, bytes: number) {
    super(count, bytes);
    this.first = first;
    this.start = start;
    this.free = new Int32Array(count);
    for (let i = 0; i < count; i++) this.free[i] = first + count - 1 - i;
  }

  /** -1: none is free. */
  take(): number {
    return this.freeCount === 0 ? -1 : this.free[--this.freeCount];
  }

  putBack(slot: number): void {
    this.free[this.freeCount++] = slot;
  }
}
