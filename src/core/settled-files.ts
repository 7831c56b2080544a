/**
 * Whether files that are looked at again and again have changed and come to rest. Pure: what each look sees comes in.
 *
 * A file that is being written is left alone until it has stood still for a while, and so is one that was put in another's
 * place in two steps. What is as it was read is no change.
 */

/** How often `handleLook` is to be called. */
export const LOOK_INTERVAL_MS = 500;
/** Who writes a file, or swaps a link, does not pause for longer in the middle of it. */
const SETTLE_MS = 1_000;

/** What tells one state of a file from another one, by the file's path. */
export type Sight = ReadonlyMap<string, string>;

export class SettledFiles {
  /** What was taken note of. */
  private taken: Sight = new Map();
  private last: Sight = new Map();
  private sinceMs = 0;

  /** These files count from now on. They were read in these states, and may have been replaced since. */
  handleRead(sight: Sight): void {
    this.taken = sight;
  }

  /**
   * The files that have changed since they were read, or last taken note of, if they have come to rest: now they are. `sight`: of all
   * that were read.
   */
  handleLook(nowMs: number, sight: Sight): readonly string[] {
    if (difference(this.last, sight).length > 0) this.sinceMs = nowMs;
    this.last = sight;
    const changed = difference(this.taken, sight);
    if (changed.length > 0 && nowMs - this.sinceMs < SETTLE_MS) return [];
    this.taken = sight;
    return changed;
  }
}

function difference(before: Sight, after: Sight): readonly string[] {
  return [...after].flatMap(([path, state]) => (before.get(path) === state ? [] : [path]));
}
