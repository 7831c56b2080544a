/**
 * Listening sockets of the simulated transport. The address and its backlog belong to the keeper and outlive the proxy's use
 * of them, so that no connection is refused while nobody accepts.
 */
import type { ListenHandler, ListenSocket } from '../src/port/transport.ts';
import type { Acceptor, Endpoint, LinkSpec } from './network.ts';
import type { SimTransport } from './transport.ts';

/** A listening address: belongs to the keeper, outlives the proxy's use of it. */
export class ListenAddress implements Acceptor {
  mode: 'accept' | 'refuse' = 'accept';
  readonly connectDelayUs = 100;
  readonly link: () => LinkSpec;
  readonly waiting: Endpoint[] = [];
  listener: SimListenSocket | null = null;
  private readonly transport: SimTransport;

  constructor(transport: SimTransport, address: string, link: () => LinkSpec) {
    this.transport = transport;
    this.link = link;
    transport.network.acceptors.set(address, this);
  }

  hasRoom(): boolean {
    return this.waiting.length < this.transport.spec.backlog;
  }

  accept(endpoint: Endpoint): void {
    this.waiting.push(endpoint);
    if (this.listener !== null) this.transport.markReady(this.listener);
  }

  closeForGood(): void {
    this.mode = 'refuse';
    for (const endpoint of this.waiting) endpoint.reset();
    this.waiting.length = 0;
  }
}

export class SimListenSocket implements ListenSocket {
  isQueued = false;
  private readonly transport: SimTransport;
  private readonly address: ListenAddress;
  private readonly handler: ListenHandler;
  private isPaused = false;
  private isClosed = false;
  private isWaitingForDescriptor = false;
  /** Accepted before `pause` was called, not yet handed over. */
  private onTheirWay = 0;

  constructor(transport: SimTransport, address: ListenAddress, handler: ListenHandler) {
    this.transport = transport;
    this.address = address;
    this.handler = handler;
  }

  pause(): void {
    if (!this.isPaused) this.onTheirWay = this.transport.world.prng.below(3);
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.transport.markReady(this);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.address.listener = null;
  }

  dispatchOne(): boolean {
    const { world, spec } = this.transport;
    if (this.isClosed || this.isWaitingForDescriptor || this.address.waiting.length === 0) return false;
    if (this.isPaused && this.onTheirWay-- <= 0) return false;
    const endpoint = this.address.waiting[0];
    const socket = world.prng.oneIn(spec.acceptFailOneIn) ? null : this.transport.register(endpoint);
    if (socket === null) {
      world.note('accept: no descriptor');
      this.isWaitingForDescriptor = true;
      world.schedule(100_000, () => {
        this.isWaitingForDescriptor = false;
        this.transport.markReady(this);
      });
      return false;
    }
    this.address.waiting.shift();
    this.handler.handleAccept(socket);
    if (!socket.isFreed && !socket.hasHandler) world.fail('contract', 'handleAccept left a socket without handler');
    return true;
  }
}
