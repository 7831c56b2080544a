import { SEND_SEGMENTS_MAX } from '../../base/limits.ts';
import type { TlsSession } from '../../port/tls.ts';
import type { Socket } from '../../port/transport.ts';
import type { TlsRoom } from './room.ts';

const FLIGHT_BYTES = 8192;

/**
 * Sends what the session says in a handshake. False: there was no room for it. Nothing is waited for that may follow: of a request
 * that came along, there may be a part.
 */
export function speak({ arena }: TlsRoom, below: Socket, session: TlsSession): boolean {
  for (;;) {
    const slot = arena.allocate(FLIGHT_BYTES);
    const capacity = slot < 0 ? 0 : arena.capacity(slot);
    const count = slot < 0 ? 0 : session.take(arena.start(slot), capacity);
    if (slot >= 0 && count === 0) {
      arena.release(slot);
      return true;
    }
    if (slot < 0 || below.pendingSegments >= SEND_SEGMENTS_MAX) {
      if (slot >= 0) arena.release(slot);
      session.dropOutput();
      return false;
    }
    below.send(slot, arena.start(slot), count, false);
    if (count < capacity) return true;
  }
}
