/** Why a try has failed, in words. */
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
} from '../core/retry.ts';
import { NO_TLS_CONNECTION } from '../core/tls/server-identity.ts';

/** `tlsFailure`: with FAILED_TLS, why. */
export function failureText(how: Failure, status: number, tlsFailure = ''): string {
  switch (how) {
    case FAILED_CONNECT:
      return 'connection refused or unreachable';
    case FAILED_CONNECT_TIMEOUT:
      return 'no connection in time';
    case FAILED_TLS:
      return `${NO_TLS_CONNECTION}${tlsFailure}`;
    case FAILED_RESET:
      return 'connection closed without a response';
    case FAILED_REFUSED:
      return 'request refused by the server';
    case FAILED_RESPONSE_TIMEOUT:
      return 'no response in time';
    case FAILED_SILENT:
      return 'no answer to a ping in time';
    case FAILED_GRPC_STATUS:
      return `grpc-status ${status}`;
    case FAILED_BAD_RESPONSE:
      return 'invalid response';
    case FAILED_STATUS:
      return `status ${status}`;
    case FAILED_WITHDRAWN:
      return 'the server was taken out meanwhile';
    case FAILED_NO_RESOURCE:
      return 'no file descriptor or memory is left here';
    case FAILED_NO_PORT:
      return 'no local port is left here';
    case FAILED_NO_BUFFER:
      return 'no memory for buffers is left here';
  }
}
