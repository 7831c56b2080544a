/**
 * Virtual addresses that this machine has and no neighbour sees: they are on the loopback interface. On Linux an address belongs
 * to the machine: what is for it is taken, whatever interface it is on.
 */
import { equalBytes } from '../../../base/bytes.ts';
import { isForeign, isLinkLocal } from './link-address.ts';
import type { Machine } from './machine.ts';
import { type Link, writeDeleteAddress, writeHoldAddress } from './rtnetlink.ts';

const LOOPBACK = 'lo';

export class ConcealedAddresses {
  private readonly machine: Machine;
  private readonly family: 4 | 6;
  private readonly handleReveal: () => void;
  private addresses: readonly Uint8Array[] = [];

  /** `handleReveal`: there are none any more. */
  constructor(machine: Machine, family: 4 | 6, handleReveal: () => void) {
    this.machine = machine;
    this.family = family;
    this.handleReveal = handleReveal;
  }

  get isEmpty(): boolean {
    return this.addresses.length === 0;
  }

  /** These of them that can be, instead of those before. */
  conceal(addresses: readonly Uint8Array[], lifetimeS: number): void {
    const { machine } = this;
    const loopback = machine.network.findLink(LOOPBACK);
    if (loopback === null) return;
    const concealable = this.concealable(loopback, addresses);
    machine.change((writer) => {
      for (const address of concealable) {
        const held = { address, prefixLength: 8 * address.length, hasRoute: true };
        writeHoldAddress(writer, loopback.index, held, lifetimeS);
      }
    });
    if (this.family === 6) machine.awaitDelivery6(loopback.index, concealable);
    this.addresses = concealable;
  }

  /** A link-local address is nothing without its link, and what somebody has put there already is theirs. */
  private concealable(loopback: Link, addresses: readonly Uint8Array[]): readonly Uint8Array[] {
    const there = this.machine.network.othersOf(loopback.index).filter(isForeign);
    return addresses.filter(
      (address) => !isLinkLocal(address) && !there.some((each) => equalBytes(each.address, address)),
    );
  }

  reveal(): void {
    const { addresses } = this;
    if (addresses.length === 0) return;
    this.addresses = [];
    const loopback = this.machine.network.findLink(LOOPBACK);
    if (loopback !== null) {
      this.machine.change((writer) => {
        for (const address of addresses) writeDeleteAddress(writer, loopback.index, address, 8 * address.length);
      });
    }
    this.handleReveal();
  }
}
