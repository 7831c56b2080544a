/**
 * When the kernel is to drop adverts that a filter can tell will be refused: someone sends so many that reading each one
 * costs more than its place in a counter is worth. Meanwhile one in `sample` is still read, and stands for all of them.
 *
 *   open       every packet is read; 200 refusable ones within a second: narrowing
 *   narrowing  the filter is on, what the socket had queued before is still read, one for one; after 0.1 s: narrow
 *   narrow     each refusable packet that is read stands for `sample`; fewer than 100 a second over 10 s: open
 *
 * Pure: `tick` at `deadlineUs` says what to do.
 */
import { US_PER_S } from './intervals.ts';

const NEVER = Number.POSITIVE_INFINITY;

const NARROW_COUNT = 200;
const NARROW_WINDOW_US = US_PER_S;
const NARROWING_US = US_PER_S / 10;
const CALM_WINDOW_US = 10 * US_PER_S;
const CALM_COUNT = 1000;

export type GateState = 'open' | 'narrowing' | 'narrow';

export class FloodGate {
  /** When the next tick is due. */
  deadlineUs = NEVER;
  private readonly sample: number;
  private current: GateState = 'open';
  private counted = 0;
  private sinceUs = Number.NEGATIVE_INFINITY;

  /** `sample`: of the packets that the narrow filter drops, one in so many is read. */
  constructor(sample: number) {
    this.sample = sample;
  }

  get state(): GateState {
    return this.current;
  }

  /** For how many packets one stands that a filter can tell. */
  get weight(): number {
    return this.current === 'narrow' ? this.sample : 1;
  }

  /** A packet came in that a filter could have told. */
  count(nowUs: number): void {
    if (this.current === 'open' && nowUs - this.sinceUs > NARROW_WINDOW_US) this.begin(nowUs);
    this.counted += this.weight;
    if (this.current === 'open' && this.counted >= NARROW_COUNT) this.deadlineUs = Math.min(this.deadlineUs, nowUs);
  }

  /** What the filter has to become; null: it stays as it is. */
  tick(nowUs: number): 'narrow' | 'wide' | null {
    if (nowUs < this.deadlineUs) return null;
    if (this.current === 'open') {
      this.enter('narrowing', nowUs, NARROWING_US);
      return 'narrow';
    }
    const isOver = this.current === 'narrow' && this.counted < CALM_COUNT;
    if (isOver) this.enter('open', nowUs, NEVER);
    else this.enter('narrow', nowUs, CALM_WINDOW_US);
    return isOver ? 'wide' : null;
  }

  /** The kernel does not take the narrow filter. */
  handleFailure(nowUs: number): void {
    this.enter('open', nowUs, NEVER);
  }

  private enter(state: GateState, nowUs: number, forUs: number): void {
    this.current = state;
    this.begin(nowUs);
    this.deadlineUs = nowUs + forUs;
  }

  private begin(nowUs: number): void {
    this.counted = 0;
    this.sinceUs = nowUs;
  }
}
