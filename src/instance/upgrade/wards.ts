/**
 * Processes that Node does not know as our children, though they are: successors, which fell to this process when theirs ended.
 * Who does not ask for their end leaves them as zombies.
 */
import { ANY_CHILD, type Ended, reap } from '../../io/linux/family.ts';

/** Should a SIGCHLD get lost in another one. It keeps the process alive, which nothing else may do. */
const LOOK_MS = 1_000;
/** Of one that is not, or no longer, our child: how it ended cannot be found out. */
const UNKNOWN_CODE = 1;

export class Wards {
  private readonly waiting = new Map<number, (code: number) => void>();
  private hasOwnChildren = true;
  private isLooking = false;

  /** Resolves with its exit code. */
  ended(pid: number): Promise<number> {
    const code = new Promise<number>((resolve) => this.waiting.set(pid, resolve));
    if (!this.isLooking) {
      this.isLooking = true;
      process.on('SIGCHLD', () => this.look());
      setInterval(() => this.look(), LOOK_MS);
    }
    this.look();
    return code;
  }

  /** Node has no child left whose end it waits for: whatever else falls to this process is buried too. */
  takeAll(): void {
    this.hasOwnChildren = false;
    this.look();
  }

  private look(): void {
    for (const [pid, settle] of this.waiting) {
      const ended = reap(pid);
      if (ended === null) continue;
      this.waiting.delete(pid);
      settle(ended === 'none' ? UNKNOWN_CODE : ended.code);
    }
    while (!this.hasOwnChildren && isEnded(reap(ANY_CHILD)));
  }
}

function isEnded(ended: Ended | 'none' | null): boolean {
  return ended !== null && ended !== 'none';
}
