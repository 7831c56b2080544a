/**
 * TLS as a proxy needs it: contexts, and sessions that turn bytes of the arena into other bytes of the arena. No socket is known
 * to it. Implemented by `io/openssl`.
 */

import type { ClientCertificateFacts } from '../base/client-certificate.ts';

/** What a proxy is handed beside a plan so that it can speak TLS, and never finds in the plan itself: that may be read. */
export interface Secrets {
  readonly credentials: readonly Credential[];
  /** Not secret, and as large. */
  readonly authorities: readonly Authorities[];
  /** The same in all proxies. */
  readonly ticketKeys: readonly TicketKeys[];
}

/** For session tickets. */
export interface TicketKeys {
  /** As the plan names them. */
  readonly id: string;
  /**
   * The first one encrypts, each decrypts. 80 bytes: name (16), HMAC (32), AES (32); or 48, for AES-128: name, AES, HMAC, 16 each. These are
   * nginx's key files.
   */
  readonly keys: readonly Uint8Array[];
}

/** What ticket keys are made of. */
export interface TicketSource {
  readonly id: string;
  /** `secrets`: keys are derived from them and the time; `keys`: they are it. */
  readonly kind: 'secrets' | 'keys';
  /** The first one is for new sessions. */
  readonly bytes: readonly Uint8Array[];
}

/** What of it was read from files. */
export interface TlsMaterial extends Omit<Secrets, 'ticketKeys'> {
  readonly ticketSources: readonly TicketSource[];
}

/** A certificate with its key. */
export interface Credential {
  /** As the plan names it: a hash of what it is. */
  readonly id: string;
  /** DER, the server's own certificate first. */
  readonly chain: readonly Uint8Array[];
  /** PKCS#8, DER. */
  readonly key: Uint8Array;
  /** For clients that ask for it. Null: there is none. */
  readonly staple: Staple | null;
}

/** An OCSP response about a certificate. */
export interface Staple {
  /** DER. */
  readonly response: Uint8Array;
  /** Unix time; Infinity: it does not say. Behind it, it is not stapled. */
  readonly untilMs: number;
}

/** Who may have issued the certificates of clients, or of servers, and what they have revoked. */
export interface Authorities {
  /** As the plan names it: a hash of what it is. */
  readonly id: string;
  /** DER. */
  readonly certificates: readonly Uint8Array[];
  /** The names of so many of them, the first ones, are told to clients, who choose by them. */
  readonly announced: number;
  /** DER. With any, each certificate on the way to the root needs one. */
  readonly revocations: readonly Uint8Array[];
}

/** For plans that need none. */
export const NO_SECRETS: Secrets = { credentials: [], authorities: [], ticketKeys: [] };
export const NO_MATERIAL: TlsMaterial = { credentials: [], authorities: [], ticketSources: [] };

/** OpenSSL does not take it, or is not there. The message says what and why. */
export class TlsRefusal extends Error {
  override readonly name: string = 'TlsRefusal';
}

export interface Tls {
  /** Throws TlsRefusal: what was checked before may have changed, or there is no memory. */
  createContext(settings: TlsSettings, credentials: readonly Credential[], clients: ClientSettings): TlsContext;
  /** A server's session with a client that has just connected. Null: out of memory. */
  accept(acceptor: TlsAcceptor): TlsSession | null;
  /** Throws as `createContext`. `credential`: who we are; null: that is not said. `trusted` null: every server is believed. */
  createServersContext(
    settings: TlsServersSettings,
    credential: Credential | null,
    trusted: Authorities | null,
  ): TlsContext;
  /** A client's session with a server that has just been connected to. Null: out of memory. */
  connect(connector: TlsConnector): TlsSession | null;
}

/** Sessions by their identifiers, which are up to 32 bytes. */
export interface SessionStore {
  /** `timeS`: Unix time. It need not be kept. */
  put(id: Uint8Array, session: Uint8Array, timeS: number): void;
  /** Any bytes, which hold until the next call. Null: there is none. */
  find(id: Uint8Array): Uint8Array | null;
  remove(id: Uint8Array): void;
}

/** As of TlsPlan; an empty text is what OpenSSL has by itself. */
export interface TlsSettings {
  readonly versions: readonly ('1.2' | '1.3')[];
  readonly ciphers: string;
  readonly suites: string;
  readonly groups: string;
  readonly prefersOwnOrder: boolean;
}

/** The same towards servers. */
export interface TlsServersSettings extends TlsSettings {
  /** Intermediate certificates that a chain may have; -1: as many as OpenSSL takes. */
  readonly verifyDepth: number;
  /** Offered by ALPN, best first; empty: it is not spoken of. */
  readonly protocols: readonly string[];
  readonly keepsTickets: boolean;
}

/** What clients are asked for besides, and what is kept of them. */
export interface ClientSettings {
  /** Sessions for which there is no ticket are kept in a SessionStore. */
  readonly keepsSessions: boolean;
  /** For so long after its handshake a session may be resumed. */
  readonly sessionSeconds: number;
  /**
   * Who the client wants is asked before its session is looked at: where that decides which certificates of clients are
   * asked for, a session must not go on by the rules of another name.
   */
  readonly choosesEarly: boolean;
  /** Null: no certificate. */
  readonly asked: AskedOfClients | null;
}

export const ASKS_NOTHING: ClientSettings = {
  keepsSessions: false,
  sessionSeconds: 7200,
  choosesEarly: false,
  asked: null,
};

/** A certificate. What becomes of clients that have none, or a wrong one, is for the session's owner to say. */
export interface AskedOfClients {
  /** Null: no certificate is right. */
  readonly authorities: Authorities | null;
  /** How many certificates may stand between a client's own and a root. */
  readonly depth: number;
  /** Sessions go on only where the same is asked for: a text for what that is. */
  readonly policy: string;
}

export interface TlsContext {
  /** Of one for clients. The first one encrypts. They are copied; those before are overwritten. None: no tickets. */
  setTicketKeys(keys: readonly Uint8Array[]): void;
  /** Sessions that have it keep it. To be called once. */
  free(): void;
}

/** By which an authority looks whether a name is ours (RFC 8737 section 4). */
export const ACME_PROTOCOL = 'acme-tls/1';

/** Whoever takes clients. */
export interface TlsAcceptor {
  /** Of clients that have not said yet whom they want. */
  readonly context: TlsContext;
  /** Best first; empty: none. A client that wants none of them is refused. */
  readonly protocols: readonly string[];
  /** By host, for clients that offer ACME_PROTOCOL alone, who get no other. Null: that is a protocol like any other. Needs `choosesEarly`. */
  readonly challenges: ReadonlyMap<string, TlsContext> | null;
  /** For a client that wants this host, or `''`, any. Null: it is refused. */
  contextFor(host: string): TlsContext | null;
}

/** What resumes a session with the server that has given it. */
export interface TlsTicket {
  free(): void;
}

/** Whoever connects to a server. */
export interface TlsConnector {
  /** Of `createServersContext`. */
  readonly context: TlsContext;
  /** Is sent (SNI). Null: none. */
  readonly sentName: string | null;
  /** Host or IP address that the server's certificate has to be for. Null: any. */
  readonly verifiedName: string | null;
  /** Null: a whole handshake. */
  readonly ticket: TlsTicket | null;
  /** The server has given one: now, or at any time of a session. Takes it over. */
  keepTicket(ticket: TlsTicket): void;
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
  /** `read` may leave output to be taken although it returned bytes. Whoever takes that resets this. */
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

  /** It goes on from an earlier session. Known as soon as the client's hello is answered. */
  readonly isResumed: boolean;
  /** The client's hello is answered, and not by going on from an earlier session. False once it is freed. */
  readonly isWhole: boolean;
  /** What was agreed on by ALPN. */
  readonly protocol: string | null;
  /** Empty when the session is freed, as the next one. `TLSv1.3` */
  readonly version: string;
  readonly cipher: string;
  /** Of the key exchange. */
  readonly group: string;
  /** What the client offers, as OpenSSL names them, else hexadecimal, with colons between them. Of a session with a server empty. */
  readonly offeredCiphers: string;
  readonly offeredGroups: string;
  /** Hexadecimal. */
  readonly sessionId: string;
  /** The host that the client wants, in lower case; empty: none. */
  readonly serverName: string;
  /** What the client has shown, right or wrong. Null: nothing, or it was not asked. */
  readonly client: ClientCertificate | null;
  /** Why it has failed, in OpenSSL's words. */
  readonly failure: string;
}

/** Texts are made when they are asked for; empty when the session is freed. */
export interface ClientCertificate extends ClientCertificateFacts {
  /** 0: it is right. Else OpenSSL's X509_V_ERR_ */
  readonly error: number;
}
