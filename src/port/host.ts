/**
 * What the keeper needs from the operating system beyond what Node offers: listening sockets that outlive every proxy,
 * memory that processes share, and a word with the service manager. Implemented by `io/linux`; tests bring their own.
 *
 * Descriptors are closed on exec unless they are handed to a child by name. Operating failures are values; only bugs throw.
 */
import type { Address } from '../base/address.ts';
import type { KeepAlive } from '../base/keep-alive.ts';
import type { Forwarder } from './forwarding.ts';

export interface Host {
  /** Files that a process may have open. */
  descriptorLimit(): number;

  /**
   * Opens `copies` listening sockets on one address, whose kernel queues share its connections or datagrams by hash. A Unix socket
   * cannot be shared like that: there the result has one descriptor, for all. `isPortOurs`: we listen on another address with
   * this port, so that whether the port is free cannot be found out by taking it.
   */
  listen(place: ListeningPlace, copies: number, isPortOurs: boolean): Listening | ListenFailure;

  /**
   * Zeroed memory, shared with every process that maps one of its descriptors. Lives as long as this process. Nobody can
   * change its size. `writer`: who can write it, this process alone or also who is handed `descriptor`.
   */
  createSharedMemory(name: string, bytes: number, writer: MemoryWriter): SharedMemory;

  /** The descriptor of an unnamed file that holds `content` for good; read it with `pread`, the position is shared. */
  createUnnamedFile(name: string, content: Uint8Array): number;

  /** A way to send descriptors to a child, which inherits `other`. Throws when out of descriptors. */
  createDescriptorChannel(): DescriptorChannel;

  /** Both ends of such a channel, for two other processes. Null: out of descriptors. */
  createDescriptorPair(): readonly [number, number] | null;

  /**
   * The end to read from and the end to write to, for lines that processes write and a thread takes: what is written at once is read at once, and
   * nobody waits. Null: out of descriptors.
   */
  createLinePair(): readonly [number, number] | null;

  /**
   * Before these listening TCP sockets are closed: they take no new connection from now on. Resolves when what waited in their
   * queues has been accepted, or after a moment in which nobody did.
   */
  emptyQueues(descriptors: readonly number[]): Promise<void>;
  /** Undoes that, whoever has done it. */
  acceptAgain(descriptors: readonly number[]): void;

  /** TCP keep-alive of what is accepted from this listening socket from now on. Null: none. */
  setKeepAlive(descriptor: number, keepAlive: KeepAlive | null): void;

  closeDescriptor(descriptor: number): void;

  /** Removes the file of a Unix socket that `listen` made. */
  removeSocketFile(path: string): void;

  /** Tells the service manager, if there is one, `READY=1` and the like (sd_notify). */
  notifyServiceManager(state: string): void;

  /**
   * What the service manager has kept, or opened, for this process, or the nginx that it replaces, and it owns now. Once: a
   * second call finds nothing.
   */
  takeKeptDescriptors(): readonly number[];

  /** Where a socket listens that was opened elsewhere; null: it is no listening socket. */
  placeOf(descriptor: number): ListeningPlace | null;

  /** The service manager keeps copies by this name for whoever it starts in place of this process. False: there is none. */
  keepDescriptors(name: string, descriptors: readonly number[]): boolean;

  /** It keeps what has this name no longer. */
  forgetDescriptors(name: string): void;

  /** What the kernel forwards by itself, in a table of this name. Throws if this user, or machine, cannot. */
  openForwarder(name: string): Forwarder;
}

/** An address that is listened on. */
export interface ListeningPlace {
  readonly address: Address;
  /** IPv4 too. */
  readonly isDual: boolean;
  /** Datagrams come there, not connections. */
  readonly isUdp: boolean;
}

/** A user of this machine by name; null: there is none. */
export type FindUser = (name: string) => { readonly uid: number; readonly gid: number } | null;

/** Whom a process is to run as. */
export interface ProcessUser {
  /** As in /etc/passwd; or the number, if it belongs to nobody. */
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** All its groups. */
  readonly groups: readonly number[];
}

export interface DescriptorChannel {
  /** The child's end, to be closed when it has it. */
  readonly other: number;
  /** Sends copies, in order. False: the child takes none now. */
  send(descriptors: readonly number[]): boolean;
  close(): void;
}

export interface Listening {
  readonly kind: 'listening';
  readonly descriptors: readonly number[];
  /** What the operator should know though it works, or null. */
  readonly note: string | null;
}

export interface ListenFailure {
  readonly kind: 'failed';
  /** The system's name of the error: `EADDRINUSE`. */
  readonly code: string;
  /** For people: `port 80 is taken by nginx (pid 812)`. */
  readonly reason: string;
  /** What to do about it. */
  readonly remedy: string;
  /** Of who has the address; null: not known. */
  readonly ownerPid: number | null;
}

export type MemoryWriter = 'creator' | 'holder';

export interface SharedMemory {
  readonly descriptor: number;
  /** For who may only read. */
  readonly readOnlyDescriptor: number;
  readonly buffer: ArrayBufferLike;
}

/** Whose a FIFO is. */
export interface FifoOwner {
  readonly uid: number;
  readonly gid: number;
}

/** The end of a FIFO (fifo(7)) that lines are written into. Nobody ever waits for anybody. */
export interface FifoEnd {
  /** What is at its path is still what was opened. */
  readonly isThere: boolean;
  /** A line of at most 4096 bytes, whole or not at all (pipe(7)). Null, or why it was not written. */
  write(line: string): string | null;
  /** `isRemoved`: if it was made by this. */
  close(isRemoved: boolean): void;
}
