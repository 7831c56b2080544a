/** TLS with one server: who it has to be, and what shortens the next handshake with it. */
import { handshakeReason, type ServerIdentity } from '../../core/tls/server-identity.ts';
import type { Tls, TlsConnector, TlsContext, TlsTicket } from '../../port/tls.ts';
import type { Socket } from '../../port/transport.ts';
import { type LayerUser, NOT_OPENED, type Opening, type ServerLayer } from '../layer.ts';
import type { TlsRoom } from './room.ts';
import { ServerHandshake, type ServerHandshakeOwner } from './server-handshake.ts';

export interface TlsServerLayerOptions {
  readonly room: TlsRoom;
  readonly tls: Tls;
  readonly context: TlsContext;
  readonly identity: ServerIdentity;
  readonly needsFarewell: boolean;
  /** The context is not used any more. */
  readonly onUnused: () => void;
}

export class TlsServerLayer implements ServerLayer, ServerHandshakeOwner, TlsConnector {
  readonly room: TlsRoom;
  readonly context: TlsContext;
  readonly sentName: string | null;
  readonly verifiedName: string | null;
  readonly needsFarewell: boolean;
  failure = '';
  /** The last one that it has given. */
  ticket: TlsTicket | null = null;
  private readonly options: TlsServerLayerOptions;
  private users = 1;

  constructor(options: TlsServerLayerOptions) {
    const { context, identity, needsFarewell, room } = options;
    this.options = options;
    this.room = room;
    this.context = context;
    this.sentName = identity.sentName;
    this.verifiedName = identity.verifiedName;
    this.needsFarewell = needsFarewell;
  }

  open(socket: Socket, above: LayerUser): Opening {
    const session = this.options.tls.connect(this);
    if (session !== null) return ServerHandshake.begin(this, socket, session, above);
    socket.close();
    above.handleOpenFailed('no-resource');
    return NOT_OPENED;
  }

  keepTicket(ticket: TlsTicket): void {
    this.ticket?.free();
    this.ticket = ticket;
    // sessions last longer than who began them
    if (this.users === 0) this.dropTicket();
  }

  handleFailure(failure: string): void {
    this.failure = handshakeReason(failure, this.verifiedName);
    this.dropTicket();
  }

  private dropTicket(): void {
    this.ticket?.free();
    this.ticket = null;
  }

  retain(): void {
    this.users++;
  }

  release(): void {
    this.users--;
    if (this.users > 0) return;
    this.dropTicket();
    this.options.onUnused();
  }
}
