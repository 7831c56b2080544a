/** All sessions of a proxy, the oldest first. */
import { Chain } from '../base/chain.ts';
import type { Session } from './session.ts';

export class Sessions extends Chain<Session> {
  /** Who comes next in the round that is under way. */
  private hand: Session | null = null;

  override delete(session: Session): boolean {
    if (this.hand === session) this.hand = session.listedAfter;
    return super.delete(session);
  }

  // --- one round at a time, in parts, while sessions come and go ---

  beginRound(): void {
    this.hand = this.first;
  }

  /** Null: the round is over. */
  nextOfRound(): Session | null {
    const { hand } = this;
    if (hand !== null) this.hand = hand.listedAfter;
    return hand;
  }
}
