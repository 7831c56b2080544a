/** sd_notify(3): one datagram to the socket that the service manager named in the environment. Best effort. */
import { closeSync } from 'node:fs';
import * as libc from './libc.ts';
import { encodeUnixPath } from './socket-address.ts';

/** False if there is no service manager or it did not take the message. */
export function notifyServiceManager(state: string, socketPath: string | undefined): boolean {
  if (socketPath === undefined) return false;
  const socketAddress = encodeUnixPath(socketPath);
  if (socketAddress === null) return false;
  const descriptor = libc.socket(libc.AF_UNIX, libc.SOCK_DGRAM);
  if (descriptor < 0) return false;
  const sent = libc.sendTo(descriptor, Buffer.from(state), socketAddress);
  closeSync(descriptor);
  return sent >= 0;
}
