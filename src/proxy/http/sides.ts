/**
 * The two sides of an exchange, as it sees them: a client's connection or stream, and a server's. Neither knows the other, and
 * none of these interfaces knows a version of HTTP; `http1` and `http2` implement both.
 *
 * Heads are those of the context: they hold until the call returns. Bodies pass in the slots that they were received in.
 */
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { Failure } from '../../core/retry.ts';
import type { ConnectionInfo, PeerAddress } from '../layer.ts';
import type { RelayTimes } from '../relay.ts';
import type { Socket } from '../../port/transport.ts';
import type { ResponseHead } from '../../wire/http1/head.ts';
import type { HeaderEdit } from './header-edit.ts';
import type { KeptRequest } from './kept-request.ts';
import type { Mirror } from './mirror.ts';
import type { OwnResponse } from './own-responses.ts';
import type { TargetBy } from './target-by.ts';

/** Where the bytes of a body go. */
export interface BodySink {
  /** It has enough for now: nothing may be sent. */
  readonly isFull: boolean;
  /** A chunked body passes as it came, with its framing and trailers; else its content alone. */
  readonly takesChunks: boolean;
  /**
   * Sends `length` bytes of `slot`, whose one reference it takes, behind a head that waits for them. A body whose length nobody
   * knows comes in whole received segments. False: no slot was free; nothing was sent or taken.
   */
  send(slot: number, offset: number, length: number): boolean;
  /** The same, of a slot that nobody else has a part of, and with it the body is complete: `finish` does not follow. */
  sendLast(slot: number, offset: number, length: number): boolean;
  /** A head that waits goes without its body, which is still to come. False: no slot was free, nothing was sent. */
  flush(): boolean;
  /**
   * Of a sink that does not take chunks: the lines of the trailer section behind the body, up to and with the empty line; they are the caller's. False: no slot
   * was free.
   */
  sendTrailers(offset: number, length: number): boolean;
  /** The body is complete. False: no slot was free for its end. */
  finish(): boolean;
}

/** The client of an exchange. */
export interface ClientSide {
  readonly sink: BodySink;
  /** Every byte of the request has been taken from the client. */
  readonly isRequestComplete: boolean;
  /** Its body goes in chunks, with their framing, to a sink that takes them. */
  readonly sendsChunks: boolean;
  /** A part of the request's body is here and will follow the head at once. */
  readonly hasBodyWaiting: boolean;
  /** The response is handed on. Of the request more is to come, and goes to the server. */
  readonly wantsRestRead: boolean;
  /** Whose connection it is. */
  readonly address: PeerAddress;
  /** What a layer below it has found out. */
  readonly info: ConnectionInfo | null;
  readonly listenerPlan: ListenerPlan;
  /** Of the current request: what was taken from the client, and what was handed on to it. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly sentHeadBytes: number;

  /** The server takes what is here of the request's body. */
  pump(): void;
  /** The server has more for the client than it takes. */
  noteBacklog(): void;

  /** A 1xx head other than 101. False: no slot was free. */
  sendInterim(head: ResponseHead): boolean;
  /**
   * Begins the final response; what there is of its body must go to `sink` at once. `body`: BODY_..., as the server frames it.
   * `edit` with its `lines`: what the route changes. `isReusable`: the server keeps its connection.
   */
  beginResponse(head: ResponseHead, edit: HeaderEdit, lines: Uint8Array, body: number, isReusable: boolean): void;
  /** A server's 101, with this head, is what this client has asked for. */
  agreesTo(head: ResponseHead): boolean;
  /** 101: what follows is no HTTP, and `beginTunnel` does. False: no slot was free. */
  sendSwitching(head: ResponseHead, edit: HeaderEdit, lines: Uint8Array): boolean;
  beginTunnel(tunnel: Tunnel, socket: Socket): void;
  handleResponseComplete(): void;
  /** It ended in the middle, for this reason (core/endings.ts). */
  handleResponseBroken(ending: number): void;

  /** The request goes to a server: its copies, too, to where its route says. */
  sendCopies(mirrors: readonly Mirror[]): void;
  /** The request goes on elsewhere: with the route or target that a response has named in this text. */
  goOn(text: Uint8Array, by: TargetBy): void;
  /** The request waits for an answer to the exchange's next question. */
  ask(): void;
  /** Those who were asked have decided: with what they have said, the request goes to a server of its route, or is refused. */
  settle(): void;
  /** An answer of the proxy's own instead of a response. */
  answer(response: OwnResponse): void;
  /** The same if the client can still be given one. */
  giveUp(response: OwnResponse): void;
}

/** What is left of a server's side when its socket has become one end of a tunnel. */
export interface Tunnel {
  /** Silence that ends it. */
  readonly times: RelayTimes;
  /** When it has to have ended, because no plan has the server any more. */
  readonly retireAt: number;
  endTunnel(): void;
}

/** A server's connection or stream: it works for one exchange at a time. */
export interface ServerSide {
  readonly sink: BodySink;
  /** The exchange may send. */
  readonly isReady: boolean;
  /** The connection stood at some time. */
  readonly wasConnected: boolean;

  /** It was just taken from the pool, and works for this exchange. */
  reuse(exchange: ResponseHandler): void;
  /**
   * `hasBodyWaiting`: more of the request is here, and follows at once if there is room for it. `isWhole`: nothing follows, what is kept is all of
   * the request.
   */
  sendRequest(request: KeptRequest, hasBodyWaiting: boolean, isWhole: boolean): void;
  /** The request moved on. */
  touch(): void;
  /** The client takes more of the response. */
  pump(): void;
  /** All of a request was sent whose response was complete before. */
  finishRest(): void;
  /** A failure (FAILED_...) that is no more than this: the server had closed the connection while it was idle. */
  isStale(how: Failure): boolean;
  /** The exchange gives this try up. */
  abandon(): void;

  /** Whether it keeps a slot of a size that is scarce. */
  readonly keepsScarce: boolean;
  /** Changes while the server takes the request. */
  readonly acknowledgedBytes: number;
}

/** A connection that rests in a pool: since when, and its neighbours. */
export interface Pooled {
  /** False: the server has ended it already, which nobody was told yet. A system call. */
  readonly isStanding: boolean;
  /** It was taken out: what works for the next exchange. `reuse` follows. */
  join(): ServerSide;
  idleSince: number;
  newer: Pooled | null;
  older: Pooled | null;
  /** Idempotent. */
  close(): void;
  /** The same so that its local port is free at once. */
  reset(): void;
}

/** A connection that is used for several exchanges at the same time, and has room for more; and its neighbours among those of its server. */
export interface Shared {
  /** What works for one of them; `reuse` follows. */
  join(): ServerSide;
  sharedBefore: Shared | null;
  sharedBehind: Shared | null;
}

/** A connection that is the side of one exchange after the other. */
export interface PooledSide extends ServerSide, Pooled {}

/** What a server's side has of the exchange that it works for. */
export interface ResponseHandler {
  /** METHOD_... */
  readonly method: number;
  readonly wantsUpgrade: boolean;
  readonly isRequestComplete: boolean;
  readonly wantsRestRead: boolean;
  /** Where the response's body goes. */
  readonly responseSink: BodySink;
  /** Whose connection the exchange came over. */
  readonly clientAddress: PeerAddress;
  readonly clientInfo: ConnectionInfo | null;
  /** Writes the request's identifier, if it has one of ours, at `at` and returns the offset behind it. */
  emitRequestId(into: Uint8Array, at: number): number;

  /** The new connection stands, and this is what works for the exchange on it. */
  handleServerReady(server: ServerSide): void;
  /** The server takes more of the request. */
  pumpRequest(): void;
  noteBacklog(): void;
  /** Whether a response with this status is to be dropped and the request tried elsewhere. */
  retriesStatus(status: number): boolean;
  /** The same of a call of gRPC, to which this head is all of the response: by which status of gRPC; 0: it is not. */
  retriesCall(head: ResponseHead): number;
  /** A response with this head says where its request goes on: it is not for the client, and `handleGoesOn` follows. */
  goesOnBy(head: ResponseHead): boolean;
  handleGoesOn(): void;
  /** The client gets none of a body, whatever the server sends. */
  readonly leavesBody: boolean;
  /** The try on `server`, which is closed, failed before a response began: how (FAILED_...), or with which status. */
  handleTryFailed(how: Failure, status: number, server: ServerSide): void;

  /** As of the ClientSide. False: what the route makes of the head is too long; nothing was sent. */
  passInterim(head: ResponseHead): boolean;
  beginResponse(head: ResponseHead, body: number, isReusable: boolean): boolean;
  /** Whether a 101 with this head may be passed on. */
  mayChange(head: ResponseHead): boolean;
  passSwitching(head: ResponseHead): boolean;
  beginTunnel(tunnel: Tunnel, socket: Socket): void;
  /** The client has been sent a response's head: from here the request cannot be tried again. */
  noteResponseBegun(): void;
  /** The response is complete before its request, and the server reads on. */
  handleResponseAhead(): void;
  handleResponseComplete(): void;
  /** `ending`: of core/endings.ts. */
  handleResponseBroken(ending: number): void;
}
