/**
 * Virtual addresses that are the machine's own as well: with priority 255 an interface may have no other one. They are
 * written down, so that they are given back at the end, by whoever ends last.
 */
import { formatIP } from '../../../base/address.ts';
import type { Machine } from './machine.ts';
import { writeRestoreAddress } from './rtnetlink.ts';
import type { Undo } from './undo-journal.ts';

type OwnAddress = Extract<Undo, { kind: 'own-address' }>;

export class OwnAddresses {
  private readonly machine: Machine;
  private readonly link: string;
  private possible: ReadonlySet<string>;
  private readonly found = new Map<string, OwnAddress>();

  /** `addresses` are those of one attachment. */
  constructor(machine: Machine, link: string, addresses: readonly Uint8Array[]) {
    this.machine = machine;
    this.link = link;
    this.possible = new Set(addresses.map(formatIP));
  }

  /** Others are virtual ones now; what is not was given back before. */
  apply(addresses: readonly Uint8Array[]): void {
    this.possible = new Set(addresses.map(formatIP));
  }

  /** The prefix length that the machine has it with; null: it is a virtual address only. */
  prefixOf(address: Uint8Array): number | null {
    if (this.found.size === 0) return null;
    return this.found.get(formatIP(address))?.prefixLength ?? null;
  }

  add(address: Uint8Array, prefixLength: number): void {
    this.remember([{ kind: 'own-address', link: this.link, address: formatIP(address), prefixLength }]);
  }

  /** Those that a predecessor has written down are to be given back by this process now. */
  adopt(): void {
    this.remember(this.ofOthers());
  }

  /** A predecessor has written it down. */
  isAdoptable(address: Uint8Array): boolean {
    return this.ofOthers().some((each) => each.address === formatIP(address));
  }

  giveBack(linkIndex: number | null, addresses: readonly Uint8Array[]): void {
    const { machine, found } = this;
    if (found.size === 0) return;
    if (linkIndex !== null) {
      machine.change((writer) => {
        for (const address of addresses) {
          const prefixLength = this.prefixOf(address);
          if (prefixLength !== null) writeRestoreAddress(writer, linkIndex, address, prefixLength);
        }
      });
    }
    const texts = addresses.map(formatIP);
    const given = new Set<Undo>(texts.flatMap((address) => found.get(address) ?? []));
    machine.journal.remove((undo) => given.has(undo));
    for (const address of texts) found.delete(address);
  }

  private ofOthers(): readonly OwnAddress[] {
    return this.machine.journal.elsewhere().filter((undo): undo is OwnAddress => {
      return undo.kind === 'own-address' && undo.link === this.link && this.possible.has(undo.address);
    });
  }

  private remember(owned: readonly OwnAddress[]): void {
    const more = owned.filter(({ address }) => !this.found.has(address));
    for (const each of more) this.found.set(each.address, each);
    this.machine.journal.add(...more);
  }
}
