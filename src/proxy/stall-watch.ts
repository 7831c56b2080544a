/**
 * Whether a peer that leaves segments pending still takes something. A segment that waits may be on its way, slowly: what the
 * peer's kernel has acknowledged tells. It is looked at a few times within the time that a stall may last.
 */
import type { Socket } from '../port/transport.ts';

const LOOKS = 4;

export class StallWatch {
  /** When to look; 0: the peer takes everything. */
  lookAt = 0;
  /** What the kernel said at the last look, and how many looks in a row it said the same. */
  private progress = 0;
  private looks = 0;

  begin(now: number, stallMs: number): void {
    this.looks = 0;
    this.lookAt = now + stallMs / LOOKS;
  }

  end(): void {
    this.lookAt = 0;
  }

  isDue(now: number): boolean {
    return this.lookAt !== 0 && now >= this.lookAt;
  }

  /** True: the peer has taken nothing for the whole of the time. */
  look(socket: Socket, stallMs: number): boolean {
    const progress = socket.acknowledgedBytes;
    if (this.looks > 0 && progress !== this.progress) this.looks = 0;
    this.progress = progress;
    this.looks++;
    this.lookAt += stallMs / LOOKS;
    return this.looks >= LOOKS;
  }

  /** Since when nothing has moved, as far as it is watched. */
  quietSince(now: number, stallMs: number): number {
    return this.lookAt === 0 ? now : this.lookAt - stallMs / LOOKS;
  }
}
