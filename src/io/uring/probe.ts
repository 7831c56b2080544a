/**
 * Whether io_uring can be had here, found out by using it: a system call that a container's seccomp profile refuses, a
 * sysctl, a kernel that is too old or a sandbox with half an implementation look alike from outside.
 */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { assert } from '../../base/assert.ts';
import { POSTED_SLOTS } from '../../base/limits.ts';
import * as abi from './abi.ts';
import * as ffi from './ffi.ts';
import { Ring, RingError } from './ring.ts';
import { pushOption } from './socket-options.ts';

export type UringProbe =
  | {
      readonly ok: true;
      /** A multishot receive can be told to end by itself after a number of bytes (Linux 6.17). */
      readonly hasReceiveLimit: boolean;
      /** Options of sockets can be submitted (Linux 6.7). */
      readonly hasSocketOptions: boolean;
    }
  | { readonly ok: false; readonly reason: string; readonly remedy: string };

/**
 * Sets up a ring, runs a NOP and a multishot receive into a provided buffer, and takes everything down again. Before that,
 * as many rings at one time as `proxies` will have, with all that a proxy's ring locks.
 */
export function probeUring(proxies = 0): UringProbe {
  if (process.platform !== 'linux') return failure('io_uring exists on Linux only', 'none needed');
  const rings: Ring[] = [];
  try {
    for (let i = 0; i < proxies; i++) rings.push(setUpWhole());
    const ring = new Ring(WAIT_MS, 8, 16);
    rings.push(ring);
    return tryOperations(ring);
  } catch (error) {
    if (!(error instanceof RingError)) throw error;
    if (rings.length <= proxies) return explain(error.errno, rings.length, proxies);
    return failure(`io_uring is incomplete here: ${error.message}`, KERNEL_REMEDY);
  } finally {
    for (const ring of rings) ring.close();
  }
}

/** As a proxy has it. */
function setUpWhole(): Ring {
  const ring = new Ring(WAIT_MS);
  try {
    ring.registerBuffers(ffi.mapMemory(POSTED_SLOTS * BUFFER_ENTRY_BYTES).address, POSTED_SLOTS);
  } catch (error) {
    ring.close();
    throw error;
  }
  return ring;
}

const WAIT_MS = 1000;
/** struct io_uring_buf */
const BUFFER_ENTRY_BYTES = 16;
const KERNEL_REMEDY = 'Linux 6.1 or newer';
const FILTER_REMEDY = 'allow io_uring_setup, io_uring_enter and io_uring_register in its profile (docs/engines.md)';

function tryOperations(ring: Ring): UringProbe {
  ring.push(abi.OP_NOP, -1, 0, 0, 0, 0, 1, 0, 0);
  const nop = nextCompletion(ring);
  if (nop === null || nop.result !== 0) return failure('io_uring does not run an operation', KERNEL_REMEDY);

  const memory = ffi.mapMemory(8192);
  const words = new Int32Array(memory.buffer);
  const halves = new Uint16Array(memory.buffer);
  // A ring of two buffers of 16 bytes each, which lie behind it.
  for (let i = 0; i < 2; i++) {
    words[i * 4] = memory.low + 4096 + i * 16;
    words[i * 4 + 1] = memory.high;
    words[i * 4 + 2] = 16;
    halves[i * 8 + 6] = i;
  }
  halves[7] = 2;
  ring.registerBuffers(memory.address, 2);

  const pairAt = 4096 + 1024;
  const pairAddress = memory.address + pairAt;
  const made = ffi.socketpair(ffi.AF_UNIX, ffi.SOCK_STREAM | ffi.SOCK_CLOEXEC, 0, pairAddress);
  if (made < 0) return failure(`socketpair: errno ${ffi.errno()}`, 'raise the limit of open files');
  const [near, far] = words.subarray(pairAt >> 2, (pairAt >> 2) + 2);
  try {
    assert(ffi.write(far, memory.address + 4096 + 512, 4) === 4, 'a new socket takes four bytes');
    const hasSocketOptions = submitsOption(ring, near, memory);
    const limited = receive(ring, near, 4);
    if (limited !== null && limited.result === 4 && !limited.hasMore) {
      return { ok: true, hasReceiveLimit: true, hasSocketOptions };
    }
    const unlimited = receive(ring, near, 0);
    if (unlimited !== null && unlimited.result === 4 && unlimited.hasMore) {
      return { ok: true, hasReceiveLimit: false, hasSocketOptions };
    }
    return failure('io_uring has no multishot receive', KERNEL_REMEDY);
  } finally {
    // A receive that is still armed ends with the ring.
    ffi.close(near);
    ffi.close(far);
  }
}

function receive(ring: Ring, descriptor: number, limit: number): Completion | null {
  const head = abi.OP_RECV | abi.SQE_BUFFER_SELECT | abi.RECV_MULTISHOT;
  const at = ring.push(head, descriptor, 0, 0, 0, 0, 2, 0, 0);
  ring.submissions[at + 11] = limit;
  return nextCompletion(ring);
}

/** Only a failure is reported, so a NOP is looked for behind it. */
function submitsOption(ring: Ring, descriptor: number, memory: ffi.Mapping): boolean {
  const lingerAt = 4096 + 2048; // zero: off
  pushOption(ring, descriptor, ffi.SOL_SOCKET, ffi.SO_LINGER, memory.low + lingerAt, memory.high, 8, 3);
  ring.push(abi.OP_NOP, -1, 0, 0, 0, 0, 4, 0, 0);
  let isRefused = false;
  for (let next = nextCompletion(ring); next !== null && next.data !== 4; next = nextCompletion(ring)) isRefused = true;
  return !isRefused;
}

interface Completion {
  readonly data: number;
  readonly result: number;
  readonly hasMore: boolean;
}

function nextCompletion(ring: Ring): Completion | null {
  const { words } = ring;
  if (words[ring.completionHeadAt] === words[ring.completionTailAt]) ring.turn(true);
  const head = words[ring.completionHeadAt];
  if (head === words[ring.completionTailAt]) return null;
  const at = ring.completionsAt + ((head & ring.completionMask) << 2);
  words[ring.completionHeadAt] = (head + 1) | 0;
  return { data: words[at], result: words[at + 2], hasMore: (words[at + 3] & abi.CQE_F_MORE) !== 0 };
}

/** `had` rings of those that `proxies` need could be set up. */
function explain(errno: number, had: number, proxies: number): UringProbe {
  switch (errno) {
    case ffi.ENOSYS:
      return failure(
        'this kernel has no io_uring, or the seccomp profile of a container hides it',
        `${KERNEL_REMEDY}; ${FILTER_REMEDY}`,
      );
    case ffi.EINVAL:
      return failure(`io_uring of Linux ${release()} is too old`, KERNEL_REMEDY);
    case ffi.EPERM:
    case ffi.EACCES: {
      const setting = disabledSetting();
      if (setting === '1' || setting === '2') {
        return failure(
          `io_uring is switched off (kernel.io_uring_disabled is ${setting})`,
          'sysctl kernel.io_uring_disabled=0' +
            (setting === '1' ? ', or put the user into the group that kernel.io_uring_group names' : ''),
        );
      }
      return failure('io_uring is not permitted, most likely by the seccomp profile of a container', FILTER_REMEDY);
    }
    case ffi.ENOMEM:
      return failure(
        had === 0
          ? 'the limit of locked memory leaves no room for a ring'
          : `the limit of locked memory leaves room for the rings of ${had} of ${proxies} proxies`,
        'raise it to 512 KiB per proxy (LimitMEMLOCK= in the unit, ulimit -l)',
      );
    case ffi.EMFILE:
    case ffi.ENFILE:
      return failure('no descriptor for a ring', 'raise the limit of open files (ulimit -n)');
    default:
      return failure(`io_uring_setup failed with errno ${errno}`, KERNEL_REMEDY);
  }
}

function disabledSetting(): string {
  try {
    return readFileSync('/proc/sys/kernel/io_uring_disabled', 'utf8').trim();
  } catch {
    return ''; // before Linux 6.6
  }
}

function failure(reason: string, remedy: string): UringProbe {
  return { ok: false, reason, remedy };
}
