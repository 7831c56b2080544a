/**
 * A Unix socket whose queue is full refuses a connection at once (connect(2), EAGAIN), where TCP would go on trying. So the proxy
 * goes on trying, until the time of the connection is over or the server is down.
 */
import type { CloseReason } from '../port/transport.ts';

const REDIAL_MS = 20;

/** When to try again after a connection ended so before it stood; 0: not. It has to stand by `deadline`. */
export function redialAt(reason: CloseReason, now: number, deadline: number): number {
  return reason === 'busy' ? Math.min(now + REDIAL_MS, deadline) : 0;
}
