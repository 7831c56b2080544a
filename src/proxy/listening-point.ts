/** One listening socket: accepts for a listener, which may be another one by the next plan. */
import type { ListenHandler, ListenSocket, Socket, Transport } from '../port/transport.ts';
import type { Listener } from './listener.ts';

export class ListeningPoint implements ListenHandler {
  readonly descriptor: number;
  private readonly socket: ListenSocket;
  private listener: Listener;

  /** Owns `descriptor`. */
  constructor(transport: Transport, descriptor: number, listener: Listener) {
    this.descriptor = descriptor;
    this.listener = listener;
    this.socket = transport.listen(descriptor, this);
    listener.attach(this.socket);
  }

  /** From now on it accepts for `listener`. */
  move(listener: Listener): void {
    if (listener === this.listener) return;
    this.listener.detach(this.socket);
    this.listener = listener;
    listener.attach(this.socket);
  }

  close(): void {
    this.listener.detach(this.socket);
    this.socket.close();
  }

  handleAccept(socket: Socket): void {
    this.listener.handleAccept(socket);
  }
}
