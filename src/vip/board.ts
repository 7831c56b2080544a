/**
 * What the vip process leaves in shared memory for the case that it cannot say anything any more: that its loop turns, and
 * for every router that holds addresses, when it sent its last advert. One writer; every number is written whole.
 */

const HEARTBEAT = 0;
const FIRST_ROUTER = 1;
/** Routers beyond that are served as well; after a crash they are given up instead of taken over. */
const ROUTERS_MAX = 1023;

export class VipBoard {
  static readonly bytes: number = 8 * (FIRST_ROUTER + ROUTERS_MAX);
  private readonly words: Float64Array;

  constructor(buffer: ArrayBufferLike) {
    this.words = new Float64Array(buffer, 0, FIRST_ROUTER + ROUTERS_MAX);
  }

  get heartbeat(): number {
    return this.words[HEARTBEAT];
  }

  beat(): void {
    this.words[HEARTBEAT]++;
  }

  /** By its place in the plan; null: it holds no addresses. */
  lastAdvertUs(index: number): number | null {
    return index < ROUTERS_MAX && this.words[FIRST_ROUTER + index] > 0 ? this.words[FIRST_ROUTER + index] : null;
  }

  setLastAdvertUs(index: number, us: number | null): void {
    if (index < ROUTERS_MAX) this.words[FIRST_ROUTER + index] = us ?? 0;
  }

  clear(): void {
    this.words.fill(0);
  }
}
