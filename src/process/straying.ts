/**
 * What a proxy is to keepers other than its own: says who asks whether it has one, and once it has none, is adopted by the first who
 * asks. The adopter gets what it listens on, hears that it lives, and tells it when to finish. If the adopter goes, the next one may
 * come.
 */
import { PER_MESSAGE } from '../io/linux/descriptor-channel.ts';
import { type Connection, RendezvousServer } from '../io/linux/rendezvous.ts';
import { parseKeeperMessage } from '../port/control.ts';
import type { AdopterMessage, StrayMessage } from '../port/rendezvous.ts';

const LOOK_MS = 100;

export interface StrayingHandler {
  /** The sockets that this process listens on. */
  readonly listening: () => readonly number[];
  handleAdopted(): void;
  handleMessage(message: AdopterMessage): void;
  handleAdopterGone(): void;
}

export class Straying {
  private readonly server: RendezvousServer;
  private readonly handler: StrayingHandler;
  private readonly parent = process.ppid;
  private adopter: Connection | null = null;
  private hasKeeper = true;
  private lookAt = -Infinity;

  /** Owns `descriptor`. */
  constructor(descriptor: number, handler: StrayingHandler) {
    this.server = new RendezvousServer(descriptor);
    this.handler = handler;
  }

  /** It has none from now on. */
  handleKeeperGone(): void {
    this.hasKeeper = false;
  }

  handleTurn(now: number): void {
    if (now < this.lookAt) return;
    this.lookAt = now + LOOK_MS;
    this.hear();
    this.adopter?.send(encode({ type: 'alive' }));
    for (let visitor = this.server.accept(); visitor !== null; visitor = this.server.accept()) this.receive(visitor);
  }

  private hear(): void {
    for (let packet = this.adopter?.receive() ?? null; packet !== null; packet = this.adopter?.receive() ?? null) {
      if (packet === 'gone') {
        this.adopter?.close();
        this.adopter = null;
        this.handler.handleAdopterGone();
        return;
      }
      const message = parseKeeperMessage(packet.text);
      if (message?.type === 'drain') this.handler.handleMessage(message);
    }
  }

  private receive(visitor: Connection): void {
    // The keeper's end may be heard later than whoever comes in its place.
    const isStray = !this.hasKeeper || process.ppid !== this.parent;
    if (!isStray || this.adopter !== null) {
      visitor.send(encode({ type: 'kept' }));
      visitor.close();
      return;
    }
    this.adopter = visitor;
    this.handler.handleAdopted();
    const sockets = this.handler.listening();
    for (let at = 0; at < sockets.length; at += PER_MESSAGE) {
      visitor.send(encode({ type: 'sockets' }), sockets.slice(at, at + PER_MESSAGE));
    }
    visitor.send(encode({ type: 'stray' }));
  }
}

function encode(message: StrayMessage): string {
  return JSON.stringify(message);
}
