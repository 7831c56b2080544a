/**
 * Numbers for addresses, each together with the sources that connections to it come from: the same number for the same, as long
 * as somebody uses it. Then the number is free, and the next address gets it, so that there are never more than are in use.
 */
import type { Address } from './address.ts';
import { assert } from './assert.ts';
import { preparedText, type SourceRing, sourceRing } from './source-ring.ts';

interface Entry {
  readonly text: string;
  readonly address: Address;
  /** Null: connections come from any address. */
  readonly ring: SourceRing | null;
  uses: number;
}

export class AddressNumbers {
  private readonly numbers = new Map<string, number>();
  private readonly entries: (Entry | null)[] = [];
  private readonly free: number[] = [];

  /** One more use of this address. */
  take(address: Address, sources: readonly Address[]): number {
    const text = preparedText(address, sources);
    const known = this.numbers.get(text);
    if (known !== undefined) {
      this.entry(known).uses++;
      return known;
    }
    const number = this.free.pop() ?? this.entries.length;
    this.entries[number] = { text, address, ring: sourceRing(address, sources), uses: 1 };
    this.numbers.set(text, number);
    return number;
  }

  /** One more use of the address with this number. */
  keep(number: number): void {
    this.entry(number).uses++;
  }

  /** One use less. True: it was the last one, and the number is free. */
  give(number: number): boolean {
    const entry = this.entry(number);
    entry.uses--;
    if (entry.uses > 0) return false;
    this.numbers.delete(entry.text);
    this.entries[number] = null;
    this.free.push(number);
    return true;
  }

  address(number: number): Address {
    return this.entry(number).address;
  }

  ring(number: number): SourceRing | null {
    return this.entry(number).ring;
  }

  uses(number: number): number {
    return this.entry(number).uses;
  }

  private entry(number: number): Entry {
    const entry = this.entries[number];
    assert(entry !== undefined && entry !== null, 'an address that was not prepared, or was forgotten');
    return entry;
  }
}
