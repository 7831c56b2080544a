/** The calls on descriptors that Node has no words for. */
import koffi from 'koffi';

const libc = koffi.load(null);
const dup = libc.func('int dup(int)');
const closeDescriptor = libc.func('int close(int)');
const getsockopt = libc.func('int getsockopt(int, int, int, void *, uint32_t *)');
const ioctl = libc.func('int ioctl(int, unsigned long, void *)');
const setsockopt = libc.func('int setsockopt(int, int, int, const void *, uint32_t)');

const isDarwin = process.platform === 'darwin';
const SOL_SOCKET = isDarwin ? 0xffff : 1;
const SO_LINGER = isDarwin ? 0x80 : 13;
const SO_ERROR = isDarwin ? 0x1007 : 4;
/** Linux: of ioctl. */
const SIOCOUTQ = 0x5411;
/** Darwin: of getsockopt. */
const SO_NWRITE = 0x1024;
const ETIMEDOUT = isDarwin ? 60 : 110;
/** struct linger: on, for no time. */
const LINGER_NOT = new Int32Array([1, 0]);

/** Another descriptor of the same open file, or -1 when there is none left. */
export function duplicateDescriptor(descriptor: number): number {
  return dup(descriptor) as number;
}

export function closeDescriptorNow(descriptor: number): void {
  closeDescriptor(descriptor);
}

/** Makes the descriptor's close send RST and drop what is queued, in whatever state the connection is. */
export function resetOnClose(descriptor: number): void {
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, LINGER_NOT, LINGER_NOT.byteLength);
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
  return (result as number) < 0 ? 0 : unacknowledged[0];
}
