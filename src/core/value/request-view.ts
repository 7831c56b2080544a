/** A request as values see it: its head, and what is known of it besides. One object, filled anew for each request. */
import type { ClientCertificateFacts } from '../../base/client-certificate.ts';
import type { RequestHead } from '../../wire/http1/head.ts';
import { IpWords } from '../../wire/ip-text.ts';
import type { TraceContext } from '../trace/trace-context.ts';
import { Variables } from './variables.ts';

const NOTHING: Uint8Array = new Uint8Array(0);

/** The connection that a request came over. */
export interface Connection {
  /** Its number among those of this proxy. */
  readonly number: number;
  /** So many have come over it, this one included. */
  readonly requests: number;
  /** Since it was accepted. */
  readonly ageMs: number;
  /** As of a socket. */
  remoteAddress(into: Uint8Array, at: number): number;
  localAddress(into: Uint8Array, at: number): number;
  /** The same, whatever a header says that is believed. */
  senderAddress(into: Uint8Array, at: number): number;
  /** The same as a PROXY protocol header has it, believed or not. Null: there was none. */
  readonly told: ToldConnection | null;
  /** Null: what comes over it could be read on its way. */
  readonly tls: TlsFacts | null;
}

/** What a PROXY protocol header says. The texts are ASCII, and empty where it says nothing. */
export interface ToldConnection {
  /** As of a socket. */
  remoteAddress(into: Uint8Array, at: number): number;
  localAddress(into: Uint8Array, at: number): number;
  /** The host that the client has asked for. */
  readonly authority: string;
  /** Of the connection. */
  readonly uniqueId: string;
  /** All values of the header behind its addresses, as they came. */
  readonly tlvs: Uint8Array;
}

/** What was agreed on. The texts are ASCII, and empty where there is none. */
export interface TlsFacts {
  /** `TLSv1.3` */
  readonly version: string;
  readonly cipher: string;
  /** Of the key exchange. */
  readonly group: string;
  /** What the client offers, as OpenSSL names them, else hexadecimal, with colons between them. */
  readonly offeredCiphers: string;
  readonly offeredGroups: string;
  /** What was agreed on by ALPN; null: nothing. */
  readonly protocol: string | null;
  /** Of the session, hexadecimal. */
  readonly sessionId: string;
  /** The host that the client has asked for in its handshake. */
  readonly serverName: string;
  /** Its session is one of an earlier connection. */
  readonly isResumed: boolean;
  /** Null: the client has shown none, or was not asked. */
  readonly client: ClientCertificateFacts | null;
}

/** Gives a request that has no identifier one. */
export interface RequestIdentifier {
  identify(view: RequestView): void;
}

/** Says in which trace a request is; it is in one. */
export interface RequestTracer {
  traceOf(view: RequestView): TraceContext;
}

export class RequestView {
  /** Holds the head's bytes; valid only as long as they are there. */
  readonly bytes: Uint8Array;
  readonly head: RequestHead;
  /** Who the client is: the peer, or whom trusted proxies name. */
  readonly client = new IpWords();
  /** Who is connected. */
  readonly peer = new IpWords();
  /** It has been filled for the request in the head; else it has no more than that. */
  isComplete = false;
  /** The peer is a trusted proxy: what it says of the request is believed. */
  isTrusted = false;
  /** A field is spelt so that some servers take it for one that a condition asks for. */
  hasLookalike = false;
  /** The request's identifier. Length 0: it has none yet, and gets one when somebody asks. */
  requestIdBytes: Uint8Array;
  requestId = 0;
  requestIdLength = 0;
  identifier: RequestIdentifier | null = null;
  /** Null: nobody has asked for it yet. */
  trace: TraceContext | null = null;
  /** Null: requests are not traced. */
  tracer: RequestTracer | null = null;

  /** Null: nothing is known of it. */
  connection: Connection | null = null;
  readonly variables: Variables<RequestView>;
  /** Milliseconds since 1970. */
  wallClockMs: () => number = () => 0;
  /** The name of this machine. */
  hostname: Uint8Array = new Uint8Array(0);
  /** Where it goes, as its own text says; empty: that is the route's matter. */
  serverBy: Uint8Array = NOTHING;
  serverByPort: Uint8Array = NOTHING;

  // --- a target that is not the one that was sent ---
  /** The head's target, path and query are what steps of a route made of those that were sent, which are here. */
  isRewritten = false;
  /** The status of an answer, whatever the route says; 0: what it says. */
  answerStatus = 0;
  /** With such a status: the Location that it needs where the route has none. Null: there is none either. */
  answerLocation: Uint8Array | null = null;
  /** The path begins with what the route's rule says; false: it was put in its place by the route itself. */
  isPlaced = true;
  sentPath = 0;
  sentPathLength = 0;
  sentQuery = 0;
  sentQueryLength = 0;
  /** Where in `bytes` a new target may be written; empty: nowhere. */
  private readonly targetAt: number;
  private readonly targetEnd: number;

  constructor(
    bytes: Uint8Array,
    head: RequestHead,
    variables = new Variables<RequestView>(),
    target: { readonly at: number; readonly end: number } = { at: 0, end: 0 },
  ) {
    this.targetAt = target.at;
    this.targetEnd = target.end;
    this.variables = variables;
    this.bytes = bytes;
    this.requestIdBytes = bytes;
    this.head = head;
  }

  /**
   * From here the request is for the target in the `length` bytes of `target`, whose query begins at `question`; without one it
   * is `length`. False: it is too long.
   */
  rewrite(target: Uint8Array, question: number, length: number): boolean {
    const { bytes, head, targetAt: at } = this;
    if (at + length > this.targetEnd) return false;
    if (!this.isRewritten) {
      this.isRewritten = true;
      this.sentPath = head.path;
      this.sentPathLength = head.pathLength - head.queryLength;
      this.sentQuery = head.query;
      this.sentQueryLength = head.queryLength;
    }
    for (let i = 0; i < length; i++) bytes[at + i] = target[i];
    head.target = head.path = at;
    head.targetLength = head.pathLength = length;
    head.query = at + question;
    head.queryLength = length - question;
    return true;
  }
}
