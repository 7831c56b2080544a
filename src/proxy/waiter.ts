import { Expiring } from './expiring.ts';
import type { Server } from './server.ts';

const NO_SERVERS = new Int32Array(0);
/** In place of a slot: no server that can be picked. */
const NOBODY = -1;

/** Something that needs a server: an HTTP exchange or a TCP session. It may stand in one upstream's queue. */
export abstract class Waiter extends Expiring {
  /** Hash of what it is balanced by. */
  key = 0;
  /** The servers that it belongs to. Null: to none. */
  bound: readonly Server[] | null = null;
  /** Slots of the servers it failed on. */
  tried: Int32Array = NO_SERVERS;
  triedCount = 0;
  isQueued = false;
  nextWaiter: Waiter | null = null;
  previousWaiter: Waiter | null = null;

  /** Its turn has come: `picked` is a server's number or a PICK_ code other than PICK_FULL. It is out of the queue. */
  abstract handlePicked(picked: number): void;

  /** Remembers that it failed on this server. Who has the slot of one that is gone has done nothing. */
  markTried(server: Server): void {
    if (this.triedCount === this.tried.length) {
      const grown = new Int32Array(Math.max(4, this.tried.length * 2));
      grown.set(this.tried);
      this.tried = grown;
    }
    this.tried[this.triedCount++] = server.isGone ? NOBODY : server.slot;
  }

  /** One of them is to serve, has an address, and was not tried. */
  leavesOut(servers: readonly Server[]): boolean {
    return servers.some((one) => one.identity !== '' && one.plan.state === 'enabled' && !this.hasTried(one));
  }

  hasTried(server: Server): boolean {
    for (let i = 0; i < this.triedCount; i++) if (this.tried[i] === server.slot) return true;
    return false;
  }
}
