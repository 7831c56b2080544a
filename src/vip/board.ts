/**
 * What the vip process leaves in shared memory for the case that it cannot say anything any more: that its loop turns, and
 * for every router that holds addresses, when it sent its last advert. From there its successor goes on. One writer at a
 * time: the process that takes part, and while there is none, the keeper; and the keeper always of its own heartbeat. Every
 * number is written whole.
 */
import { assert } from '../base/assert.ts';
import { ROUTERS_MAX } from '../base/limits.ts';

const HEARTBEAT = 0;
const KEEPER_HEARTBEAT = 1;
const FIRST_ROUTER = 2;

const NOT_HELD = 0;
const GIVEN_UP = -1;

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

  get keeperHeartbeat(): number {
    return this.words[KEEPER_HEARTBEAT];
  }

  beatAsKeeper(): void {
    this.words[KEEPER_HEARTBEAT]++;
  }

  /** By its place in the plan; null: it holds no addresses. */
  lastAdvertUs(index: number): number | null {
    const word = this.read(index);
    return word > 0 ? word : null;
  }

  setLastAdvertUs(index: number, us: number | null): void {
    this.write(index, us ?? NOT_HELD);
  }

  /** It was held by a process that is gone, and has been given up in its place. */
  wasGivenUp(index: number): boolean {
    return this.read(index) === GIVEN_UP;
  }

  giveUp(index: number): void {
    this.write(index, GIVEN_UP);
  }

  private read(index: number): number {
    assert(index < ROUTERS_MAX, 'more routers than the board has room for');
    return this.words[FIRST_ROUTER + index];
  }

  private write(index: number, word: number): void {
    assert(index < ROUTERS_MAX, 'more routers than the board has room for');
    this.words[FIRST_ROUTER + index] = word;
  }
}
