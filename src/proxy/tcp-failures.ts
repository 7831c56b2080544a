/** Why a TCP connection got no server, in the words of core/answers/kinds.ts: its client gets a reset and no answer. */
import { answerKind } from '../core/answers/kinds.ts';
import {
  type ConnectFailure,
  FAILED_CONNECT,
  FAILED_CONNECT_TIMEOUT,
  FAILED_NO_PORT,
  FAILED_NO_RESOURCE,
  FAILED_TLS,
  FAILED_WITHDRAWN,
} from '../core/retry.ts';

export const DENIED = answerKind('denied');
export const NO_ROUTE = answerKind('no-route');
export const NO_SERVER = answerKind('no-server');
export const QUEUE_FULL = answerKind('queue-full');
export const QUEUE_TIMEOUT = answerKind('queue-timeout');
const CONNECT_FAILED = answerKind('connect-failed');
const CONNECT_TIMEOUT = answerKind('connect-timeout');
const SERVER_TLS = answerKind('server-tls');
const NO_DESCRIPTOR = answerKind('no-descriptor');
const NO_PORT = answerKind('no-port');

/** `how`: FAILED_... of the last try. */
export function kindOfFailure(how: ConnectFailure): number {
  switch (how) {
    case FAILED_CONNECT_TIMEOUT:
      return CONNECT_TIMEOUT;
    case FAILED_TLS:
      return SERVER_TLS;
    case FAILED_NO_RESOURCE:
      return NO_DESCRIPTOR;
    case FAILED_NO_PORT:
      return NO_PORT;
    case FAILED_CONNECT:
    case FAILED_WITHDRAWN:
      return CONNECT_FAILED;
  }
}
