/**
 * All sessions of a proxy, the oldest first.
 *
 * A list whose links are the sessions' own, and not a Set: what V8 makes anew of a Set that many come and go in leads from each of its
 * former tables to the next, so that one of them that was moved among old objects keeps alive whatever was in all that followed.
 */
import type { Session } from './session.ts';

export class Sessions {
  size = 0;
  private first: Session | null = null;
  private last: Session | null = null;
  /** Who comes next in the round that is under way. */
  private hand: Session | null = null;

  add(session: Session): void {
    const { last } = this;
    session.isListed = true;
    session.listedBefore = last;
    if (last === null) this.first = session;
    else last.listedAfter = session;
    this.last = session;
    this.size++;
  }

  has(session: Session): boolean {
    return session.isListed;
  }

  /** False: it was not there. */
  delete(session: Session): boolean {
    if (!session.isListed) return false;
    const { listedAfter: after, listedBefore: before } = session;
    if (this.hand === session) this.hand = after;
    if (before === null) this.first = after;
    else before.listedAfter = after;
    if (after === null) this.last = before;
    else after.listedBefore = before;
    session.isListed = false;
    session.listedBefore = null;
    session.listedAfter = null;
    this.size--;
    return true;
  }

  all(): Session[] {
    const all = [];
    for (let one = this.first; one !== null; one = one.listedAfter) all.push(one);
    return all;
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
