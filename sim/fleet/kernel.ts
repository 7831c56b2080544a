/**
 * Listening sockets as Linux has them: several on one address share its connections by hash, each lives for as long as a process
 * holds a descriptor of it, and what waits in its queue is reset when the last one lets go.
 */
import type { Prng } from '../../src/base/prng.ts';
import type { World } from '../world.ts';

/** Whose descriptors are those that the service manager keeps. */
export const MANAGER = 0;
/** A client repeats a SYN that was lost. */
const SYN_AGAIN_US = 1_000_000;
const HANDSHAKE_US = 20_000;
const LOOK_US = 5_000;
const EMPTY_US_MAX = 500_000;

export interface Connection {
  readonly id: number;
  readonly address: string;
  /** How long it takes to serve it. */
  readonly workUs: number;
  state: 'waiting' | 'accepted' | 'served' | 'cut' | 'refused' | 'reset';
  /** It is lost: which process was the last to let go of the socket that it waited at, or would have. */
  closedBy: number | null;
}

interface ListeningSocket {
  readonly address: string;
  readonly queue: Connection[];
  holders: number;
  /** No SYN gets through. */
  isClosing: boolean;
}

interface Descriptor {
  readonly owner: number;
  readonly socket: ListeningSocket;
}

export class Kernel {
  readonly connections: Connection[] = [];
  private readonly world: World;
  private readonly prng: Prng;
  private readonly descriptors = new Map<number, Descriptor>();
  private readonly sockets = new Set<ListeningSocket>();
  /** Processes that have ended: what is sent to one then is nobody's. */
  private readonly gone = new Set<number>();
  private lost: Connection[] = [];
  /** Of each address: which process was the last to let go of a socket there. */
  private readonly lastCloser = new Map<string, number>();
  private nextDescriptor = 3;

  constructor(world: World, prng: Prng) {
    this.world = world;
    this.prng = prng;
  }

  // --- processes ---

  listen(owner: number, address: string): number {
    const socket: ListeningSocket = { address, queue: [], holders: 0, isClosing: false };
    this.sockets.add(socket);
    return this.hold(owner, socket);
  }

  /** As by SCM_RIGHTS. */
  copy(descriptor: number, owner: number): number {
    return this.hold(owner, this.of(descriptor).socket);
  }

  addressOf(descriptor: number): string {
    return this.of(descriptor).socket.address;
  }

  /** Equal for descriptors of the same socket. */
  identityOf(descriptor: number): object {
    return this.of(descriptor).socket;
  }

  close(descriptor: number): void {
    const { socket, owner } = this.of(descriptor);
    this.descriptors.delete(descriptor);
    if (--socket.holders > 0) return;
    this.sockets.delete(socket);
    this.lastCloser.set(socket.address, owner);
    for (const connection of socket.queue) {
      connection.state = 'reset';
      connection.closedBy = owner;
      this.lost.push(connection);
      this.world.note('connection %a was waiting at a socket of %b that is closed', connection.id, socket.address);
    }
  }

  /** The process is gone. */
  closeAll(owner: number): void {
    this.gone.add(owner);
    for (const descriptor of this.heldBy(owner)) this.close(descriptor);
  }

  heldBy(owner: number): readonly number[] {
    return [...this.descriptors].filter(([, each]) => each.owner === owner).map(([descriptor]) => descriptor);
  }

  /** Null: nobody waits. */
  accept(descriptor: number): Connection | null {
    const connection = this.of(descriptor).socket.queue.shift() ?? null;
    if (connection !== null) connection.state = 'accepted';
    return connection;
  }

  emptyQueues(descriptors: readonly number[]): Promise<void> {
    const sockets = descriptors.map((descriptor) => this.of(descriptor).socket);
    for (const socket of sockets) socket.isClosing = true;
    const beganUs = this.world.nowUs;
    return new Promise((resolve) => {
      if (sockets.length === 0) return resolve();
      const look = (): void => {
        const waitedUs = this.world.nowUs - beganUs;
        const isEmpty = waitedUs >= HANDSHAKE_US && sockets.every(({ queue }) => queue.length === 0);
        if (isEmpty || waitedUs >= EMPTY_US_MAX) resolve();
        else this.world.schedule(LOOK_US, look);
      };
      this.world.schedule(LOOK_US, look);
    });
  }

  acceptAgain(descriptors: readonly number[]): void {
    for (const descriptor of descriptors) this.of(descriptor).socket.isClosing = false;
  }

  // --- clients ---

  connect(address: string, workUs: number): Connection {
    const connection: Connection = { id: this.connections.length, address, workUs, state: 'waiting', closedBy: null };
    this.connections.push(connection);
    this.trySyn(connection);
    return connection;
  }

  /** Those that were refused, or reset while they waited, since the last call. */
  takeLost(): readonly Connection[] {
    const { lost } = this;
    this.lost = [];
    return lost;
  }

  /** Addresses at which something listens. */
  get addresses(): ReadonlySet<string> {
    return new Set(Array.from(this.sockets, ({ address }) => address));
  }

  get socketCount(): number {
    return this.sockets.size;
  }

  private trySyn(connection: Connection): void {
    const group = [...this.sockets].filter(({ address }) => address === connection.address);
    if (group.length === 0) {
      connection.state = 'refused';
      connection.closedBy = this.lastCloser.get(connection.address) ?? null;
      this.lost.push(connection);
      this.world.note('connection %a to %b is refused', connection.id, connection.address);
      return;
    }
    const socket = group[this.prng.below(group.length)];
    if (socket.isClosing) this.world.schedule(SYN_AGAIN_US, () => this.trySyn(connection));
    else socket.queue.push(connection);
  }

  private hold(owner: number, socket: ListeningSocket): number {
    const descriptor = this.nextDescriptor++;
    if (this.gone.has(owner)) {
      if (socket.holders === 0) this.sockets.delete(socket);
      return descriptor;
    }
    socket.holders++;
    this.descriptors.set(descriptor, { owner, socket });
    return descriptor;
  }

  private of(descriptor: number): Descriptor {
    return this.descriptors.get(descriptor) ?? this.world.fail('descriptors', `${descriptor} is not open`);
  }
}
