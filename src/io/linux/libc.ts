/**
 * The C library's calls that the keeper and the proxy's start need, and nothing of the data plane. Every function returns
 * what the system call returns, or the negative errno: `errno` is read before anything else can change it.
 */
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

const library = koffi.load(null);

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const O_CLOEXEC = 0o2000000;
const F_DUPFD_CLOEXEC = 1030;
const F_ADD_SEALS = 1033;

export const IPPROTO_IP = 0;
export const IPPROTO_TCP = 6;
export const IPPROTO_IPV6 = 41;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_REUSEPORT = 15;
export const SO_KEEPALIVE = 9;
export const SO_TYPE = 3;
export const SO_RCVBUF = 8;
export const SO_ACCEPTCONN = 30;
export const TCP_NODELAY = 1;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;
export const IP_PKTINFO = 8;
export const IP_FREEBIND = 15;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_FREEBIND = 78;
const MSG_NOSIGNAL = 0x4000;
/** `struct sockaddr_un` */
const SOCKET_ADDRESS_BYTES_MAX = 110;

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
/** What can no longer be done to a memfd (fcntl(2), "File Sealing"). */
export const F_SEAL_SEAL = 1;
export const F_SEAL_SHRINK = 2;
export const F_SEAL_GROW = 4;
export const F_SEAL_WRITE = 8;
/** Linux 5.1. Mappings that are there stay writable. */
export const F_SEAL_FUTURE_WRITE = 16;
const PROT_READ = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

export type Call = (...operands: unknown[]) => number;
const c = {
  socket: library.func('int socket(int, int, int)') as Call,
  bind: library.func('int bind(int, const void *, uint32_t)') as Call,
  listen: library.func('int listen(int, int)') as Call,
  accept4: library.func('int accept4(int, uintptr_t, uintptr_t, int)') as Call,
  connect: library.func('int connect(int, const void *, uint32_t)') as Call,
  setsockopt: library.func('int setsockopt(int, int, int, const void *, uint32_t)') as Call,
  getsockopt: library.func('int getsockopt(int, int, int, void *, void *)') as Call,
  getsockname: library.func('int getsockname(int, void *, void *)') as Call,
  sendto: library.func('intptr_t sendto(int, const void *, size_t, int, const void *, uint32_t)') as Call,
  pipe2: library.func('int pipe2(void *, int)') as Call,
  dup3: library.func('int dup3(int, int, int)') as Call,
  fcntl: library.func('int fcntl(int, int, intptr_t)') as Call,
  poll: library.func('int poll(void *, unsigned long, int)') as Call,
  memfd_create: library.func('int memfd_create(const char *, uint32_t)') as Call,
  ftruncate: library.func('int ftruncate(int, int64_t)') as Call,
  mkfifo: library.func('int mkfifo(const char *, uint32_t)') as Call,
  mmap: library.func('void *mmap(uintptr_t, size_t, int, int, int, int64_t)'),
};

/** What a call returned, or a negative errno. */
export function result(returned: number): number {
  return returned === -1 ? -koffi.errno() : returned;
}

export function socket(family: number, type: number, protocol = 0): number {
  return result(c.socket(family, type | SOCK_CLOEXEC, protocol));
}
export function bind(descriptor: number, socketAddress: Uint8Array): number {
  return result(c.bind(descriptor, socketAddress, socketAddress.length));
}
export function listen(descriptor: number, backlog: number): number {
  return result(c.listen(descriptor, backlog));
}
export function accept(descriptor: number): number {
  return result(c.accept4(descriptor, 0, 0, SOCK_CLOEXEC));
}
export function connect(descriptor: number, socketAddress: Uint8Array): number {
  return result(c.connect(descriptor, socketAddress, socketAddress.length));
}
export function setOption(descriptor: number, level: number, option: number, value: number): number {
  return result(c.setsockopt(descriptor, level, option, Int32Array.of(value), 4));
}
export function setOptionBytes(descriptor: number, level: number, option: number, value: Uint8Array): number {
  return result(c.setsockopt(descriptor, level, option, value, value.length));
}
/** How many bytes of `value` were written, or a negative errno. */
export function getOptionBytes(descriptor: number, level: number, option: number, value: Uint8Array): number {
  const length = Int32Array.of(value.length);
  const got = result(c.getsockopt(descriptor, level, option, value, length));
  return got < 0 ? got : length[0];
}
/** The value of an option that is a number; or a negative errno. */
export function getOption(descriptor: number, level: number, option: number): number {
  const value = new Uint8Array(4);
  const got = getOptionBytes(descriptor, level, option, value);
  return got < 0 ? got : new DataView(value.buffer).getInt32(0, true);
}
/** The `sockaddr` that a socket is bound to. Empty: it is none. */
export function boundAddress(descriptor: number): Uint8Array {
  const bytes = new Uint8Array(SOCKET_ADDRESS_BYTES_MAX);
  const length = Uint32Array.of(bytes.length);
  return result(c.getsockname(descriptor, bytes, length)) < 0 ? new Uint8Array() : bytes.subarray(0, length[0]);
}
export function sendTo(descriptor: number, data: Uint8Array, socketAddress: Uint8Array): number {
  return result(c.sendto(descriptor, data, data.length, MSG_NOSIGNAL, socketAddress, socketAddress.length));
}

/** The end to read from and the end to write to; or a negative errno. */
export function pipe(): readonly [number, number] | number {
  const ends = new Int32Array(2);
  const created = result(c.pipe2(ends, O_CLOEXEC));
  return created < 0 ? created : [ends[0], ends[1]];
}

/** The same under the lowest free number that is not below `place`. */
export function duplicateFrom(descriptor: number, place: number): number {
  return result(c.fcntl(descriptor, F_DUPFD_CLOEXEC, place));
}

/** The same under this number, whatever had it before; processes to come inherit it. 0, or a negative errno. */
export function duplicateTo(descriptor: number, place: number): number {
  return Math.min(0, result(c.dup3(descriptor, place, 0)));
}

export const POLLIN = 1;
export const POLLOUT = 4;

/** Whether a small write would not have to wait (poll(2)). True too where it would fail. */
export function isWritable(descriptor: number): boolean {
  return c.poll(Int32Array.of(descriptor, POLLOUT), 1, 0) !== 0;
}

/** Waits for this. False: it has not come in so many milliseconds. An end, or an error, comes too. */
export function awaitReady(descriptor: number, events: number, ms: number): boolean {
  return c.poll(Int32Array.of(descriptor, events), 1, ms) > 0;
}

export function mkfifo(path: string, mode: number): number {
  return result(c.mkfifo(path, mode));
}

/** A file without a name, in memory. */
export function memfd(name: string): number {
  return result(c.memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
}
export function truncate(descriptor: number, bytes: number): number {
  return result(c.ftruncate(descriptor, bytes));
}

/** Forbids for good, to everybody. */
export function addSeals(descriptor: number, seals: number): number {
  return result(c.fcntl(descriptor, F_ADD_SEALS, seals));
}

/** Maps a file for sharing, for the life of the process; a negative errno if that fails. */
export function mapShared(descriptor: number, bytes: number, access: 'read' | 'write'): ArrayBuffer | number {
  const protection = access === 'read' ? PROT_READ : PROT_READ_WRITE;
  const address = koffi.address(c.mmap(0, bytes, protection, MAP_SHARED, descriptor, 0));
  if (address === MAP_FAILED) return -koffi.errno();
  return koffi.view(address, bytes);
}

/** The name of a negative errno: `EADDRINUSE`. */
export function errorName(negativeErrno: number): string {
  return getSystemErrorName(negativeErrno);
}
