/** Who has connected to a Unix socket of ours (SO_PEERCRED in unix(7)). */
import type { Socket } from 'node:net';
import { handleOf } from '../node/stream-handle.ts';
import * as libc from './libc.ts';

const SO_PEERCRED = 17;
/** `struct ucred`: pid, uid, gid. */
const CREDENTIALS_BYTES = 12;
const UID = 4;

/** The number of the user that it was when it connected; -1: nobody knows. */
export function peerUser(socket: Socket): number {
  const fd = handleOf(socket)?.fd ?? -1;
  const credentials = new Uint8Array(CREDENTIALS_BYTES);
  if (fd < 0 || libc.getOptionBytes(fd, libc.SOL_SOCKET, SO_PEERCRED, credentials) < CREDENTIALS_BYTES) return -1;
  return new DataView(credentials.buffer).getUint32(UID, true);
}
