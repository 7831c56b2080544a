import { availableParallelism } from 'node:os';
import { WORKERS_MAX } from '../base/limits.ts';

/** As many proxies as there are cores. */
export function defaultWorkers(): number {
  return Math.min(WORKERS_MAX, availableParallelism());
}
