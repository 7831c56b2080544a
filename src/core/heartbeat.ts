/**
 * Whether a process that should beat still does. Only time in which somebody looked counts: after the watcher itself was
 * stopped, or the whole machine was, nobody is to blame.
 */

export class HeartbeatWatch {
  private readonly lookIntervalMs: number;
  private lastBeat = -1;
  private lastLook = -1;
  private silence = 0;

  /** How often `handleLook` is going to be called. */
  constructor(lookIntervalMs: number) {
    this.lookIntervalMs = lookIntervalMs;
  }

  /** `beat` changes with every beat. Returns for how many milliseconds it has not. */
  handleLook(now: number, beat: number): number {
    const passed = this.lastLook < 0 ? 0 : now - this.lastLook;
    this.lastLook = now;
    if (beat !== this.lastBeat) {
      this.lastBeat = beat;
      this.silence = 0;
    } else {
      this.silence += Math.min(passed, 2 * this.lookIntervalMs);
    }
    return this.silence;
  }
}
