/**
 * The other side of the contract suite: what is needed around a transport to test it. `loopback.ts` makes it of real
 * sockets in another thread; a simulator makes it of its own network.
 *
 * Nothing here blocks and nothing calls back: the state of peers changes only inside `poll`, which the suite calls once in
 * every turn of the transport, so that the two sides never interleave.
 */
import type { Address } from '../../base/address.ts';

export type AddressKind = 'ipv4' | 'ipv6' | 'unix';

export interface World {
  /** Whether this host has that kind of socket at all. */
  supports(kind: AddressKind): boolean;

  /** Takes over what the peers saw since the last call. */
  poll(): void;

  /** A peer that listens. With `paused`, its connections read nothing until they are resumed. */
  listen(kind: AddressKind, paused: boolean): PeerListener;

  /** A peer that connects to a listening descriptor of this world. */
  connect(address: Address, paused: boolean): Peer;

  /** A bound, listening descriptor that nobody accepts from, to be given to the transport. `backlog` as in listen(2). */
  openListener(kind: AddressKind, backlog: number): { descriptor: number; address: Address };

  /** A bound UDP socket that nobody receives from, to be given to the transport. */
  openDatagrams(): { descriptor: number; address: Address };

  /** Another descriptor of the same socket. */
  duplicate(descriptor: number): number;

  /** Gives back a descriptor that the transport was not given. */
  closeDescriptor(descriptor: number): void;

  /**
   * A connected stream descriptor on which a byte comes whenever `poll` has something to take over, so that no test waits
   * for the next tick. The world keeps one such connection at a time. Null: not needed here.
   */
  openWake(): number | null;

  /** A connected stream descriptor, and the peer at its other end. */
  openPair(): { descriptor: number; peer: Peer };

  /** An address of this host where nobody listens. */
  refusing(kind: AddressKind): Address;

  /** An address to which the network says no at once. */
  readonly unreachable: Address;

  /** Makes reads and accepts on it fail instead of wait (O_NONBLOCK), as a descriptor from another program may be. */
  setNonBlocking(descriptor: number): void;

  /**
   * Until `leave`, new sockets of this thread are made in a network where `address` never answers and the kernel soon gives
   * up. Null: not possible here.
   */
  enterSilence(): { address: Address; leave(): void } | null;

  /** How many descriptors this process has open. */
  openDescriptors(): number;

  /** Lets this process open `spare` more descriptors and no further; returns what undoes that. Null: not possible here. */
  exhaustDescriptors(spare: number): { release(count: number): void; undo(): void } | null;

  /** Drops all peers and listeners that a test left behind. */
  reset(): void;

  close(): Promise<void>;
}

export interface PeerListener {
  /** Null until it listens. */
  readonly address: Address | null;
  /** In the order of arrival. */
  readonly peers: readonly Peer[];
}

/** One connection, seen from the other side. Its fields are what it saw so far. */
export interface Peer {
  readonly isConnected: boolean;
  readonly receivedBytes: number;
  /** FIN came. */
  readonly isEnded: boolean;
  /** Nothing more will happen here. */
  readonly isClosed: boolean;
  /** `ECONNRESET` after a reset. */
  readonly error: string | null;
  /** Bytes of `write` that its kernel has taken. */
  readonly writtenBytes: number;
  readonly localPort: number;
  /** From where the transport came to a listening peer; else empty. */
  readonly remoteHost: string;

  /** Everything received so far, as one block. */
  received(): Uint8Array;
  write(bytes: Uint8Array): void;
  /** Writes in pieces of these sizes, which the network may but need not keep apart; the last one takes the rest. */
  writeSplit(bytes: Uint8Array, sizes: readonly number[]): void;
  /** FIN after everything written; receiving goes on. */
  end(): void;
  /** RST. */
  reset(): void;
  pause(): void;
  resume(): void;
}
