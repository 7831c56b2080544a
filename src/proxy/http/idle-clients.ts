/**
 * The connections of one listener whose clients are between requests and have been sent everything, by how long they have
 * been so. When there is no room for another client, the one at the front makes room.
 */
import type { HttpDownstream } from './downstream.ts';

export class IdleClients {
  private longest: HttpDownstream | null = null;
  private latest: HttpDownstream | null = null;

  add(client: HttpDownstream, now: number): void {
    client.idleSince = now;
    client.idleBefore = this.latest;
    client.idleAfter = null;
    if (this.latest === null) this.longest = client;
    else this.latest.idleAfter = client;
    this.latest = client;
  }

  remove(client: HttpDownstream): void {
    client.idleSince = Infinity;
    if (client.idleBefore === null) this.longest = client.idleAfter;
    else client.idleBefore.idleAfter = client.idleAfter;
    if (client.idleAfter === null) this.latest = client.idleBefore;
    else client.idleAfter.idleBefore = client.idleBefore;
    client.idleBefore = null;
    client.idleAfter = null;
  }

  /** Since when the one has been idle that has been so for longest; Infinity: there is none. */
  get idleSince(): number {
    return this.longest === null ? Infinity : this.longest.idleSince;
  }

  closeLongest(): void {
    this.longest?.closeIdle();
  }
}
