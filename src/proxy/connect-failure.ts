/** What a connection that could not be made says about the server, or about this machine. */
import {
  type ConnectFailure,
  FAILED_CONNECT,
  FAILED_CONNECT_TIMEOUT,
  FAILED_NO_PORT,
  FAILED_NO_RESOURCE,
  FAILED_TLS,
} from '../core/retry.ts';
import type { OpenFailure } from './layer.ts';

const FAILURES: Readonly<Record<OpenFailure, ConnectFailure>> = {
  reset: FAILED_CONNECT,
  refused: FAILED_CONNECT,
  timeout: FAILED_CONNECT_TIMEOUT,
  unreachable: FAILED_CONNECT,
  busy: FAILED_CONNECT_TIMEOUT, // its time is over
  'no-port': FAILED_NO_PORT,
  'no-resource': FAILED_NO_RESOURCE,
  handshake: FAILED_TLS,
  other: FAILED_CONNECT,
};

/** FAILED_... for why a socket ended while it was connecting. */
export function connectFailure(reason: OpenFailure): ConnectFailure {
  return FAILURES[reason];
}
