/** What a client is told where the last try has failed. */
import {
  type Failure,
  FAILED_BAD_RESPONSE,
  FAILED_CONNECT,
  FAILED_CONNECT_TIMEOUT,
  FAILED_GRPC_STATUS,
  FAILED_NO_BUFFER,
  FAILED_NO_PORT,
  FAILED_NO_RESOURCE,
  FAILED_REFUSED,
  FAILED_RESET,
  FAILED_RESPONSE_TIMEOUT,
  FAILED_SILENT,
  FAILED_STATUS,
  FAILED_TLS,
  FAILED_WITHDRAWN,
} from '../../core/retry.ts';
import * as own from './own-responses.ts';

/** What a call that another server was to answer is told: as gRPC takes it. */
const UNAVAILABLE = 503;

/** `status`: the server's, with FAILED_STATUS. */
export function answerTo(how: Failure, status: number): own.OwnResponse {
  switch (how) {
    case FAILED_CONNECT:
    case FAILED_WITHDRAWN:
      return own.CONNECT_FAILED;
    case FAILED_CONNECT_TIMEOUT:
      return own.CONNECT_TIMEOUT;
    case FAILED_TLS:
      return own.SERVER_TLS;
    case FAILED_NO_RESOURCE:
      return own.NO_DESCRIPTOR;
    case FAILED_NO_PORT:
      return own.NO_PORT;
    case FAILED_NO_BUFFER:
      return own.OUT_OF_MEMORY;
    case FAILED_RESPONSE_TIMEOUT:
    case FAILED_SILENT:
      return own.SERVER_TIMEOUT;
    case FAILED_BAD_RESPONSE:
      return own.SERVER_INVALID;
    case FAILED_GRPC_STATUS:
      return own.serverStatus(UNAVAILABLE);
    case FAILED_STATUS:
      return own.serverStatus(status);
    case FAILED_RESET:
    case FAILED_REFUSED:
      return own.SERVER_RESET;
  }
}
