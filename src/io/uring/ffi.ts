/**
 * The C library as this engine uses it, through koffi. Nothing else in the engine touches native code.
 *
 * Addresses are plain numbers: user space ends far below 2^53. A call returns -1 on failure and `errno()` must be read
 * before anything else is called.
 */
import koffi from 'koffi';

const libc = koffi.load(null);

/** io_uring_enter(2) has no wrapper in the C library. The result is an int. */
export const syscallEnter = libc.func(
  'int syscall(long number, int descriptor, uint32_t submit, uint32_t wait, uint32_t flags, uintptr_t argument, size_t size)',
) as (
  number: number,
  descriptor: number,
  submit: number,
  wait: number,
  flags: number,
  argument: number,
  size: number,
) => number;

/** io_uring_setup(2) and io_uring_register(2): rare, and with pointers in different places. The result is an int. */
export const syscallWords = libc.func('int syscall(long number, long a, long b, long c, long d)') as (
  number: number,
  a: number,
  b: number,
  c: number,
  d: number,
) => number;

export const socket = libc.func('int socket(int family, int type, int protocol)') as (
  family: number,
  type: number,
  protocol: number,
) => number;

export const bind = libc.func('int bind(int descriptor, uintptr_t address, uint32_t length)') as (
  descriptor: number,
  address: number,
  length: number,
) => number;

export const connect = libc.func('int connect(int descriptor, uintptr_t address, uint32_t length)') as (
  descriptor: number,
  address: number,
  length: number,
) => number;

export const setsockopt = libc.func(
  'int setsockopt(int descriptor, int level, int option, uintptr_t value, uint32_t bytes)',
) as (descriptor: number, level: number, option: number, value: number, bytes: number) => number;

export const getsockopt = libc.func(
  'int getsockopt(int descriptor, int level, int option, uintptr_t value, uintptr_t length)',
) as (descriptor: number, level: number, option: number, value: number, length: number) => number;

export const getpeername = libc.func('int getpeername(int descriptor, uintptr_t address, uintptr_t length)') as (
  descriptor: number,
  address: number,
  length: number,
) => number;

export const getsockname = libc.func('int getsockname(int descriptor, uintptr_t address, uintptr_t length)') as (
  descriptor: number,
  address: number,
  length: number,
) => number;

export const ioctl = libc.func('int ioctl(int descriptor, unsigned long request, uintptr_t value)') as (
  descriptor: number,
  request: number,
  value: number,
) => number;

export const socketpair = libc.func('int socketpair(int family, int type, int protocol, uintptr_t pair)') as (
  family: number,
  type: number,
  protocol: number,
  pair: number,
) => number;

export const getrlimit = libc.func('int getrlimit(int resource, uintptr_t limit)') as (
  resource: number,
  limit: number,
) => number;
export const setrlimit = libc.func('int setrlimit(int resource, uintptr_t limit)') as (
  resource: number,
  limit: number,
) => number;
export const shutdown = libc.func('int shutdown(int descriptor, int how)') as (
  descriptor: number,
  how: number,
) => number;

export const write = libc.func('long write(int descriptor, uintptr_t bytes, size_t count)') as (
  descriptor: number,
  bytes: number,
  count: number,
) => number;

export const read = libc.func('long read(int descriptor, uintptr_t bytes, size_t count)') as (
  descriptor: number,
  bytes: number,
  count: number,
) => number;

export const splice = libc.func(
  'long splice(int from, uintptr_t fromOffset, int to, uintptr_t toOffset, size_t count, uint32_t flags)',
) as (from: number, fromOffset: number, to: number, toOffset: number, count: number, flags: number) => number;

export const pipe2 = libc.func('int pipe2(uintptr_t ends, int flags)') as (ends: number, flags: number) => number;

export const fcntl = libc.func('int fcntl(int descriptor, int command, long value)') as (
  descriptor: number,
  command: number,
  value: number,
) => number;

export const poll = libc.func('int poll(uintptr_t descriptors, unsigned long count, int timeoutMs)') as (
  descriptors: number,
  count: number,
  timeoutMs: number,
) => number;

export const close = libc.func('int close(int descriptor)') as (descriptor: number) => number;

const mmap = libc.func(
  'uintptr_t mmap(uintptr_t hint, size_t bytes, int protection, int flags, int descriptor, int64_t offset)',
) as (
  hint: number,
  bytes: number,
  protection: number,
  flags: number,
  descriptor: number,
  offset: number,
) => number | bigint;

const munmap = libc.func('int munmap(uintptr_t address, size_t bytes)') as (address: number, bytes: number) => number;

export const { errno } = koffi;

export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EIO = 5;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EBUSY = 16;
export const EINVAL = 22;
export const ENFILE = 23;
export const EMFILE = 24;
export const EPIPE = 32;
export const ENOSYS = 38;
export const ETIME = 62;
export const EMSGSIZE = 90;
export const EOPNOTSUPP = 95;
export const EADDRNOTAVAIL = 99;
export const ENETDOWN = 100;
export const ENETUNREACH = 101;
export const ECONNABORTED = 103;
export const ECONNRESET = 104;
export const ENOBUFS = 105;
export const ETIMEDOUT = 110;
export const ECONNREFUSED = 111;
export const EHOSTDOWN = 112;
export const EHOSTUNREACH = 113;
export const ECANCELED = 125;

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_IP = 0;
export const IP_PKTINFO = 8;
export const IP_BIND_ADDRESS_NO_PORT = 24;
export const SOL_IPV6 = 41;
export const IPV6_RECVPKTINFO = 49;
export const SOL_SOCKET = 1;
export const SO_RCVBUF = 8;
export const SO_LINGER = 13;
export const SO_BUF_LOCK = 72;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;
export const SO_KEEPALIVE = 9;
export const TCP_INFO = 11;
/** The state of a connection that is over, in the first byte of tcp_info. */
export const TCP_ESTABLISHED = 1;
export const TCP_CLOSE = 7;
export const TCP_NOTSENT_LOWAT = 25;
export const SHUT_WR = 1;
export const SIOCOUTQ = 0x5411;
export const MSG_DONTWAIT = 0x40;
export const MSG_WAITALL = 0x100;
export const MSG_NOSIGNAL = 0x4000;

export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const F_SETPIPE_SZ = 1031;
export const SPLICE_F_NONBLOCK = 2;

const PROT_READ_WRITE = 3;
const MAP_SHARED = 0x01;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MAP_NORESERVE = 0x4000;
const MAP_POPULATE = 0x8000;

/** Bytes that the kernel may read and write at any time. */
export interface Mapping {
  readonly address: number;
  /** The address as two 32-bit lanes; the mapping does not cross a 4 GiB line, so adding an offset never carries. */
  readonly low: number;
  readonly high: number;
  readonly buffer: ArrayBuffer;
}

/**
 * Zeroed memory that stays mapped while the process lives: an operation still in flight, or a view that JavaScript still
 * holds, must never meet an unmapped page.
 */
export function mapMemory(bytes: number): Mapping {
  const flags = MAP_PRIVATE_ANONYMOUS | MAP_NORESERVE;
  const first = map(bytes, flags, -1, 0);
  if (!crossesLine(first, bytes)) return mapping(first, bytes);
  // The kernel maps downwards: while the first attempt lies across the line, the next one lies below it.
  const second = map(bytes, flags, -1, 0);
  munmap(first, bytes);
  if (crossesLine(second, bytes)) throw new Error(`mmap: no ${bytes} bytes inside one 4 GiB range`);
  return mapping(second, bytes);
}

/** A part of the ring `descriptor`, populated. */
export function mapDescriptor(bytes: number, descriptor: number, offset: number): Mapping {
  return mapping(map(bytes, MAP_SHARED | MAP_POPULATE, descriptor, offset), bytes);
}

function map(bytes: number, flags: number, descriptor: number, offset: number): number {
  const address = Number(mmap(0, bytes, PROT_READ_WRITE, flags, descriptor, offset));
  // MAP_FAILED is all ones.
  if (address >= Number.MAX_SAFE_INTEGER) throw new Error(`mmap of ${bytes} bytes failed: errno ${errno()}`);
  return address;
}

function crossesLine(address: number, bytes: number): boolean {
  return highLane(address) !== highLane(address + bytes - 1);
}

function mapping(address: number, bytes: number): Mapping {
  return { address, low: address | 0, high: highLane(address), buffer: koffi.view(BigInt(address), bytes) };
}

function highLane(address: number): number {
  return Math.floor(address / 0x100000000);
}
