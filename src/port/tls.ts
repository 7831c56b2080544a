/**
 * TLS as a proxy needs it: contexts, and sessions that turn bytes of the arena into other bytes of the arena. No socket is known
 * to it. Implemented by `io/openssl`.
 */

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

/** OpenSSL does not take it, or is not there. The message says what and why. */
export class TlsRefusal extends Error {
  override readonly name: string = 'TlsRefusal';
}

export interface Tls {
  /** Throws TlsRefusal: what was checked before may have changed, or there is no memory. */
  createContext(settings: TlsSettings, credentials: readonly Credential[]): TlsContext;
  /** A server's session with a client that has just connected. Null: out of memory. */
  accept(acceptor: TlsAcceptor): TlsSession | null;
}

/** As of TlsPlan; an empty text is what OpenSSL has by itself. */
export interface TlsSettings {
  readonly versions: readonly ('1.2' | '1.3')[];
  readonly ciphers: string;
  readonly suites: string;
  readonly groups: string;
  readonly prefersOwnOrder: boolean;
}

export interface TlsContext {
  setTicketKey(key: Uint8Array): void;
  /** Sessions that have it keep it. To be called once. */
  free(): void;
}

/** Whoever takes clients. */
export interface TlsAcceptor {
  /** Of clients that have not said yet whom they want. */
  readonly context: TlsContext;
  /** Best first; empty: none. A client that wants none of them is refused. */
  readonly protocols: readonly string[];
  /** For a client that wants this host, or `''`, any. Null: it is refused. */
  contextFor(host: string): TlsContext | null;
}

/** `TlsSession.handshake`: done. What was fed behind it is unread. */
export const TLS_DONE = 1;
/** What was fed is used up, and more has to come. */
export const TLS_WANTS_MORE = 0;
/** The peer has said that it sends no more. */
export const TLS_ENDED = -1;
/** See `failure`. An alert may be there to be taken. */
export const TLS_FAILED = -2;

/**
 * Bytes from the peer are fed and read; bytes for the peer are written and taken. Sessions share one input and one output: what is fed has to be
 * read, or given up by `feed(0, 0)`, and what is written taken, before another session is called.
 */
export interface TlsSession {
  /** `read` may have made something to be taken though it gave bytes. Whoever has taken it says false. */
  hasSpoken: boolean;
  /** Messages behind the handshake by which the peer changes its keys, or tries to. */
  readonly rekeyings: number;
  /** Of what was fed, bytes that were not read yet. */
  readonly unreadBytes: number;

  /** Goes on with the handshake: TLS_DONE, TLS_WANTS_MORE or TLS_FAILED. In each case there may be something to be taken. */
  handshake(): number;

  /** `length` bytes from the peer at `offset`, which must stay there until they are read. */
  feed(offset: number, length: number): void;
  /**
   * Decrypts up to `room` bytes to `offset`, of one record: how many, or a TLS_ code. Less than `room` and nothing unread: there is no more.
   * Where what was fed began a record, it may be read to the place that it was fed from.
   */
  read(offset: number, room: number): number;
  /** Encrypts. False: the session has failed. */
  write(offset: number, length: number): boolean;
  /** How many bytes for the peer are at `offset` now. Less than `room`: those are all. */
  take(offset: number, room: number): number;
  /** Takes what is there and drops it. */
  dropOutput(): void;
  /** Tells the peer that no more comes. */
  end(): void;
  free(): void;

  /** What was agreed on by ALPN. */
  readonly protocol: string | null;
  /** Empty when the session is freed, as the next one. `TLSv1.3` */
  readonly version: string;
  readonly cipher: string;
  /** The host that the client wants, in lower case; empty: none. */
  readonly serverName: string;
  /** Why it has failed, in OpenSSL's words. */
  readonly failure: string;
}
