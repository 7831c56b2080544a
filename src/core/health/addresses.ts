/**
 * What to do with the answer to a name. Each address keeps its slot for as long as it is answered, so that its connections,
 * counters and health stay its own; an address that is gone leaves its slot empty; and an answer without any address
 * changes nothing, for no answer of a resolver proves that every server is gone.
 */
import { type Address, addressText } from '../../base/address.ts';

/** What an SRV record says of a server. */
export interface ServiceRecord {
  /** Times that of the server in the plan, up to 256: 1..256. */
  readonly weight: number;
  /** There are records that come before it. */
  readonly isBackup: boolean;
}

/** What a name stands for. */
export interface FoundAddress extends Address {
  /** Absent: no SRV record has led there. */
  readonly record?: ServiceRecord;
}

export interface AddressChange {
  /** Per slot; null is an empty slot. */
  readonly slots: readonly (FoundAddress | null)[];
  readonly added: readonly FoundAddress[];
  readonly removed: readonly Address[];
  /** Answered but without a slot: there are more addresses than slots. */
  readonly surplus: number;
}

/** Null if nothing changes. */
export function assignAddresses(
  current: readonly (Address | null)[],
  answer: readonly FoundAddress[],
): AddressChange | null {
  const wanted = new Map(answer.map((address) => [addressText(address), address]));
  if (wanted.size === 0) return null;

  const removed: Address[] = [];
  const slots = current.map((address) => {
    if (address === null || wanted.delete(addressText(address))) return address;
    removed.push(address);
    return null;
  });
  const added: FoundAddress[] = [];
  // Slots that have been empty for longer first: connections to the address that just left may still be counted there.
  const free = slots.map((_, index) => index).filter((index) => slots[index] === null);
  free.sort((a, b) => Number(current[a] !== null) - Number(current[b] !== null) || a - b);
  for (const address of [...wanted.values()].slice(0, free.length)) {
    slots[free[added.length]] = address;
    added.push(address);
  }
  if (added.length === 0 && removed.length === 0) return null;
  return { slots, added, removed, surplus: wanted.size - added.length };
}
