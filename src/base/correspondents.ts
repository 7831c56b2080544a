/** Who sent a datagram, and to which address: IP addresses as four words, as in wire/ip-text.ts. */
export interface Correspondents {
  readonly ip0: number;
  readonly ip1: number;
  readonly ip2: number;
  readonly ip3: number;
  readonly port: number;
  /** All zero where the system does not tell. */
  readonly local0: number;
  readonly local1: number;
  readonly local2: number;
  readonly local3: number;
}

/** How far they are: one has asked, the other one has answered, and then the first one has sent something again. */
export type Standing = 'new' | 'answered' | 'proven';
