/** What one node announces, and when. Serialisable as JSON. Shapes only; `config/compile/announce.ts` makes it. */
import type { WatchPlan } from './ha.ts';

export interface AnnouncePlan {
  /** Each once, however many depend on it. */
  readonly watches: readonly WatchPlan[];
  readonly announcements: readonly AnnouncementPlan[];
}

export interface AnnouncementPlan {
  readonly name: string;
  /** In their shortest form. */
  readonly addresses: readonly string[];
  readonly interfaceName: string;
  /** Null: routes are withdrawn at once. */
  readonly graceful: { readonly interfaceName: string; readonly forMs: number } | null;
  readonly tracked: readonly { readonly name: string; /** An index in `watches`. */ readonly watch: number }[];
  readonly lifeS: number;
  readonly convergenceMs: number;
  /** Path of the control socket of BIRD. */
  readonly bird: string;
}
