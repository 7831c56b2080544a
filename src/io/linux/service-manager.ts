/**
 * What the service manager, systemd, is told and gives: sd_notify(3), one datagram to the socket that it named in the
 * environment, with descriptors for it to keep; and sd_listen_fds(3), descriptors that it has kept, or opened. Best effort.
 */
import { closeSync } from 'node:fs';
import { sendDescriptors } from './descriptor-channel.ts';
import * as libc from './libc.ts';
import { encodeUnixPath } from './socket-address.ts';

/** After stdin, stdout and stderr, in a row. */
const FIRST_DESCRIPTOR = 3;
/** What systemd takes as the name of a descriptor. */
const NAME_CHARACTERS_MAX = 255;

/** False if there is no service manager or it did not take the message. It gets copies of `descriptors`. */
export function notifyServiceManager(
  state: string,
  socketPath: string | undefined,
  descriptors: readonly number[] = [],
): boolean {
  if (socketPath === undefined) return false;
  const socketAddress = encodeUnixPath(socketPath);
  if (socketAddress === null) return false;
  const socket = libc.socket(libc.AF_UNIX, libc.SOCK_DGRAM);
  if (socket < 0) return false;
  const text = Buffer.from(state);
  const isSent =
    descriptors.length === 0
      ? libc.sendTo(socket, text, socketAddress) >= 0
      : libc.connect(socket, socketAddress) >= 0 && sendDescriptors(socket, descriptors, text, 'wait');
  closeSync(socket);
  return isSent;
}

/** The descriptors for this process, which it now owns: a second call finds none, and neither does a child. */
export function takeKeptDescriptors(environment: NodeJS.ProcessEnv, pid: number): readonly number[] {
  const { LISTEN_PID: owner, LISTEN_FDS: count } = environment;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete environment[name];
  if (Number(owner) !== pid || !/^[0-9]{1,5}$/.test(count ?? '')) return [];
  return Array.from({ length: Number(count) }, (_, i) => FIRST_DESCRIPTOR + i);
}

/** A name as the service manager takes it: printable ASCII without a colon. */
export function descriptorName(text: string): string {
  const escaped = text.replaceAll(/[^\x21-\x7e]|[%:]/g, (character) =>
    character === ':' ? ',' : encodeURIComponent(character),
  );
  return escaped.slice(0, NAME_CHARACTERS_MAX);
}
