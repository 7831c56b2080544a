/**
 * What the data plane needs from the world: time, memory, sockets. Implemented by `io/uring`, `io/node` and the simulator;
 * one shared test suite holds all three to this contract.
 *
 * Contract
 * - One thread. Handlers are called from the transport's turn only; no method of this interface calls a handler before it
 *   returns, so a handler may call anything, also close the socket it is called for.
 * - After `close()`, `reset()`, or the call of `handleClose`, no handler of that socket is called again.
 * - Memory is the arena's. A slot given to `handleData` comes with one reference, which the handler now owns; a slot given
 *   to `send` goes with one reference, which the transport releases when the bytes have left or will never leave.
 * - When memory is tight (`arena.pressure`), a socket that has sent everything counts one more segment as pending until the
 *   kernel has room for another slot. What a driver then sends a socket without pending segments leaves the arena at once.
 * - Operating failures (no descriptor, no memory, refused) are values; only bugs throw.
 */
import type { Address } from '../base/address.ts';
import type { KeepAlive } from '../base/keep-alive.ts';
import type { Arena } from '../base/arena.ts';
import type { LoopCells } from '../base/loop-cells.ts';
import type { Datagrams } from './datagram.ts';
import type { Outlet, OutletHandler } from './outlet.ts';

/** Why a socket ended without being closed by us. */
export type CloseReason =
  | 'reset' // the peer sent a reset, or the connection broke under a send
  | 'refused' // connect: nobody listens
  | 'timeout' // the kernel gave up (retransmission, keep-alive probes)
  | 'unreachable' // connect: no route, or the network says so
  | 'busy' // connect: the queue of a Unix socket is full; soon it may not be
  | 'no-port' // connect: no local port is free for this address, at none of its sources
  | 'no-resource' // connect: out of descriptors or memory on this machine
  | 'other';

export interface Transport {
  readonly arena: Arena;

  /** Sockets that hold a descriptor, listening ones excluded. */
  readonly socketCount: number;

  /** UDP. */
  readonly datagrams: Datagrams;

  /** Where its turns are counted, and what it does in them as far as it knows that. */
  loop: LoopCells;

  /** Milliseconds of a monotonic clock, taken once at the start of the turn. Comparable only within one process. */
  readonly now: number;

  /**
   * Makes an address ready for `connect`. The same address gives the same number until it is forgotten. With `sources` (port
   * 0), connections come from one of those of its family: from each in turn, and from the next one where one has no port left
   * or is not this machine's.
   */
  prepareAddress(address: Address, sources?: readonly Address[]): number;

  /**
   * Takes one `prepareAddress` back. With the last one the number may become another address's; connections that have begun go
   * on.
   */
  forgetAddress(preparedAddress: number): void;

  /**
   * Begins a connection with TCP_NODELAY. `handleConnect` or `handleClose` follows. Null: the socket could not even be
   * made (descriptors, memory).
   */
  connect(preparedAddress: number, handler: SocketHandler): Socket | null;

  /** Serves a listening descriptor that this process was handed. Accepted sockets have TCP_NODELAY. */
  listen(descriptor: number, handler: ListenHandler): ListenSocket;

  /**
   * Takes over a connected stream descriptor (the control channel). It receives into memory of its own, so that it is heard
   * whatever the other sockets hold; the handler should not keep the slot.
   */
  adopt(descriptor: number, handler: SocketHandler): Socket;

  /** Writes to a descriptor that this process was handed, and owns from now on. */
  openOutlet(descriptor: number, handler: OutletHandler): Outlet;

  /** Runs until `stop`; resolves when every socket is gone. `io/uring` blocks the thread for that time. */
  run(driver: TransportDriver): Promise<void>;

  /** The next turn begins at once, though nothing may have happened: the driver has work left that it does in parts. */
  requestTurn(): void;

  /** Ends `run` after this turn, dropping what is still open. */
  stop(): void;
}

export interface TransportDriver {
  /**
   * The start of a turn: something happened, a turn was requested, or TICK_MS passed. At most TICK_MS lie between two calls, and
   * at most POSTED_SLOTS slots are received into: what is scarce is seen before it has been given away.
   */
  handleTurn(now: number): void;
}

export interface ListenHandler {
  /** A connection came in. The socket has no handler until this sets `socket.handler`, which it must, or closes it. */
  handleAccept(socket: Socket): void;
}

export interface ListenSocket {
  /** Stops accepting; connections wait in the kernel's queue. A few that were on their way may still be handed over. */
  pause(): void;
  resume(): void;
  /** Stops accepting for good. The descriptor's other holders keep the queue. */
  close(): void;
}

export interface Socket {
  /** May be changed at any time, for example when a request becomes a tunnel. */
  handler: SocketHandler;

  /**
   * Queues `length` bytes of the arena from `offset`, all inside `slot`, and takes one reference of `slot`. Segments leave
   * in order. At most SEND_SEGMENTS_MAX may be pending. `more`: another segment follows at once (MSG_MORE).
   */
  send(slot: number, offset: number, length: number, more: boolean): void;

  /** Segments queued or in flight, or that can never leave. A driver stops reading the counterpart at 2. */
  readonly pendingSegments: number;

  /**
   * Bytes in the kernel's hands that the peer's kernel has not acknowledged, as far as this system tells. A system call: not for
   * the hot path. `reset` drops them.
   */
  readonly unacknowledgedBytes: number;
  /**
   * Whether the transport keeps a slot of a scarce size (`arena.isScarce`) for it: of a segment that has not left, or of data that
   * waits for `resume`. Not for the hot path.
   */
  readonly keepsScarce: boolean;

  /**
   * A number that changes when the peer's kernel acknowledges bytes: whether a peer that leaves segments pending still takes
   * something. Costs a system call. Always 0 where the system does not tell.
   */
  readonly acknowledgedBytes: number;

  /** Stops `handleData` and `handleEnd` until `resume`. What has already arrived is kept by the transport. Idempotent. */
  pause(): void;
  resume(): void;

  /**
   * Whatever comes in here from now on goes to `to`, byte for byte, and to nobody else. Its driver sends it there, and resumes this
   * socket whenever `to` has drained; but a transport that can may pass bulk on itself, and tells `watcher` instead of `handleData`.
   * `to` has nothing pending of it. Without effect where they are not sockets of one transport that can.
   */
  passTo(to: Socket, watcher: PassWatcher): void;

  /** Sends FIN after everything queued. Receiving goes on. Idempotent. */
  end(): void;

  /** Frees the socket now. What is queued and not in the kernel's hands is dropped. Idempotent. */
  close(): void;

  /** Frees the socket now and sends RST. Idempotent. */
  reset(): void;

  /** False: the peer has ended or broken the connection, though no handler may have been told yet. A system call. */
  readonly isStanding: boolean;

  /** TCP keep-alive from now on. Up to four system calls. */
  setKeepAlive(keepAlive: KeepAlive): void;

  /**
   * From now on the end of this process, or of the transport, resets the connection where it would send FIN: its peer takes what
   * ends with FIN for whole. `close` stays what it is. Two system calls, with that of `close`. Idempotent.
   */
  resetIfKilled(): void;

  /**
   * Writes the peer's address as 16 bytes (IPv4 as ::ffff:a.b.c.d; all zero for a Unix socket or an unknown peer) at
   * `into[at]` and returns its port.
   */
  remoteAddress(into: Uint8Array, at: number): number;

  /** The same of its own address. A system call: not for the hot path. */
  localAddress(into: Uint8Array, at: number): number;
}

export interface PassWatcher {
  /** So many bytes (>= 1) went where `passTo` says. Must not call the transport. */
  handlePassed(bytes: number): void;
}

export interface SocketHandler {
  /** The connection that `connect` began stands. */
  handleConnect(socket: Socket): void;

  /** `length` bytes (>= 1) came in at `offset`, inside `slot`; the handler owns one reference of `slot`. */
  handleData(socket: Socket, slot: number, offset: number, length: number): void;

  /** The peer sent FIN: no more data. Sending is still possible. */
  handleEnd(socket: Socket): void;

  /** `pendingSegments` fell to zero. */
  handleDrain(socket: Socket): void;

  /**
   * The socket broke and is gone; pending segments are dropped. Never called after our own `close` or `reset`. Comes behind
   * everything that the peer had sent before, also where it is a send that failed: then `handleData` goes on, `handleDrain`
   * comes no more, and `pendingSegments` stays.
   */
  handleClose(socket: Socket, reason: CloseReason): void;
}
