/**
 * The end of a TLS connection that nobody uses any more, so that the peer hears the last word. Where nothing waits to be sent, the session says that
 * this was all, and the socket is closed as soon as that has left. A peer that has broken the protocol may send on, and a close under
 * what it sends would take the alert from it (RFC 9112 section 9.6 has the same of HTTP): what it sends is dropped until it closes.
 */
import type { TlsSession } from '../../port/tls.ts';
import type { Socket, SocketHandler } from '../../port/transport.ts';
import { Expiring } from '../expiring.ts';
import type { TlsRoom } from './room.ts';

/** Whatever the session says at its end is shorter. */
const LAST_BYTES_MAX = 512;
/** A kernel that has no room for it in this time gets none of it. */
const WITHIN_MS = 1000;
/** A peer that was told of its fault has this long to take that, and to close. */
const AFTER_FAULT_MS = 2000;

export class Farewell extends Expiring implements SocketHandler {
  private readonly room: TlsRoom;
  private readonly below: Socket;
  private readonly isFault: boolean;

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
    const farewell = new Farewell(room, below, false);
    below.handler = farewell;
    below.send(slot, arena.start(slot), count, false);
    timers.arm(farewell, transport.now + WITHIN_MS);
  }

  /** Takes over the socket of a peer that has broken the protocol. The alert that says so is queued, if there is one. */
  static afterFault(room: TlsRoom, below: Socket): void {
    const { timers, transport } = room;
    const farewell = new Farewell(room, below, true);
    below.handler = farewell;
    below.end();
    below.resume();
    timers.arm(farewell, transport.now + AFTER_FAULT_MS);
  }

  private constructor(room: TlsRoom, below: Socket, isFault: boolean) {
    super();
    this.room = room;
    this.below = below;
    this.isFault = isFault;
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
    // else it is told all the same
    if (this.isFault && this.below.pendingSegments === 0) this.close();
  }

  handleDrain(): void {
    if (!this.isFault) this.close();
  }

  handleClose(): void {
    this.room.timers.remove(this);
  }

  override handleExpiry(): void {
    this.close();
  }
}
