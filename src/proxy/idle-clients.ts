/**
 * The connections of one listener from which nothing is worked on, by how long that has been so: those whose clients are between
 * requests and have been sent everything, or those that have sent a part of a head. When there is no room for another client,
 * the one at the front makes room.
 */

export interface IdleClient {
  /** The list that it is in, or null. This, since when, and its neighbours there are the list's. */
  idleIn: IdleClients | null;
  idleSince: number;
  idleBefore: IdleClient | null;
  idleAfter: IdleClient | null;
  /** Another client needs its room. */
  closeIdle(): void;
  /** Nobody will answer it here any more. */
  endIdle(): void;
}

export class IdleClients {
  private longest: IdleClient | null = null;
  private latest: IdleClient | null = null;
  count = 0;

  add(client: IdleClient, now: number): void {
    client.idleIn = this;
    client.idleSince = now;
    client.idleBefore = this.latest;
    client.idleAfter = null;
    if (this.latest === null) this.longest = client;
    else this.latest.idleAfter = client;
    this.latest = client;
    this.count++;
  }

  remove(client: IdleClient): void {
    client.idleIn = null;
    if (client.idleBefore === null) this.longest = client.idleAfter;
    else client.idleBefore.idleAfter = client.idleAfter;
    if (client.idleAfter === null) this.latest = client.idleBefore;
    else client.idleAfter.idleBefore = client.idleBefore;
    client.idleBefore = null;
    client.idleAfter = null;
    this.count--;
  }

  /** Since when the one has been idle that has been so for longest; Infinity: there is none. */
  get idleSince(): number {
    return this.longest === null ? Infinity : this.longest.idleSince;
  }

  /** There is no room: its descriptor is free at once. */
  closeLongest(): void {
    this.longest?.closeIdle();
  }

  /** It is told that nobody will answer it here any more. */
  endLongest(): void {
    this.longest?.endIdle();
  }
}
