/** The addresses that connections to one address may come from, each in turn. */
import { type Address, addressText } from './address.ts';

export class SourceRing {
  readonly sources: readonly Address[];
  private at = 0;

  constructor(sources: readonly Address[]) {
    this.sources = sources;
  }

  /** The index of the next one. */
  next(): number {
    const index = this.at;
    this.at = index + 1 === this.sources.length ? 0 : index + 1;
    return index;
  }
}

/** Those that a connection to `address` can come from; null: any. */
export function sourceRing(address: Address, sources: readonly Address[]): SourceRing | null {
  const fitting = address.family === 0 ? [] : sources.filter(({ family }) => family === address.family);
  return fitting.length === 0 ? null : new SourceRing(fitting);
}

/** Identity of an address together with its sources. */
export function preparedText(address: Address, sources: readonly Address[]): string {
  return [address, ...sources].map(addressText).join(' ');
}
