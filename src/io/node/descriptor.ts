/** The calls on descriptors that Node has no words for. */
import koffi from 'koffi';

const libc = koffi.load(null);
const dup = libc.func('int dup(int)');
const closeDescriptor = libc.func('int close(int)');
const getsockopt = libc.func('int getsockopt(int, int, int, void *, uint32_t *)');
const setsockopt = libc.func('int setsockopt(int, int, int, const void *, uint32_t)');

const isDarwin = process.platform === 'darwin';
const SOL_SOCKET = isDarwin ? 0xffff : 1;
const SO_LINGER = isDarwin ? 0x80 : 13;
const SO_ERROR = isDarwin ? 0x1007 : 4;
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
