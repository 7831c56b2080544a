/**
 * Who sent a datagram, and to which address: IP addresses as four words, as in wire/ip-text.ts. With a PROXY protocol header that is who it says, and
 * `proxy` is who has sent it on.
 */
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
  /** That was asked. */
  readonly localPort: number;
  /** 0: nobody is between. */
  readonly proxyPort: number;
  readonly proxy0: number;
  readonly proxy1: number;
  readonly proxy2: number;
  readonly proxy3: number;
}

/** Nobody is between. */
export const DIRECT = { proxyPort: 0, proxy0: 0, proxy1: 0, proxy2: 0, proxy3: 0 } as const;

/** How far they are: one has asked, the other one has answered, and then the first one has sent something again. */
export type Standing = 'new' | 'answered' | 'proven';
