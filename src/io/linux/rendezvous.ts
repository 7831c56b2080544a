/**
 * Unix sockets at which proxies are found (port/rendezvous.ts). They are of SOCK_SEQPACKET: what is sent is received whole, and
 * descriptors come with what they were sent with. The keeper binds, so that the file is its own and nobody else can connect; the
 * proxy listens, so that SO_PEERCRED tells of the proxy (unix(7)): the process that called listen(2).
 */
import { closeSync, rmSync } from 'node:fs';
import type { Meeting, Packet, RendezvousHost } from '../../port/rendezvous.ts';
import { receivePacket, sendPacket } from './descriptor-channel.ts';
import * as libc from './libc.ts';
import { encodeUnixPath } from './socket-address.ts';
import { SOCK_NONBLOCK, SOCK_SEQPACKET } from './socket-messages.ts';

const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid. */
const CREDENTIALS_BYTES = 12;
/** Keepers that have connected and were not answered yet. */
const BACKLOG = 8;
/** Read and write for the owner and nobody else. */
const UMASK = 0o177;

export const linuxRendezvous: RendezvousHost = { open, meet };

function open(path: string): number | null {
  const address = encodeUnixPath(path);
  if (address === null) return null;
  const descriptor = libc.socket(libc.AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK);
  if (descriptor < 0) return null;
  rmSync(path, { force: true });
  const before = process.umask(UMASK);
  const bound = libc.bind(descriptor, address);
  process.umask(before);
  if (bound >= 0) return descriptor;
  closeSync(descriptor);
  return null;
}

function meet(path: string): Meeting | null {
  const address = encodeUnixPath(path);
  const descriptor = address === null ? -1 : libc.socket(libc.AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK);
  if (address === null || descriptor < 0) return null;
  const credentials = new Uint8Array(CREDENTIALS_BYTES);
  if (
    libc.connect(descriptor, address) < 0 ||
    libc.getOptionBytes(descriptor, libc.SOL_SOCKET, SO_PEERCRED, credentials) < CREDENTIALS_BYTES
  ) {
    closeSync(descriptor);
    return null;
  }
  return new Connection(descriptor, new DataView(credentials.buffer).getInt32(0, true));
}

/** The proxy's side of a rendezvous. Owns the descriptor. */
export class RendezvousServer {
  private readonly descriptor: number;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
    libc.listen(descriptor, BACKLOG);
  }

  /** Who has come; null: nobody. */
  accept(): Connection | null {
    const accepted = libc.accept(this.descriptor);
    return accepted < 0 ? null : new Connection(accepted, 0);
  }
}

export class Connection implements Meeting {
  readonly pid: number;
  private readonly descriptor: number;

  constructor(descriptor: number, pid: number) {
    this.descriptor = descriptor;
    this.pid = pid;
  }

  /** With copies of these descriptors, of which a packet takes DESCRIPTORS_PER_PACKET at most. */
  send(text: string, descriptors: readonly number[] = []): void {
    sendPacket(this.descriptor, text, descriptors);
  }

  receive(): Packet | 'gone' | null {
    return receivePacket(this.descriptor);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
