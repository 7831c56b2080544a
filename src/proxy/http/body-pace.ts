/** How fast the body of a request has to come: not too long a silence, and not a trickle, which would hold a server for as long as the client likes. */

export class BodyPace {
  /** Until when more of it has to come. */
  private moveBy = 0;
  /** When the rate of the current window is judged, what of it has come in, and whether the client was held up. */
  private judgeAt = 0;
  private bytes = 0;
  private isExcused = false;

  /** `bytes` of the body are here; no silence may be longer than `silenceMs`, which is also a window of the rate. */
  begin(now: number, silenceMs: number, bytes: number): void {
    this.move(now, silenceMs);
    this.beginWindow(now, silenceMs);
    this.bytes = bytes;
  }

  private beginWindow(now: number, windowMs: number): void {
    this.judgeAt = now + windowMs;
    this.bytes = 0;
    this.isExcused = false;
  }

  /** The next time to look. */
  get deadline(): number {
    return Math.min(this.moveBy, this.judgeAt);
  }

  arrive(bytes: number): void {
    this.bytes += bytes;
  }

  /** The body moved on. */
  move(now: number, silenceMs: number): void {
    this.moveBy = now + silenceMs;
  }

  /** It is the server that does not take it: nobody can say how fast the client is. */
  excuse(): void {
    this.isExcused = true;
  }

  isLate(now: number): boolean {
    return now >= this.moveBy;
  }

  /** Fewer than `rate` bytes a second in the window that has ended; else another one begins. `isHeld`: bytes of it are here and wait. */
  isSlow(now: number, windowMs: number, rate: number, isHeld: boolean): boolean {
    if (now < this.judgeAt) return false;
    if (this.bytes < (rate * windowMs) / 1000 && !this.isExcused && !isHeld) return true;
    this.beginWindow(now, windowMs);
    return false;
  }
}
