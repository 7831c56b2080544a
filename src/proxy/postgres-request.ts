/**
 * The layer towards a PostgreSQL server whose client has asked for TLS: asks the server for it, and is through when that is willing. The client's
 * ClientHello follows then.
 */
import type { CloseReason, Socket, SocketHandler } from '../port/transport.ts';
import { ENCRYPTION_REQUEST_BYTES, ENCRYPTION_WILLING, SSL_REQUEST } from '../wire/postgres/encryption-request.ts';
import type { Context } from './context.ts';
import { type Layer, type LayerUser, NOTHING_KNOWN, type Opening } from './layer.ts';

export class PostgresRequest implements Layer {
  private readonly context: Context;

  constructor(context: Context) {
    this.context = context;
  }

  open(socket: Socket, above: LayerUser): Opening {
    const asking = new Asking(this.context, socket, above);
    asking.begin();
    return asking;
  }
}

class Asking implements SocketHandler, Opening {
  readonly keepsScarce = false;
  private readonly context: Context;
  private readonly socket: Socket;
  private readonly above: LayerUser;

  constructor(context: Context, socket: Socket, above: LayerUser) {
    this.context = context;
    this.socket = socket;
    this.above = above;
    socket.handler = this;
  }

  begin(): void {
    const { arena, memory } = this.context;
    const slot = arena.allocate(ENCRYPTION_REQUEST_BYTES);
    if (slot < 0) {
      this.giveUp('no-resource');
      return;
    }
    const start = arena.start(slot);
    memory.set(SSL_REQUEST, start);
    this.socket.send(slot, start, ENCRYPTION_REQUEST_BYTES, false);
  }

  /** One byte is the answer. Whatever stood behind it would have been said in clear by somebody else. */
  handleData(socket: Socket, slot: number, offset: number, length: number): void {
    const { arena, memory } = this.context;
    const isWilling = length === 1 && memory[offset] === ENCRYPTION_WILLING;
    arena.release(slot);
    if (isWilling) this.above.handleOpen(socket, NOTHING_KNOWN);
    else this.giveUp('other');
  }

  handleEnd(): void {
    this.giveUp('other');
  }

  handleClose(_socket: Socket, reason: CloseReason): void {
    this.above.handleOpenFailed(reason);
  }

  private giveUp(reason: CloseReason): void {
    this.socket.close();
    this.above.handleOpenFailed(reason);
  }

  handleConnect(): void {
    // it is connected
  }

  handleDrain(): void {
    // the answer is waited for
  }

  cancel(): void {
    this.socket.close();
  }
}
