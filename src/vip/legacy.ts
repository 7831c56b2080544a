/** What a vip process that is gone has left of its routers, for the one that goes on. */
import type { Restraint } from '../core/vrrp/restraint.ts';

export interface Legacy {
  /** When it sent its last advert as the active one; 0: it was given up since; null: it was not active. */
  readonly lastAdvertUs: number | null;
  readonly restraint: Restraint | null;
  /** The interval that it believed of the active router, as a backup. */
  readonly followedUs?: number | null;
}

export const NOTHING_LEFT: Legacy = { lastAdvertUs: null, restraint: null };

/** By the routers' names. */
export type Predecessor = ReadonlyMap<string, Legacy>;
