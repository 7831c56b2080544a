/** What the kernel's error numbers mean to a driver. */
import type { DropReason, FlowFailure } from '../../port/datagram.ts';
import type { CloseReason } from '../../port/transport.ts';
import * as ffi from './ffi.ts';

/** The reason for a positive error number of a connect, a send or a receive. */
export function closeReason(errno: number): CloseReason {
  switch (errno) {
    case ffi.ECONNRESET:
    case ffi.EPIPE:
    case ffi.ECONNABORTED:
      return 'reset';
    case ffi.ECONNREFUSED:
    case ffi.ENOENT: // a Unix socket whose file is not there
      return 'refused';
    case ffi.ETIMEDOUT:
      return 'timeout';
    case ffi.EHOSTUNREACH:
    case ffi.ENETUNREACH:
    case ffi.EHOSTDOWN:
    case ffi.ENETDOWN:
      return 'unreachable';
    case ffi.EAGAIN: // the queue of a Unix socket
      return 'busy';
    case ffi.EADDRNOTAVAIL:
      return 'no-port';
    case ffi.EMFILE:
    case ffi.ENFILE:
    case ffi.ENOBUFS:
    case ffi.ENOMEM:
      return 'no-resource';
    default:
      return 'other';
  }
}

/** Whether an operation that ended with this error number did not fail but only has to be done again. */
export function isInterruption(errno: number): boolean {
  return errno === ffi.EINTR || errno === ffi.EAGAIN;
}

/** What keeps a datagram from leaving. */
export function dropReason(errno: number): DropReason {
  if (errno === ffi.EAGAIN || errno === ffi.ENOBUFS || errno === ffi.ENOMEM) return 'full';
  return errno === ffi.EMSGSIZE ? 'too-large' : 'refused';
}

const FLOW_FAILURES: readonly FlowFailure[] = ['refused', 'unreachable', 'no-port', 'no-resource'];

/** What a UDP socket tells of its peer, or keeps it from having one. */
export function flowFailure(errno: number): FlowFailure {
  if (errno === ffi.EAGAIN) return 'no-port'; // connect(2): none is left to bind to
  const reason = closeReason(errno);
  return FLOW_FAILURES.find((one) => one === reason) ?? 'other';
}
