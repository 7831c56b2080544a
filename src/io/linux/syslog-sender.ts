/**
 * A connection to a syslog server, of the thread that sends there: it may wait, and says so. Over a Unix socket or UDP each message is a
 * datagram (RFC 5426); over TCP the number of its bytes stands in front of it (RFC 6587 section 3.4.1).
 */
import { closeSync, writeSync } from 'node:fs';
import type { SyslogTarget } from '../../base/syslog.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  awaitReady,
  connect,
  errorName,
  getOption,
  POLLOUT,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  socket,
} from './libc.ts';
import { SOCK_NONBLOCK } from './socket-messages.ts';
import { encodeSocketAddress } from './socket-address.ts';

const SO_ERROR = 4;
const EINPROGRESS = 115;
const CONNECT_MS = 5000;
/** The server takes nothing for so long: the connection is given up. */
const STALL_MS = 30_000;
const LOOK_MS = 200;

export class SyslogSender {
  private readonly target: SyslogTarget;
  private descriptor = -1;

  constructor(target: SyslogTarget) {
    this.target = target;
  }

  /** Null: it stands. Else the name of the error why it does not. */
  open(): string | null {
    if (this.descriptor >= 0) return null;
    const { address, isTcp } = this.target;
    const encoded = encodeSocketAddress(address);
    if (encoded === null) return 'ENAMETOOLONG';
    const family = address.family === 0 ? AF_UNIX : address.family === 4 ? AF_INET : AF_INET6;
    const descriptor = socket(family, (isTcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK);
    if (descriptor < 0) return errorName(descriptor);
    this.descriptor = descriptor;
    const connected = connect(descriptor, encoded);
    if (connected === 0) return null;
    if (connected !== -EINPROGRESS) return this.fail(errorName(connected));
    if (!awaitReady(descriptor, POLLOUT, CONNECT_MS)) return this.fail('ETIMEDOUT');
    const error = getOption(descriptor, SOL_SOCKET, SO_ERROR);
    return error === 0 ? null : this.fail(errorName(-Math.abs(error)));
  }

  /** Null: all of it is sent. Else why not; the next one needs `open` before. */
  send(message: Uint8Array): string | null {
    for (let at = 0, waited = 0; at < message.length;) {
      try {
        at += writeSync(this.descriptor, message, at, message.length - at);
        waited = 0;
      } catch (error) {
        const { code = 'EIO' } = error as NodeJS.ErrnoException;
        if (code !== 'EAGAIN' || waited >= STALL_MS) return this.fail(code);
        if (!awaitReady(this.descriptor, POLLOUT, LOOK_MS)) waited += LOOK_MS;
      }
    }
    return null;
  }

  close(): void {
    if (this.descriptor >= 0) closeSync(this.descriptor);
    this.descriptor = -1;
  }

  private fail(reason: string): string {
    this.close();
    return reason;
  }
}
