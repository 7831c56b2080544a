/**
 * Datagrams, beside the streams of transport.ts: what a UDP listener needs of the world.
 *
 * Contract
 * - As in transport.ts: one thread; handlers are called from the transport's turn only; after `close` no handler is called
 *   again.
 * - Bytes that a handler is given are the transport's, and stay as they are until it returns. `send` and `sendTo` take bytes that a
 *   handler has just been given; nothing is copied.
 * - A datagram leaves at once or never: nothing is kept for a peer that does not take it. What the system refuses is dropped, and
 *   `handleDropped` is told.
 */
import type { Correspondents } from '../base/correspondents.ts';

/** What may be put in front of a datagram that came in at a bound socket. */
export const HEAD_BYTES_MAX = 52;

/** Why a datagram that was to be sent was not. */
export type DropReason =
  | 'full' // the system has no room for it now
  | 'too-large' // for the way
  | 'refused'; // no route, a filter, and the like

/** What is in the way to a server. */
export type FlowFailure =
  | 'refused' // nobody listens there (ICMP port unreachable)
  | 'unreachable' // no route, or the network says so
  | 'no-port' // no local port is left
  | 'no-resource' // out of descriptors or memory on this machine
  | 'other';

export interface Datagrams {
  /**
   * A bound UDP socket that this process was handed, and owns its descriptor. Nothing is received before `start`. Other processes
   * may hold it too: each datagram is received by one of those that receive.
   */
  bind(descriptor: number, handler: DatagramHandler): DatagramSocket;

  /**
   * A socket of its own that talks with the address alone, of Transport.prepareAddress. `answersOne`: no more than one datagram is
   * expected at a time; a matter of cost only. A reason: it could not be made.
   */
  open(preparedAddress: number, handler: FlowHandler, tag: number, answersOne: boolean): Flow | FlowFailure;

  /**
   * As `open`, of a socket that another process has connected; owns the descriptor. What comes to it is received by one of those that
   * hold it. Null: there may be no more sockets, and it is closed.
   */
  adopt(descriptor: number, handler: FlowHandler, tag: number): Flow | null;
}

export interface DatagramHandler {
  /** `length` bytes (>= 0) came in. `socket.from` says who sent them. */
  handleDatagram(socket: DatagramSocket, bytes: Uint8Array, offset: number, length: number): void;
  /** A datagram that `sendTo` took did not leave. */
  handleDropped(socket: DatagramSocket, reason: DropReason): void;
}

export interface DatagramSocket {
  /** That it is bound to. */
  readonly port: number;
  /** `from` says which address was asked. Without it that is all zero. */
  readonly knowsAsked: boolean;

  /** Of the datagram that the handler is given now. */
  readonly from: Correspondents;

  /**
   * The way back to who sent the datagram that the handler is given now, from the address that it has asked; to be given back
   * with `forgetReturn`.
   */
  keepReturn(): number;
  forgetReturn(returnAddress: number): void;
  /** The same way to any client: not a link-local address, which says nothing without its interface. */
  keepReturnTo(client: Correspondents): number;

  sendTo(returnAddress: number, bytes: Uint8Array, offset: number, length: number): void;

  /** Receives from now on. Once. */
  start(): void;

  /** Receives no more, and leaves what waits to whoever else has the socket. Sending goes on. Idempotent. */
  stop(): void;

  /** After `stop`: what had been received until then has been handed over. */
  readonly isStopped: boolean;

  /** Idempotent. */
  close(): void;
}

export interface FlowHandler {
  /** `length` bytes (>= 0) came from its peer. */
  handleAnswer(flow: Flow, bytes: Uint8Array, offset: number, length: number): void;
  /** A datagram of its did not leave. */
  handleFlowDropped(flow: Flow, reason: DropReason): void;
  /** The peer, or the network, says that nobody is there (ICMP), or what `open` could not know yet. The flow stays open. */
  handleUnreachable(flow: Flow, reason: FlowFailure): void;
}

export interface Flow {
  /** As given to `open`. */
  readonly tag: number;
  /** Its socket, of which another process may be sent a copy; -1: not yet. */
  readonly descriptor: number;
  send(bytes: Uint8Array, offset: number, length: number): void;
  /** As `send`, with the first `headBytes` bytes of `head` in front: up to HEAD_BYTES_MAX. What was given in front of `offset` may be gone then. */
  sendBehind(head: Uint8Array, headBytes: number, bytes: Uint8Array, offset: number, length: number): void;
  /** Receives no more, and leaves what comes to whoever else has the socket. What had been received is handed over still. */
  stop(): void;
  /** Idempotent. */
  close(): void;
}
