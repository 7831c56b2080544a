/**
 * The system calls of the vip process, beside those in ../libc.ts. The process blocks in `poll` and never enters Node's event
 * loop, so none of Node's own sockets and timers are of use to it. As there, a negative result is an errno.
 *
 * Structures are those of 64-bit little-endian Linux (x64 and arm64), which is where koffi and this program run.
 */
import koffi from 'koffi';
import { type Call, result } from '../libc.ts';

const library = koffi.load(null);

export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;

export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLHUP = 16;

const MSG_NOSIGNAL = 0x4000;

export const EINTR = -4;
export const EAGAIN = -11;
export const ENOBUFS = -105;

const CLOCK_REALTIME = 0;
const CLOCK_BOOTTIME = 7;
const TFD_NONBLOCK_CLOEXEC = 0o2004000;
const TFD_TIMER_ABSTIME = 1;

const c = {
  poll: library.func('int poll(void *, uint64_t, int)') as Call,
  recvfrom: library.func('intptr_t recvfrom(int, void *, size_t, int, void *, void *)') as Call,
  send: library.func('intptr_t send(int, const void *, size_t, int)') as Call,
  clock_gettime: library.func('int clock_gettime(int, void *)') as Call,
  timerfd_create: library.func('int timerfd_create(int, int)') as Call,
  timerfd_settime: library.func('int timerfd_settime(int, int, const void *, void *)') as Call,
};

/** `descriptors` are pairs of words: a descriptor, and the events asked for with those that happened in the upper half. */
export function poll(descriptors: Int32Array, count: number, timeoutMs: number): number {
  return result(c.poll(descriptors, count, timeoutMs));
}

/** How many bytes came in. */
export function receive(descriptor: number, into: Uint8Array, flags = 0): number {
  return result(c.recvfrom(descriptor, into, into.length, flags, null, null));
}

const nameLength = new Uint32Array(1);

/** The same, and who sent it. */
export function receiveFrom(descriptor: number, into: Uint8Array, from: Uint8Array): number {
  nameLength[0] = from.length;
  return result(c.recvfrom(descriptor, into, into.length, 0, from, nameLength));
}

export function send(descriptor: number, data: Uint8Array, flags = 0): number {
  return result(c.send(descriptor, data, data.length, flags | MSG_NOSIGNAL));
}

// --- time ---

/** `struct timespec`: seconds and nanoseconds, of which only the low words are ever used. */
const timespec = new Uint32Array(4);

function readClockUs(clock: number): number {
  c.clock_gettime(clock, timespec);
  return timespec[0] * 1_000_000 + Math.floor(timespec[2] / 1_000);
}

/** Microseconds of the clock that runs on while the machine is suspended. */
export function bootTimeUs(): number {
  return readClockUs(CLOCK_BOOTTIME);
}

/** Microseconds since 1970. */
export function unixTimeUs(): number {
  return readClockUs(CLOCK_REALTIME);
}

/** A timer of the clock `bootTimeUs`. After a suspension it fires at once, where a timeout of poll(2) would wait on. */
export function createTimer(): number {
  return result(c.timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK_CLOEXEC));
}

const itimerspec = new Uint32Array(8);

/** Makes the timer's descriptor readable from `atUs` on; Infinity: never. */
export function setTimer(descriptor: number, atUs: number): number {
  const isSet = atUs !== Number.POSITIVE_INFINITY;
  // All zero means never, so a time in the past is one nanosecond after the boot.
  const us = isSet ? Math.max(0, Math.ceil(atUs)) : 0;
  const seconds = Math.floor(us / 1_000_000);
  itimerspec[4] = seconds;
  itimerspec[6] = isSet ? (us - seconds * 1_000_000) * 1_000 + (us === 0 ? 1 : 0) : 0;
  return result(c.timerfd_settime(descriptor, TFD_TIMER_ABSTIME, itimerspec, null));
}
