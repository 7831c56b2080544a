/** What a proxy is handed beside a plan so that it can speak TLS, and never finds in the plan itself: that may be read. */

export interface Secrets {
  readonly credentials: readonly Credential[];
  /** For session tickets, the same in all proxies: 16 bytes of name, 32 for HMAC, 32 for AES. */
  readonly ticketKey: Uint8Array;
}

/** A certificate with its key. */
export interface Credential {
  /** As the plan names it: a hash of what it is. */
  readonly id: string;
  /** DER, the server's own certificate first. */
  readonly chain: readonly Uint8Array[];
  /** PKCS#8, DER. */
  readonly key: Uint8Array;
}

/** For plans that need none. */
export const NO_SECRETS: Secrets = { credentials: [], ticketKey: new Uint8Array(80) };
