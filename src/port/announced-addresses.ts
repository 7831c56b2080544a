/** The addresses of this machine that a routing daemon announces, by the interface that they are on. */

export interface AnnouncedAddresses {
  /** The names of the interfaces that have any of these. Throws if the system cannot be asked. */
  find(addresses: readonly string[]): readonly string[];
  /**
   * Puts these on an interface, as /32 and /128, for so many seconds from now; one that is there lives for so long from now. Null: they are there, and
   * the interface is up; else why not, for people.
   */
  hold(interfaceName: string, addresses: readonly string[], lifeS: number): string | null;
  /** Removes them from there, those that are. */
  drop(interfaceName: string, addresses: readonly string[]): void;
  close(): void;
}
