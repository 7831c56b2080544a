/**
 * The connections of one listener whose clients are between requests and have been sent everything, by how long they have
 * been so. When there is no room for another client, the one at the front makes room.
 */

export interface IdleClient {
  /** Since when it is in the list; Infinity: it is not. This and its neighbours there are the list's. */
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
    client.idleSince = now;
    client.idleBefore = this.latest;
    client.idleAfter = null;
    if (this.latest === null) this.longest = client;
    else this.latest.idleAfter = client;
    this.latest = client;
    this.count++;
  }

  remove(client: IdleClient): void {
    client.idleSince = Infinity;
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
