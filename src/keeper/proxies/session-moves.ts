/**
 * Which sockets of UDP go from one proxy to another, and the channels on which their sessions follow (proxy/udp/session-giving.ts). The
 * kernel chooses the socket by who sends (SO_REUSEPORT), and the sockets are the same in every plan and in an upgrade: so a socket's sessions
 * belong to whoever has it.
 */
import type { Host } from '../../port/host.ts';
import { type OpenListener, socketsOf } from './listeners.ts';

/** An end of the channel for the sessions of a socket. */
export interface SessionEnd {
  /** The keeper's number of it. */
  readonly socket: number;
  /** Of the end. */
  readonly descriptor: number;
}

/** Sends this end to the proxy that serves as `worker`. False: there is none. */
export type SendEnd = (worker: number, end: SessionEnd) => boolean;

export class SessionMoves {
  private readonly host: Host;
  /** Ends for the proxies that get the sockets, by socket, until these are there. */
  private readonly incoming = new Map<number, number>();
  /** Who has which socket. */
  private owners: ReadonlyMap<number, number> = new Map();

  constructor(host: Host) {
    this.host = host;
  }

  /** `workers` proxies are to have these sockets. Who loses one is told before it does. */
  handlePlan(listeners: readonly OpenListener[], workers: number, send: SendEnd): void {
    const owners = ownersOf(listeners, workers);
    for (const [socket, owner] of owners) {
      const former = this.owners.get(socket);
      if (former === undefined || former === owner) continue;
      const end = this.open(socket, former, send);
      if (end !== null) this.expect(end);
    }
    this.owners = owners;
  }

  /** Another keeper's proxies get all of them: ends for it. */
  bequeath(send: SendEnd): readonly SessionEnd[] {
    return [...this.owners].flatMap(([socket, owner]) => this.open(socket, owner, send) ?? []);
  }

  /** Who gets this socket gets its sessions there. */
  expect({ socket, descriptor }: SessionEnd): void {
    this.forget(socket);
    this.incoming.set(socket, descriptor);
  }

  /** The ends for this proxy, which closes them when they are sent. */
  takeFor(worker: number): readonly SessionEnd[] {
    const ends = [...this.incoming].filter(([socket]) => this.owners.get(socket) === worker);
    for (const [socket] of ends) this.incoming.delete(socket);
    return ends.map(([socket, descriptor]) => ({ socket, descriptor }));
  }

  /** One end of a new channel, the other one being sent to who has the socket. Null: nobody has, or there is none. */
  private open(socket: number, owner: number, send: SendEnd): SessionEnd | null {
    const pair = this.host.createDescriptorPair();
    if (pair === null) return null;
    const [descriptor, other] = pair;
    const isSent = send(owner, { socket, descriptor: other });
    this.host.closeDescriptor(other);
    if (isSent) return { socket, descriptor };
    this.host.closeDescriptor(descriptor);
    return null;
  }

  private forget(socket: number): void {
    const descriptor = this.incoming.get(socket);
    if (descriptor !== undefined) this.host.closeDescriptor(descriptor);
  }
}

function ownersOf(listeners: readonly OpenListener[], workers: number): ReadonlyMap<number, number> {
  const owners = new Map<number, number>();
  for (let worker = 0; worker < workers; worker++) {
    for (const { id, listener } of socketsOf(listeners, worker, workers)) {
      if (listeners[listener].plan.protocol === 'udp') owners.set(id, worker);
    }
  }
  return owners;
}
