/**
 * Our handshake with a server: we speak first, and it takes what comes until both sides have keys. How long it may take is for who
 * has begun the connection to say (dial.ts).
 */
import { LONG_HANDSHAKE_PIECES } from '../../base/limits.ts';
import { TLS_DONE, TLS_ENDED, TLS_WANTS_MORE, type TlsSession } from '../../port/tls.ts';
import type { CloseReason, Socket, SocketHandler } from '../../port/transport.ts';
import { type LayerUser, NOTHING_KNOWN, type Opening } from '../layer.ts';
import { Farewell } from './farewell.ts';
import type { TlsRoom } from './room.ts';
import { speak } from './speak.ts';
import { TlsSocket } from './tls-socket.ts';

/** Who begins handshakes, and hears why they fail. */
export interface ServerHandshakeOwner {
  readonly room: TlsRoom;
  /** An end of the connection is one only if the server says so in TLS too. */
  readonly needsFarewell: boolean;
  /** In OpenSSL's words. */
  handleFailure(failure: string): void;
}

/** OpenSSL takes 100 KB of certificates. */
const HANDSHAKE_BYTES_MAX = 131_072;

export class ServerHandshake implements SocketHandler, Opening {
  private readonly owner: ServerHandshakeOwner;
  private readonly below: Socket;
  private readonly session: TlsSession;
  private readonly above: LayerUser;
  private bytes = 0;
  private isOver = false;

  static begin(owner: ServerHandshakeOwner, below: Socket, session: TlsSession, above: LayerUser): Opening {
    const handshake = new ServerHandshake(owner, below, session, above);
    session.feed(0, 0);
    handshake.judge(session.handshake());
    return handshake;
  }

  private constructor(owner: ServerHandshakeOwner, below: Socket, session: TlsSession, above: LayerUser) {
    this.owner = owner;
    this.below = below;
    this.session = session;
    this.above = above;
    below.handler = this;
    owner.room.arena.foreign.freeCount -= LONG_HANDSHAKE_PIECES;
  }

  /** What came is OpenSSL's. */
  get keepsScarce(): boolean {
    return !this.isOver && this.owner.room.arena.isForeignScarce;
  }

  /** OpenSSL keeps no more for it than for others. */
  private end(): void {
    this.isOver = true;
    this.owner.room.arena.foreign.freeCount += LONG_HANDSHAKE_PIECES;
  }

  /** Unless the session is done. */
  private judge(result: number): void {
    const { below, owner, session } = this;
    if (result !== TLS_WANTS_MORE) this.refuse(result === TLS_ENDED ? 'it was ended' : session.failure);
    else if (!speak(owner.room, below, session)) this.fail('no-resource');
    else if (this.bytes > HANDSHAKE_BYTES_MAX) this.refuse('too many bytes');
  }

  handleConnect(): void {
    // it is connected
  }

  handleData(_below: Socket, slot: number, offset: number, length: number): void {
    const { owner, session } = this;
    const { arena } = owner.room;
    this.bytes += length;
    session.feed(offset, length);
    const result = session.handshake();
    const rest = session.unreadBytes;
    session.feed(0, 0);
    if (result === TLS_DONE) {
      this.finish(slot, offset + length - rest, rest);
      return;
    }
    arena.release(slot);
    this.judge(result);
  }

  private finish(slot: number, offset: number, rest: number): void {
    const { above, below, owner, session } = this;
    const { room } = owner;
    if (!speak(room, below, session)) {
      room.arena.release(slot);
      this.fail('no-resource');
      return;
    }
    this.end();
    const socket = new TlsSocket(room, below, session, owner.needsFarewell);
    above.handleOpen(socket, { ...NOTHING_KNOWN, protocol: session.protocol, tls: session });
    if (rest > 0) socket.receive(slot, offset, rest);
    else room.arena.release(slot);
  }

  /** It does not come about, and the server is told so. */
  private refuse(failure: string): void {
    const { above, below, owner, session } = this;
    this.end();
    owner.handleFailure(failure);
    Farewell.begin(owner.room, below, session);
    session.free();
    above.handleOpenFailed('handshake');
  }

  private fail(reason: CloseReason): void {
    this.cancel();
    this.above.handleOpenFailed(reason);
  }

  handleEnd(): void {
    this.leave();
  }

  handleDrain(): void {
    // it goes on when the server does
  }

  handleClose(): void {
    this.leave();
  }

  private leave(): void {
    this.cancel();
    this.owner.handleFailure('it has closed the connection');
    this.above.handleOpenFailed('handshake');
  }

  cancel(): void {
    if (this.isOver) return;
    this.end();
    this.session.free();
    this.below.close();
  }
}
