/**
 * Long work of the keeper in short slices. Where it has one core together with a proxy, that waits for no more than a slice, and has the core
 * to itself for most of the time.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const SLICE_MS = 0.5;
/** Others have it then. */
const REST_MS = 4;

export class Pace {
  private begunAt = performance.now();

  /** Whether this slice is over: then `rest`. */
  get isOver(): boolean {
    return performance.now() - this.begunAt >= SLICE_MS;
  }

  async rest(): Promise<void> {
    await sleep(REST_MS);
    this.begunAt = performance.now();
  }
}
