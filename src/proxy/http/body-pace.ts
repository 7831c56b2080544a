/** How fast the body of a request has to come: not too long a silence, and not a trickle, which would hold a server for as long as the client likes. */
import { RateWindow } from '../rate-window.ts';

export class BodyPace {
  /** Until when more of it has to come. */
  private moveBy = 0;
  /** What of it has come in, and how fast. */
  private bytes = 0;
  private readonly window = new RateWindow();

  /** `bytes` of the body are here; no silence may be longer than `silenceMs`, which is also a window of the rate. */
  begin(now: number, silenceMs: number, bytes: number): void {
    this.move(now, silenceMs);
    this.window.open(now, silenceMs, 0);
    this.bytes = bytes;
  }

  /** The next time to look. */
  get deadline(): number {
    return Math.min(this.moveBy, this.window.endsAt);
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
    this.window.excuse();
  }

  /** Nothing of it came for too long. `isHeld`: bytes of it are here and wait for the server, whose own timeout sees to that. */
  isLate(now: number, silenceMs: number, isHeld: boolean): boolean {
    if (now < this.moveBy) return false;
    if (!isHeld) return true;
    this.move(now, silenceMs);
    return false;
  }

  /** Fewer than `rate` bytes a second in the window that has ended; else another one begins. `isHeld`: bytes of it are here and wait. */
  isSlow(now: number, windowMs: number, rate: number, isHeld: boolean): boolean {
    if (!this.window.isOver(now)) return false;
    if (isHeld) this.window.excuse();
    return this.window.judge(now, windowMs, this.bytes, rate) && rate > 0;
  }
}
