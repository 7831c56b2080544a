/** Node's error codes as the reasons of `port/transport.ts`. */
import type { CloseReason } from '../../port/transport.ts';

const REASONS: Readonly<Record<string, CloseReason>> = {
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  ECONNREFUSED: 'refused',
  // a Unix socket's path that does not exist: nobody listens
  ENOENT: 'refused',
  ETIMEDOUT: 'timeout',
  ENETUNREACH: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EHOSTDOWN: 'unreachable',
  EMFILE: 'no-resource',
  ENFILE: 'no-resource',
  ENOMEM: 'no-resource',
  ENOBUFS: 'no-resource',
  EADDRNOTAVAIL: 'no-port',
  // a Unix socket whose queue is full
  EAGAIN: 'busy',
};

export function closeReason(code: string | undefined): CloseReason {
  return REASONS[code ?? ''] ?? 'other';
}
