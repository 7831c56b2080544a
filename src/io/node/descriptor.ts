/** The calls on descriptors that Node has no words for. */
import koffi from 'koffi';
import type { KeepAlive } from '../../base/keep-alive.ts';
import { NARROW_RECEIVE_BYTES, UNSENT_BYTES_MAX } from '../../base/limits.ts';

const libc = koffi.load(null);
const dup = libc.func('int dup(int)');
const closeDescriptor = libc.func('int close(int)');
const getsockopt = libc.func('int getsockopt(int, int, int, void *, uint32_t *)');
const ioctl = libc.func('int ioctl(int, unsigned long, void *)');
const getsockname = libc.func('int getsockname(int, void *, void *)');
const socket = libc.func('int socket(int, int, int)');
const bind = libc.func('int bind(int, const void *, uint32_t)');
const setsockopt = libc.func('int setsockopt(int, int, int, const void *, uint32_t)');

const isDarwin = process.platform === 'darwin';
const SOL_SOCKET = isDarwin ? 0xffff : 1;
const SO_RCVBUF = isDarwin ? 0x1002 : 8;
const SO_BUF_LOCK = 72;
const SO_LINGER = isDarwin ? 0x80 : 13;
const SO_ERROR = isDarwin ? 0x1007 : 4;
/** Linux: of ioctl. */
const SIOCOUTQ = 0x5411;
/** Darwin: of getsockopt. */
const SO_NWRITE = 0x1024;
const isLinux = process.platform === 'linux';
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
/** The first byte of what it gives. */
const TCP_ESTABLISHED = 1;
const TCP_CLOSE = 7;
const SO_KEEPALIVE = isDarwin ? 8 : 9;
const TCP_KEEPIDLE = isDarwin ? 0x10 : 4;
const TCP_KEEPINTVL = isDarwin ? 0x101 : 5;
const TCP_KEEPCNT = isDarwin ? 0x102 : 6;
const TCP_NOTSENT_LOWAT = isDarwin ? 0x201 : 25;
const ETIMEDOUT = isDarwin ? 60 : 110;
/** struct linger: on, for no time; and off. */
const LINGER_NOT = new Int32Array([1, 0]);
const LINGER_OFF = new Int32Array([0, 0]);

const SOL_IP = 0;
const IP_BIND_ADDRESS_NO_PORT = 24;
const NONBLOCK_CLOEXEC = 0o2004000;
const SOCK_STREAM = 1;
const TCP_NODELAY = 1;
const yes = new Int32Array([1]);

/**
 * A stream socket that comes from this sockaddr of Linux, with a port that is chosen by connecting, for which it need be free
 * towards the peer only. `descriptor` -1: none is left. `isBound` false: this machine does not have the address.
 */
export function openBound(source: Uint8Array): { descriptor: number; isBound: boolean } {
  const descriptor = socket(source[0], SOCK_STREAM | NONBLOCK_CLOEXEC, 0) as number;
  if (descriptor < 0) return { descriptor, isBound: false };
  setsockopt(descriptor, SOL_IP, IP_BIND_ADDRESS_NO_PORT, yes, yes.byteLength);
  return { descriptor, isBound: (bind(descriptor, source, source.byteLength) as number) === 0 };
}

/** Of connections that wait at a listening socket of Linux the next one, or -1: none waits, or it cannot be had. */
export function acceptFrom(descriptor: number): number {
  if (!isLinux) return -1;
  accept4 ??= libc.func('int accept4(int, void *, void *, int)');
  return accept4(descriptor, null, null, NONBLOCK_CLOEXEC) as number;
}
let accept4: ReturnType<typeof libc.func> | null = null;

/** Nothing waits for more to send with it. Sockets inherit it from the one they were accepted from. Unix sockets refuse. */
export function sendAtOnce(descriptor: number): void {
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, yes, yes.byteLength);
}

/** Whether it is bound to an IPv6 address, that for all addresses included; its port; and the address: 16 bytes, all zero: all. */
export function boundPlaceOf(descriptor: number): { isV6: boolean; port: number; address: Uint8Array } {
  const address = new Uint8Array(16);
  const name = new Uint8Array(128);
  const length = Uint32Array.of(name.length);
  if ((getsockname(descriptor, name, length) as number) < 0) return { isV6: false, port: 0, address };
  const family = isDarwin ? name[1] : name[0] | (name[1] << 8);
  const isV6 = family === (isDarwin ? 30 : 10);
  if (isV6) address.set(name.subarray(8, 24));
  else if (name.subarray(4, 8).some((byte) => byte !== 0)) address.set([0xff, 0xff, ...name.subarray(4, 8)], 10);
  return { isV6, port: (name[2] << 8) | name[3], address };
}

/** Another descriptor of the same open file, or -1 when there is none left. */
export function duplicateDescriptor(descriptor: number): number {
  return dup(descriptor) as number;
}

export function closeDescriptorNow(descriptor: number): void {
  closeDescriptor(descriptor);
}

/** Makes the descriptor's close send RST and drop what is queued, in whatever state the connection is; or not. */
export function resetOnClose(descriptor: number, isOn = true): void {
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, isOn ? LINGER_NOT : LINGER_OFF, LINGER_NOT.byteLength);
}

const option = new Int32Array(1);

/** TCP keep-alive. */
export function setKeepAlive(descriptor: number, { idleS, intervalS, probes }: KeepAlive): void {
  const set = (level: number, name: number, value: number): void => {
    option[0] = value;
    if (value > 0) setsockopt(descriptor, level, name, option, option.byteLength);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, idleS);
  set(IPPROTO_TCP, TCP_KEEPINTVL, intervalS);
  set(IPPROTO_TCP, TCP_KEEPCNT, probes);
}

const unsentMax = new Int32Array([UNSENT_BYTES_MAX]);

/** Bounds what waits unsent in the kernel. Sockets inherit it from the one they were accepted from. Unix sockets refuse. */
export function boundUnsent(descriptor: number): void {
  setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, unsentMax, unsentMax.byteLength);
}

const narrow = new Int32Array([NARROW_RECEIVE_BYTES]);
const unlocked = new Int32Array(1);

/** Bounds what the kernel receives for the descriptor, or (on Linux) lets it find the bound by itself again. */
export function setNarrow(descriptor: number, isNarrow: boolean): void {
  if (isNarrow) setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, narrow, narrow.byteLength);
  else if (isLinux) setsockopt(descriptor, SOL_SOCKET, SO_BUF_LOCK, unlocked, unlocked.byteLength);
}

/** struct tcp_info. */
const info = new Uint32Array(48);
const infoLength = new Uint32Array(1);
// tcpi_bytes_acked (8 bytes) and tcpi_notsent_bytes, as words.
const BYTES_ACKED = 120 >> 2;
const NOTSENT_BYTES = 144 >> 2;

function readInfo(descriptor: number): boolean {
  infoLength[0] = info.byteLength;
  return isLinux && (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, info, infoLength) as number) === 0;
}

/** TCP: nothing has come that ends the connection, as far as the system tells. */
export function isStanding(descriptor: number): boolean {
  return !readInfo(descriptor) || (info[0] & 0xff) === TCP_ESTABLISHED;
}

/** Bytes that the peer's kernel has acknowledged, modulo 2^32; 0 where the system does not tell. */
export function acknowledgedBytes(descriptor: number): number {
  return readInfo(descriptor) ? info[BYTES_ACKED] : 0;
}

/** Whether the kernel takes a whole slot at once. Yes, where the system does not tell. */
export function hasRoom(descriptor: number): boolean {
  return !readInfo(descriptor) || info[NOTSENT_BYTES] < UNSENT_BYTES_MAX / 2;
}

const error = new Int32Array(1);
const errorLength = new Uint32Array(1);

/** What broke the connection and was not told yet. */
export function takeError(descriptor: number): 'reset' | 'timeout' | null {
  errorLength[0] = error.byteLength;
  if ((getsockopt(descriptor, SOL_SOCKET, SO_ERROR, error, errorLength) as number) < 0 || error[0] === 0) return null;
  return error[0] === ETIMEDOUT ? 'timeout' : 'reset';
}

const unacknowledged = new Int32Array(1);
const unacknowledgedLength = new Uint32Array(1);

/** Bytes that were sent and that the peer's kernel has not acknowledged. */
export function unacknowledgedBytes(descriptor: number): number {
  unacknowledgedLength[0] = unacknowledged.byteLength;
  const result = isDarwin
    ? getsockopt(descriptor, SOL_SOCKET, SO_NWRITE, unacknowledged, unacknowledgedLength)
    : ioctl(descriptor, SIOCOUTQ, unacknowledged);
  if ((result as number) < 0) return 0;
  // what was on its way when a reset came is counted for ever
  const isOver = unacknowledged[0] > 0 && readInfo(descriptor) && (info[0] & 0xff) === TCP_CLOSE;
  return isOver ? 0 : unacknowledged[0];
}
