/** What a connection that could not be made says about the server, or about this machine. */
import { FAILED_CONNECT, FAILED_CONNECT_TIMEOUT, FAILED_NO_PORT, FAILED_NO_RESOURCE } from '../core/retry.ts';
import type { CloseReason } from '../port/transport.ts';

/** FAILED_... for why a socket ended while it was connecting. */
export function connectFailure(reason: CloseReason): number {
  switch (reason) {
    case 'timeout':
      return FAILED_CONNECT_TIMEOUT;
    case 'no-port':
      return FAILED_NO_PORT;
    case 'no-resource':
      return FAILED_NO_RESOURCE;
    default:
      return FAILED_CONNECT;
  }
}
