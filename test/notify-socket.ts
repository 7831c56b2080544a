/** The service manager's end of sd_notify(3), which Node has no sockets for. */
import { closeSync, readSync } from 'node:fs';
import type { TestContext } from 'node:test';
import * as libc from '../src/io/linux/libc.ts';
import { encodeUnixPath } from '../src/io/linux/socket-address.ts';

export interface NotifySocket {
  readonly path: string;
  /** The next state; waits for it. What is given to the descriptor store is passed over. */
  read(): string;
}

export function linuxNotifySocket(t: TestContext, path: string): NotifySocket {
  const descriptor = libc.socket(libc.AF_UNIX, libc.SOCK_DGRAM);
  libc.bind(descriptor, encodeUnixPath(path)!);
  t.after(() => closeSync(descriptor));
  const buffer = Buffer.alloc(4096);
  const receive = (): string => buffer.toString('utf8', 0, readSync(descriptor, buffer));
  const read = (): string => {
    let state = receive();
    while (state.startsWith('FDSTORE=')) state = receive();
    return state;
  };
  return { path, read };
}
