/**
 * A layer between the port's sockets and the protocols: what has to be done on a connection before a protocol may have it (a
 * header is read or written, keys are agreed on), and what goes on below the protocol from then on.
 *
 * It is the same on both sides: a listener opens its layer on what it has accepted (arrival.ts), an upstream on what it has
 * connected (dial.ts). Without one, the protocol gets the port's own socket, and nothing is in between. Two layers are a layer
 * that opens the other.
 */
import type { ServerPlan, UpstreamPlan } from '../config/plan/upstream.ts';
import type { Judgement } from '../core/tls/client-policies.ts';
import type { TlsFacts, ToldConnection } from '../core/value/request-view.ts';
import type { CloseReason, Socket } from '../port/transport.ts';
import type { ClientHello } from '../wire/tls/client-hello.ts';

export interface Layer {
  /**
   * Takes over `socket`, which stands. Tells `above` what has become of it, once: now, or in a later turn. `peer`: who is there, if
   * that is another than the socket says.
   */
  open(socket: Socket, above: LayerUser, peer?: PeerAddress | null): Opening;
}

export interface LayerUser {
  /**
   * The connection is the protocol's from here: `socket` is the one from below, or one that the layer has put over it. It is
   * to be given a handler before this returns; bytes that the layer has and that are the protocol's follow at once.
   */
  handleOpen(socket: Socket, info: ConnectionInfo): void;
  /** The socket is closed. */
  handleOpenFailed(reason: OpenFailure): void;
}

/** `handshake`: both sides could not agree, or the peer is not who it has to be. */
export type OpenFailure = CloseReason | 'handshake';

/** Of one server: what connections to it go through. It stays for as long as somebody retains it, at first who has made it. */
export interface ServerLayer extends Layer {
  /** Why the last handshake failed, for people. */
  readonly failure: string;
  retain(): void;
  release(): void;
}

/** Null: nothing is between. */
export type MakeServerLayer = (upstream: UpstreamPlan, server: ServerPlan) => ServerLayer | null;

/** A layer at work. */
export interface Opening {
  /** It keeps a slot of a scarce size (`arena.isScarce`). */
  readonly keepsScarce: boolean;
  /** It is not wanted any more: closes the socket and tells nobody. */
  cancel(): void;
}

/** Of a layer that has told at once that it cannot. */
export const NOT_OPENED: Opening = { keepsScarce: false, cancel: () => undefined };

/** Where a connection comes from, and what address it came to: of all that a socket is, what a layer may know better. */
export interface PeerAddress {
  /** As of Socket. */
  remoteAddress(into: Uint8Array, at: number): number;
  localAddress(into: Uint8Array, at: number): number;
}

/** What a layer has found out. */
export interface ConnectionInfo {
  /** Who the client is; null: who the socket says. */
  readonly peer: PeerAddress | null;
  /** What a PROXY protocol header says of it, believed or not; null: there was none, or it says nothing. */
  readonly told: ToldConnection | null;
  /** What both sides have agreed to speak, as ALPN names it (RFC 7301): `http/1.1`. Null: they have not. */
  readonly protocol: string | null;
  /** Null: what is sent can be read on its way. */
  readonly tls: TlsFacts | null;
  /** What a TLS client has said whose connection is passed on as it is. Null: nothing, or it does not speak TLS. */
  readonly hello: ClientHello | null;
  /** Before its hello, as PostgreSQL's clients do: the server has to be asked, too. */
  readonly hasAskedForTls: boolean;
  /** Has a say in each request. Null: any may come. */
  readonly gate: HostGate | null;
}

/** Requests of a connection that may not be for every host. */
export interface HostGate {
  /** `host`: where in `bytes` its name is, as sent, without a port. */
  judge(bytes: Uint8Array, host: number, length: number): Judgement;
}

export const NOTHING_KNOWN: ConnectionInfo = {
  peer: null,
  told: null,
  protocol: null,
  tls: null,
  hello: null,
  hasAskedForTls: false,
  gate: null,
};
