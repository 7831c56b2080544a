/** An advert of a peer that the receiver believes. */
export interface HeardAdvert {
  /** The peer's primary address. Kept only while it is handled. */
  readonly source: Uint8Array;
  /** 0..255 */
  readonly priority: number;
  readonly intervalUs: number;
  /** How many of this router's addresses it names. */
  readonly addresses: AddressMatch;
  /** One that it names and this router does not have, as text; null: there is none. */
  readonly foreignAddress: string | null;
}

/** `all`: the same addresses, no more and no less. */
export type AddressMatch = 'all' | 'some' | 'none';
