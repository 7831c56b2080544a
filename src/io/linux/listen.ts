/**
 * Listening sockets. Several per address, in one SO_REUSEPORT group (socket(7)): each proxy has its own queue, filled by the
 * kernel's hash, and the keeper holds a descriptor of each, so that the queue of a dead proxy waits for the next one instead
 * of being reset.
 *
 * SO_REUSEPORT also lets two unrelated programs of one user share a port without noticing. A second evenkeel would then
 * silently take half of the connections. So an address is first bound without it, which fails if anybody listens there.
 */
import {
  accessSync,
  chmodSync,
  closeSync as closeDescriptor,
  constants,
  existsSync,
  lstatSync,
  readFileSync,
  unlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { type Address, addressText } from '../../base/address.ts';
import type { ListenFailure, Listening, ListeningPlace } from '../../port/host.ts';
import * as libc from './libc.ts';
import { findPortOwner } from './port-owner.ts';
import { decodeSocketAddress, encodeSocketAddress, UNIX_PATH_BYTES_MAX } from './socket-address.ts';

/** What the kernel queues per socket while nobody accepts, cut to net.core.somaxconn (4096 since Linux 5.4). */
const BACKLOG = 4096;
/** Of a UDP socket: datagrams that wait while the proxy is busy, or is replaced. */
const DATAGRAM_QUEUE_BYTES = 4 * 1024 * 1024;

/** `isPortOurs`: see port/host.ts. */
export function openListeningSockets(
  place: ListeningPlace,
  copies: number,
  isPortOurs = false,
): Listening | ListenFailure {
  const { address, isDual, isUdp } = place;
  if (address.family === 0) return openUnixSocket(address);
  const opened = openGroup(place, copies, false, isPortOurs);
  if (typeof opened === 'object') return { kind: 'listening', descriptors: opened, note: null };

  const name = libc.errorName(opened);
  if (isDual && (name === 'EAFNOSUPPORT' || name === 'EADDRNOTAVAIL')) {
    const any: Address = { family: 4, host: '0.0.0.0', port: address.port };
    const v4 = openListeningSockets({ address: any, isDual: false, isUdp }, copies, isPortOurs);
    return v4.kind === 'failed' ? v4 : { ...v4, note: 'IPv6 is off on this machine: IPv4 only' };
  }
  if (name === 'EADDRNOTAVAIL') {
    // A virtual address that is on another machine now: be ready for the moment when it comes here.
    const early = openGroup(place, copies, true, isPortOurs);
    if (typeof early === 'object') {
      const note = `${address.host} is not an address of this machine now; accepting as soon as it is`;
      return { kind: 'listening', descriptors: early, note };
    }
  }
  return explain(name, address, isUdp);
}

/** Where a socket listens that somebody else has opened; null: it is no listening socket. */
export function placeOf(descriptor: number): ListeningPlace | null {
  const isUdp = libc.getOption(descriptor, libc.SOL_SOCKET, libc.SO_TYPE) === libc.SOCK_DGRAM;
  if (!isUdp && libc.getOption(descriptor, libc.SOL_SOCKET, libc.SO_ACCEPTCONN) !== 1) return null;
  const address = decodeSocketAddress(libc.boundAddress(descriptor));
  if (address === null || (isUdp && address.family === 0)) return null;
  // Without its file nobody reaches it.
  const { family, host } = address;
  if (family === 0 && !host.startsWith('@') && !existsSync(host)) return null;
  const isAny = address.host === '::' || address.host === '0.0.0.0';
  if (!isAny) return { address, isDual: false, isUdp };
  // Where IPv6 is off, IPv4 is all that there is of both.
  const isDual =
    address.family === 4 ? isV6Off() : libc.getOption(descriptor, libc.IPPROTO_IPV6, libc.IPV6_V6ONLY) === 0;
  return { address, isDual, isUdp };
}

function isV6Off(): boolean {
  const place: ListeningPlace = { address: { family: 6, host: '::', port: 0 }, isDual: false, isUdp: false };
  const opened = openGroup(place, 0, false, true);
  return typeof opened !== 'object';
}

/** Whether it could be listened on now; null: yes. Nothing is opened, so that no connection gets lost in it. */
export function tryListening(place: ListeningPlace): ListenFailure | null {
  if (place.address.family === 0) return tryUnixSocket(place.address);
  const opened = openListeningSockets(place, 0);
  return opened.kind === 'failed' ? opened : null;
}

/** The descriptors, or a negative errno. Without copies the address is only tried. */
function openGroup(place: ListeningPlace, copies: number, isFree: boolean, isPortOurs: boolean): number[] | number {
  const probe = openSocket(place, isFree, isPortOurs);
  if (probe < 0) return probe;
  closeDescriptor(probe);

  const descriptors: number[] = [];
  const giveUp = (error: number): number => {
    for (const descriptor of descriptors) closeDescriptor(descriptor);
    return error;
  };
  for (let i = 0; i < copies; i++) {
    const descriptor = openSocket(place, isFree, true);
    if (descriptor < 0) return giveUp(descriptor);
    descriptors.push(descriptor);
  }
  if (place.isUdp) return descriptors;
  for (const descriptor of descriptors) {
    const listened = libc.listen(descriptor, BACKLOG);
    if (listened < 0) return giveUp(listened);
  }
  return descriptors;
}

/** A bound socket's descriptor, or a negative errno. */
function openSocket(place: ListeningPlace, isFree: boolean, isShared: boolean): number {
  const descriptor = createSocket(place, isFree, isShared);
  if (descriptor < 0) return descriptor;
  const bound = libc.bind(descriptor, encodeSocketAddress(place.address)!);
  if (bound >= 0) return descriptor;
  closeDescriptor(descriptor);
  return bound;
}

function createSocket(place: ListeningPlace, isFree: boolean, isShared: boolean): number {
  const { address, isDual, isUdp } = place;
  const isV6 = address.family === 6;
  const type = isUdp ? libc.SOCK_DGRAM : libc.SOCK_STREAM;
  const descriptor = libc.socket(isV6 ? libc.AF_INET6 : libc.AF_INET, type);
  if (descriptor < 0) return descriptor;
  const steps: (() => number)[] = [
    // Of UDP it would let anybody share the port.
    () => (isUdp ? 0 : libc.setOption(descriptor, libc.SOL_SOCKET, libc.SO_REUSEADDR, 1)),
    () => (isV6 ? libc.setOption(descriptor, libc.IPPROTO_IPV6, libc.IPV6_V6ONLY, isDual ? 0 : 1) : 0),
    () => (isFree ? setFreeBind(descriptor, isV6) : 0),
    () => (isShared ? libc.setOption(descriptor, libc.SOL_SOCKET, libc.SO_REUSEPORT, 1) : 0),
    // Inherited by every accepted socket (tcp(7)): no call per connection.
    () =>
      isUdp ? prepareDatagrams(descriptor, place) : libc.setOption(descriptor, libc.IPPROTO_TCP, libc.TCP_NODELAY, 1),
  ];
  for (const step of steps) {
    const result = step();
    if (result < 0) {
      closeDescriptor(descriptor);
      return result;
    }
  }
  return descriptor;
}

/** Room for a burst, as far as net.core.rmem_max allows; and, of several addresses, the kernel is to tell which one was asked. */
function prepareDatagrams(descriptor: number, { address, isDual }: ListeningPlace): number {
  libc.setOption(descriptor, libc.SOL_SOCKET, libc.SO_RCVBUF, DATAGRAM_QUEUE_BYTES);
  if (address.host === '::') {
    const told = libc.setOption(descriptor, libc.IPPROTO_IPV6, libc.IPV6_RECVPKTINFO, 1);
    return isDual && told >= 0 ? libc.setOption(descriptor, libc.IPPROTO_IP, libc.IP_PKTINFO, 1) : told;
  }
  return address.host === '0.0.0.0' ? libc.setOption(descriptor, libc.IPPROTO_IP, libc.IP_PKTINFO, 1) : 0;
}

function setFreeBind(descriptor: number, isV6: boolean): number {
  return isV6
    ? libc.setOption(descriptor, libc.IPPROTO_IPV6, libc.IPV6_FREEBIND, 1)
    : libc.setOption(descriptor, libc.IPPROTO_IP, libc.IP_FREEBIND, 1);
}

/** SO_REUSEPORT does nothing for Unix sockets: one socket, which every proxy accepts from. */
function openUnixSocket(address: Address): Listening | ListenFailure {
  const path = address.host;
  const socketAddress = encodeSocketAddress(address);
  if (socketAddress === null) return explain('ENAMETOOLONG', address);
  const file = findSocketFile(path, socketAddress);
  if (file !== null && file !== 'stale') return file;
  if (file === 'stale') unlinkSync(path);
  const descriptor = libc.socket(libc.AF_UNIX, libc.SOCK_STREAM);
  let result = descriptor;
  if (result >= 0) result = libc.bind(descriptor, socketAddress);
  if (result >= 0) result = libc.listen(descriptor, BACKLOG);
  if (result < 0) {
    if (descriptor >= 0) closeDescriptor(descriptor);
    return explain(libc.errorName(result), address);
  }
  // Like a port: whoever reaches it may connect. Who reaches it is decided by its directory's mode.
  if (!path.startsWith('@')) chmodSync(path, 0o666);
  return { kind: 'listening', descriptors: [descriptor], note: null };
}

function tryUnixSocket(address: Address): ListenFailure | null {
  const socketAddress = encodeSocketAddress(address);
  if (socketAddress === null) return explain('ENAMETOOLONG', address);
  const file = findSocketFile(address.host, socketAddress);
  if (file !== null && file !== 'stale') return file;
  if (address.host.startsWith('@')) return null;
  try {
    accessSync(dirname(address.host), constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return explain((error as NodeJS.ErrnoException).code ?? 'EACCES', address);
  }
}

/** A socket file stays behind when its program is killed; bind(2) refuses it. It is stale if nobody answers there. */
function findSocketFile(path: string, socketAddress: Uint8Array): ListenFailure | 'stale' | null {
  if (path.startsWith('@')) return null;
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (file === undefined) return null;
  if (!file.isSocket()) {
    return {
      kind: 'failed',
      code: 'EEXIST',
      reason: 'a file that is not a socket is in the way',
      remedy: 'remove it, or listen on another path',
      ownerPid: null,
    };
  }
  const probe = libc.socket(libc.AF_UNIX, libc.SOCK_STREAM);
  const answer = libc.connect(probe, socketAddress);
  closeDescriptor(probe);
  if (answer < 0 && libc.errorName(answer) === 'ECONNREFUSED') return 'stale';
  return {
    kind: 'failed',
    code: 'EADDRINUSE',
    reason: 'another program listens on it',
    remedy: 'stop that program, or listen on another path',
    ownerPid: null,
  };
}

function explain(code: string, address: Address, isUdp = false): ListenFailure {
  const { port } = address;
  const fail = (reason: string, remedy: string, ownerPid: number | null = null): ListenFailure => {
    return { kind: 'failed', code, reason, remedy, ownerPid };
  };
  switch (code) {
    case 'EADDRINUSE': {
      const owner = address.family === 0 ? null : findPortOwner(port, isUdp);
      return owner === null
        ? fail(
            'another program listens on it',
            `find it with "ss -l${isUdp ? 'u' : 't'}np sport = :${port}" as root and stop it`,
          )
        : fail(
            `port ${port} is taken by ${owner.name} (pid ${owner.pid})`,
            'stop it, or listen on another port',
            owner.pid,
          );
    }
    case 'EACCES':
      return address.family === 0
        ? fail('no permission to create the socket file', 'make its directory writable for this user')
        : fail(
            `ports below ${unprivilegedPortStart()} are reserved`,
            `give this process CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), ` +
              `run it as root, or set sysctl net.ipv4.ip_unprivileged_port_start=${port}`,
          );
    case 'EADDRNOTAVAIL':
      return fail(`${address.host} cannot be an address of this machine`, 'listen on "*" or on an address it can have');
    case 'EINVAL':
      return fail(`${address.host} is link-local and means nothing without an interface`, 'listen on another address');
    case 'EAFNOSUPPORT':
      return fail('IPv6 is off on this machine', `listen on "0.0.0.0:${port}", or turn IPv6 on`);
    case 'EMFILE':
    case 'ENFILE':
      return fail('this process has no file descriptor left', 'raise LimitNOFILE (systemd) or "ulimit -n"');
    case 'ENOENT':
      return fail('its directory does not exist', 'create the directory');
    case 'ENAMETOOLONG':
      return fail(`the path is longer than ${UNIX_PATH_BYTES_MAX} bytes`, 'use a shorter path, for example under /run');
    default:
      return fail(`the system refused ${addressText(address)}: ${code}`, `see ${code} in bind(2)`);
  }
}

function unprivilegedPortStart(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  } catch {
    return 1024;
  }
}
