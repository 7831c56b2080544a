/**
 * The address that a router sends from, as it comes and goes. A network manager that changes an address may remove the old
 * one before it adds the new one, and has the new one there a moment later: that is no reason to give anything up. So an
 * address that is lost while its link works is used for a while longer, and the release after that comes from it too.
 */
import { US_PER_S } from './intervals.ts';

/** Why there is no address to send from. */
export interface AddressLoss {
  /** For people. */
  readonly reason: string;
  /** The link works: what is sent from the address that was there until now leaves. */
  readonly isLinkUp: boolean;
}

/** systemd-networkd and NetworkManager need some hundredths of a second. */
export const LOSS_US_MAX = US_PER_S;

export class OwnAddress {
  /** When a loss counts; Infinity: there is none that does not. */
  deadlineUs = Number.POSITIVE_INFINITY;
  private address: Uint8Array | null = null;
  private loss: AddressLoss | null = null;

  /** To send from; null: nothing can be sent. */
  get sendable(): Uint8Array | null {
    return this.address;
  }

  /** Takes note of it. True: the router has to be told. */
  handle(source: Uint8Array | AddressLoss, nowUs: number): boolean {
    if (source instanceof Uint8Array) {
      this.address = source.slice();
      this.loss = null;
      this.deadlineUs = Number.POSITIVE_INFINITY;
      return true;
    }
    const isPassing = source.isLinkUp && this.address !== null;
    if (!source.isLinkUp) this.address = null;
    const isLost = this.isLost;
    this.loss = source;
    if (isPassing && !isLost) {
      this.deadlineUs = Math.min(this.deadlineUs, nowUs + LOSS_US_MAX);
      return false;
    }
    this.deadlineUs = Number.POSITIVE_INFINITY;
    return true;
  }

  /** True: a loss counts from now on, and the router has to be told. */
  tick(nowUs: number): boolean {
    if (nowUs < this.deadlineUs) return false;
    this.deadlineUs = Number.POSITIVE_INFINITY;
    return true;
  }

  /** What the router is to know: its address, or why it has none. */
  get account(): Uint8Array | string {
    if (this.isLost && this.loss !== null) return this.loss.reason;
    return this.address ?? NOT_SEEN;
  }

  private get isLost(): boolean {
    return this.loss !== null && this.deadlineUs === Number.POSITIVE_INFINITY;
  }
}

const NOT_SEEN = 'the interface has not been seen yet';
