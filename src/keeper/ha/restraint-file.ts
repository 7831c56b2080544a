/** Where hand-overs are written down: which routers leave their addresses to a peer, who said so, and until when. */
import type { Log } from '../log/log.ts';
import { isTime, isWho, StateFile } from '../state-file.ts';

/** Milliseconds since 1970: a restart of the machine is outlived. */
export interface RestraintRecord {
  readonly router: string;
  /** As they said themselves; null: they did not. */
  readonly by: string | null;
  readonly atMs: number;
  /** Null: until `resume`. */
  readonly untilMs: number | null;
}

export type RestraintFile = StateFile<RestraintRecord>;

export function restraintFile(directory: string, node: string, log: Log): RestraintFile {
  return new StateFile({
    directory,
    name: 'restraints',
    node,
    what: 'hand-overs',
    isRecord,
    keyOf: ({ router }) => router,
    log,
  });
}

function isRecord(value: unknown): value is RestraintRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { router, by, atMs, untilMs } = value as Record<string, unknown>;
  return typeof router === 'string' && isWho(by) && isTime(atMs) && (untilMs === null || isTime(untilMs));
}
