/**
 * Whether a peer that is waited for moves fast enough: how many bytes there were in each window of time. The same for what a
 * client sends and for what it takes.
 */

/** Of a window: a client that takes a whole buffer within it is not looked at, which would cost system calls. */
const UNWATCHED_SHARE = 0.25;

export class RateWindow {
  /** When it is to be judged; 0: nothing is. */
  endsAt = 0;
  private begunAt = 0;
  private begunWith = 0;
  /** It is known how many bytes there were when it began. */
  private isMeasured = false;

  /** It begins, with so many bytes until now. */
  open(now: number, windowMs: number, bytes: number): void {
    this.begunAt = now;
    this.endsAt = now + windowMs;
    this.begunWith = bytes;
    this.isMeasured = true;
  }

  /** It begins in a while: until then nobody need count. */
  openLater(now: number, windowMs: number): void {
    this.begunAt = now;
    this.endsAt = now + windowMs * UNWATCHED_SHARE;
    this.isMeasured = false;
  }

  /** Nobody can say how fast the peer is in this one: it was held up itself. */
  excuse(): void {
    this.isMeasured = false;
  }

  close(): void {
    this.endsAt = 0;
  }

  isOver(now: number): boolean {
    return this.endsAt !== 0 && now >= this.endsAt;
  }

  /**
   * It is over, with so many bytes in all (32 bits are enough); the next one begins. True: that was less than `rate` a second,
   * or nothing.
   */
  judge(now: number, windowMs: number, bytes: number, rate: number): boolean {
    const moved = (bytes - this.begunWith) >>> 0;
    const isSlow = this.isMeasured && moved < Math.max(1, (rate * windowMs) / 1000);
    this.open(now, windowMs, bytes);
    return isSlow;
  }

  /** Since when nothing may have moved: since it began, where there is one. */
  quietSince(now: number): number {
    return this.endsAt === 0 ? now : this.begunAt;
  }
}
