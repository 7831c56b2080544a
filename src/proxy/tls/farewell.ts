/**
 * A TLS connection that is to be closed while nothing waits to be sent: the peer is told by the session, too, that this was all, or what went wrong.
 * Its socket is closed as soon as that has left.
 */
import type { TlsSession } from '../../port/tls.ts';
import type { Socket, SocketHandler } from '../../port/transport.ts';
import { Expiring } from '../expiring.ts';
import type { TlsRoom } from './room.ts';

/** Whatever the session says at its end is shorter. */
const LAST_BYTES_MAX = 512;
/** A kernel that has no room for it in this time gets none of it. */
const WITHIN_MS = 1000;

export class Farewell extends Expiring implements SocketHandler {
  private readonly room: TlsRoom;
  private readonly below: Socket;

  /** Takes over the socket; the session is not needed any more when this returns. */
  static begin(room: TlsRoom, below: Socket, session: TlsSession): void {
    const { arena, timers, transport } = room;
    const slot = arena.allocate(LAST_BYTES_MAX);
    session.end();
    const count = slot < 0 ? 0 : session.take(arena.start(slot), arena.capacity(slot));
    session.dropOutput();
    if (count === 0) {
      if (slot >= 0) arena.release(slot);
      below.close();
      return;
    }
    const farewell = new Farewell(room, below);
    below.handler = farewell;
    below.send(slot, arena.start(slot), count, false);
    timers.arm(farewell, transport.now + WITHIN_MS);
  }

  private constructor(room: TlsRoom, below: Socket) {
    super();
    this.room = room;
    this.below = below;
  }

  private close(): void {
    this.room.timers.remove(this);
    this.below.close();
  }

  handleConnect(): void {
    // it is connected
  }

  handleData(_below: Socket, slot: number): void {
    this.room.arena.release(slot);
  }

  handleEnd(): void {
    // it is told all the same
  }

  handleDrain(): void {
    this.close();
  }

  handleClose(): void {
    this.room.timers.remove(this);
  }

  override handleExpiry(): void {
    this.close();
  }
}
