/** How tests wait: for events where somebody tells, else by looking again and again; never for ever, and never for a time that hopes. */
import assert from 'node:assert/strict';

/** Many times what anything takes on a slow, busy machine: what does not come in this time does not come. */
export const WAIT_MS = 60_000;

/** What tests wait for at one place: who notes a change there wakes them, and they look whether it is the one. */
export class Change {
  private readonly waiting = new Set<() => void>();

  wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  /** Resolves when it is so. Rejects when `isSo` throws, and when it takes too long: `describe` says what was waited for, and what is. */
  async until(isSo: () => boolean, describe: () => string): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    const timer = setTimeout(() => this.wake(), WAIT_MS + 1);
    try {
      while (!isSo()) {
        if (performance.now() >= deadline) assert.fail(`waited in vain: ${describe()}`);
        await new Promise<void>((resolve) => this.waiting.add(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

const LOOK_MS = 20;
/** For whoever asks the program: it makes its whole status for each question. */
export const ASK_MS = 60;
/** Looking is a fourth of the time at most: on a busy machine, what is waited for would be kept from coming. */
const PAUSE_PER_LOOK = 3;
const PAUSE_MS_MAX = 100;

/**
 * Resolves when it is so, of what nobody tells: how long that took, in milliseconds. Rejects as `Change.until` does. `lookMs`: how
 * long to wait before looking again; longer where a look is dear, or turns out to be.
 */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  describe?: () => string,
  lookMs = LOOK_MS,
): Promise<number> {
  const from = performance.now();
  const deadline = from + WAIT_MS;
  for (let lookedMs = from; !(await isSo()); lookedMs = performance.now()) {
    const nowMs = performance.now();
    if (nowMs >= deadline) assert.fail(`waited in vain: ${describe?.() ?? isSo.toString()}`);
    const pauseMs = Math.max(lookMs, Math.min(PAUSE_MS_MAX, PAUSE_PER_LOOK * (nowMs - lookedMs)));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return performance.now() - from;
}
