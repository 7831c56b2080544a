/** TLS, with clients and with servers. */

/** How a listener speaks TLS to its clients. What is secret is not in a plan (port/tls.ts). */
export interface TlsPlan {
  /** The first is the default. Empty: none of its certificates can be used, and it is not opened. */
  readonly entries: readonly TlsEntryPlan[];
  /** For clients that offer `acme-tls/1` alone (RFC 8737): authorities that look whether a name is ours. Without it none does. */
  readonly challenges?: readonly TlsEntryPlan[];
  /** What a client gets that names no entry's host, or none at all: the default's certificate, or an alert. */
  readonly unknownName: 'default' | 'refuse';
  readonly versions: readonly ('1.2' | '1.3')[];
  /** Of TLS 1.2, by OpenSSL's names, with colons between. */
  readonly ciphers: string;
  /** Of TLS 1.3. */
  readonly suites: string;
  readonly groups: string;
  readonly prefersOwnOrder: boolean;
  /** What is agreed on by ALPN, best first. Empty: nothing. */
  readonly protocols: readonly string[];
  /** Of the keys for session tickets, an identifier; empty: this node's own. Null: there are no tickets. */
  readonly tickets: string | null;
  /** Sessions without ticket are kept in the table that all proxies share. */
  readonly keepsSessions: boolean;
  /** For how long a session may be resumed. */
  readonly sessionSeconds: number;
  /** From the beginning of the connection to the end of the handshake. */
  readonly handshakeMs: number;
  /** Full handshakes that a proxy begins in a second, in all and of one source (core/tls/handshake-rate.ts). 0: any number. */
  readonly handshakes: { readonly perSecond: number; readonly perSource: number };
  /** What a client gets that speaks HTTP in clear. */
  readonly plainHttp: 'refuse' | 'redirect';
}

export interface TlsEntryPlan {
  /** Lower-case host names; `*.x` matches one label under x. */
  readonly names: readonly string[];
  /** Identifiers, one for each kind of key. */
  readonly credentials: readonly string[];
  /** What is asked of clients' certificates. Null: nothing. */
  readonly clients: TlsClientsPlan | null;
}

export interface TlsClientsPlan {
  /** `optional-no-ca`: a certificate may also be one that nobody known has issued. */
  readonly mode: 'require' | 'optional' | 'optional-no-ca';
  /** An identifier. Null: there is none. */
  readonly authorities: string | null;
  /** How many certificates may stand between a client's own and a root. */
  readonly depth: number;
}

/** How servers are spoken TLS with. */
export interface ServersTlsPlan {
  /** An identifier: whose certificates are believed. Null: who a server is does not matter. */
  readonly trust: string | null;
  /** Intermediate certificates that a chain may have; -1: as many as OpenSSL takes. */
  readonly verifyDepth: number;
  /** An identifier: who we are. Null: that is not said. */
  readonly credential: string | null;
  /** That a server's certificate has to be for. Null: the host that the server is written with. */
  readonly serverName: string | null;
  readonly sendsName: boolean;
  /** As of TlsPlan. */
  readonly versions: readonly ('1.2' | '1.3')[];
  readonly ciphers: string;
  readonly suites: string;
  readonly groups: string;
  readonly protocols: readonly string[];
  readonly reusesSessions: boolean;
}

export interface TriesPlan {
  readonly attempts: number;
  /** 0: there is no limit. */
  readonly withinMs: number;
}
