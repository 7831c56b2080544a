/** A client's connection or a relay: what drains, and what the memory guard looks at when memory is tight. */
import { Expiring } from './expiring.ts';

/** `Session.progress`: it keeps no slot of a size that is scarce. */
export const KEEPS_NOTHING = -1;

export abstract class Session extends Expiring {
  // The guard's own.
  declare guardProgress: number;
  declare guardMovedAt: number;
  /** It has moved again after it had stood still. */
  declare guardHasResumed: boolean;
  // That of the list of all sessions.
  declare isListed: boolean;
  declare listedBefore: Session | null;
  declare listedAfter: Session | null;

  /** As of Timed. */
  constructor() {
    super();
    this.guardProgress = KEEPS_NOTHING;
    this.guardMovedAt = 0;
    this.guardHasResumed = false;
    this.isListed = false;
    this.listedBefore = null;
    this.listedAfter = null;
  }

  /**
   * A number that changes when the peer moves for which this session keeps slots, or KEEPS_NOTHING. The guard alone calls
   * it, and only when memory is tight: it may cost system calls.
   */
  abstract progress(): number;

  /**
   * Whether it moves when the kernel of a peer acknowledges what it was sent. Where segments are large that is seldom, and much at
   * a time.
   */
  get movesInLeaps(): boolean {
    return true;
  }

  /** Since when nothing has moved, as far as the driver itself can see. */
  abstract quietSince(): number;

  /** Gives up what it keeps: memory is short, and of all sessions this one has stood still for longest. */
  abstract shed(): void;

  /** When it has to have ended, because no plan has its listener or its server any more; Infinity: they are there. */
  abstract retireAt(): number;

  /** That time has come. */
  abstract retire(): void;

  /** The address that its client has come to, as `Socket.localAddress` gives it. */
  abstract localAddress(into: Uint8Array, at: number): number;

  /** That address is on another machine now: nothing that is sent from here reaches the client. */
  abstract abandon(): void;
}
